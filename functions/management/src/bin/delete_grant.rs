//! The Lambda function of `delete_grant`. Made by `cargo run -- generate`.

use management::grants::delete_grant::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
