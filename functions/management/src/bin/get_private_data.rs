//! The Lambda function of `get_private_data`. Made by `cargo run -- generate`.

use management::data::get_private_data::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
