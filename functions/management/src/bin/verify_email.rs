//! The Lambda function of `verify_email`. Made by `cargo run -- generate`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&management::emails::verify_email::ENDPOINT)
}
