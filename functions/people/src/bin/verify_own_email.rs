//! The Lambda function of `verify_own_email`. Made by `cargo run -- generate`.

use people::account::verify_own_email::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve_with_link_keys(&ENDPOINT, aws::parameters)
}
