//! The Lambda function of `delete_group`. Made by `cargo run -- generate`.

use management::groups::delete_group::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
