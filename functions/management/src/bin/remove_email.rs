//! The Lambda function of `remove_email`. Made by `cargo run -- generate`.

use management::emails::remove_email::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
