//! The Lambda function of `reset_password`. Made by `cargo run -- generate`.

use people::account::reset_password::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve_with_link_keys(&ENDPOINT, aws::parameters)
}
