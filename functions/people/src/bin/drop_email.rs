//! The Lambda function of `drop_email`. Made by `cargo run -- generate`.

use people::account::drop_email::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
