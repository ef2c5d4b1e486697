//! The Lambda function of `unverify_email`. Made by `cargo run -- generate`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&management::emails::unverify_email::ENDPOINT)
}
