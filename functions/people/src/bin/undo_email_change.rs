//! The Lambda function of `undo_email_change`. Made by `cargo run -- generate`.

use people::account::undo_email_change::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve_with_link_keys(&ENDPOINT, aws::parameters)
}
