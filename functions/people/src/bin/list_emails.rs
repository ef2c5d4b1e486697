//! The Lambda function of `list_emails`. Made by `cargo run -- generate`.

use people::account::list_emails::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
