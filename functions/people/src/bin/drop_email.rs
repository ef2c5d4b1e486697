//! The Lambda function of `drop_email`. Made by `cargo run -- generate`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&people::account::drop_email::ENDPOINT)
}
