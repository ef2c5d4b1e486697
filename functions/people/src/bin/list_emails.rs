//! The Lambda function of `list_emails`. Made by `cargo run -- generate`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&people::account::list_emails::ENDPOINT)
}
