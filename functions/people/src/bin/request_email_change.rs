//! The Lambda function of `request_email_change`. Made by `cargo run -- generate`.

use people::account::request_email_change::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
