//! The Lambda function of `list_grants`. Made by `cargo run -- generate`.

use management::grants::list_grants::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
