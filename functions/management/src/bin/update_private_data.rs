//! The Lambda function of `update_private_data`. Made by `cargo run -- generate`.

use management::data::update_private_data::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
