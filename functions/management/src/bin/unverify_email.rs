//! The Lambda function of `unverify_email`. Made by `cargo run -- generate`.

use management::emails::unverify_email::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
