//! The Lambda function of `add_own_email`. Made by `cargo run -- generate`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&people::account::add_own_email::ENDPOINT)
}
