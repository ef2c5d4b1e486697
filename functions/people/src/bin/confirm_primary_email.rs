//! The Lambda function of `confirm_primary_email`. Made by `cargo run -- generate`.

use people::account::confirm_primary_email::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve_with_link_keys(&ENDPOINT, aws::parameters)
}
