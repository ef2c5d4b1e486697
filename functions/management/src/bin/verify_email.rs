//! The Lambda function of `verify_email`. Made by `cargo run -- generate`.

use management::emails::verify_email::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
