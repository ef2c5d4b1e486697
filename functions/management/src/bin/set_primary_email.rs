//! The Lambda function of `set_primary_email`. Made by `cargo run -- generate`.

use management::emails::set_primary_email::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
