//! The Lambda function of `remove_email`. Made by `cargo run -- generate`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&management::emails::remove_email::ENDPOINT)
}
