//! The Lambda function of `get_group`. Made by `cargo run -- generate`.

use management::groups::get_group::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
