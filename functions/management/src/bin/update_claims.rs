//! The Lambda function of `update_claims`. Made by `cargo run -- generate`.

use management::claims::update_claims::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
