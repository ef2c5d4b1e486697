//! The Lambda function of `get_primary_email`. Made by `cargo run -- generate`.

use people::account::get_primary_email::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
