//! The Lambda function of `create_group`. Made by `cargo run -- generate`.

use management::groups::create_group::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
