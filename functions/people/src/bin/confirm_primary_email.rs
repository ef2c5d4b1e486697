//! The Lambda function of `confirm_primary_email`. Made by `cargo run -- generate`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve_with_link_keys(&people::account::confirm_primary_email::ENDPOINT)
}
