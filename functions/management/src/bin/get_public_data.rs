//! The Lambda function of `get_public_data`. Made by `cargo run -- generate`.

use management::data::get_public_data::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
