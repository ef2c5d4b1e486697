//! The Lambda function of `add_own_email`. Made by `cargo run -- generate`.

use people::account::add_own_email::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
