//! The Lambda function of `update_group`. Made by `cargo run -- generate`.

use management::groups::update_group::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
