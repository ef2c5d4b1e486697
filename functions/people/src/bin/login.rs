//! The Lambda function of `login`. Made by `cargo run -- generate`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&people::account::login::ENDPOINT)
}
