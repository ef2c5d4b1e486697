//! The Lambda function of `reset_password`. Made by `cargo run -- generate`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve_with_link_keys(&people::account::reset_password::ENDPOINT)
}
