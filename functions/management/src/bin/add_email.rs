//! The Lambda function of `add_email`. Made by `cargo run -- generate`.

use management::emails::add_email::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
