//! The Lambda function of `login`. Made by `cargo run -- generate`.

use people::account::login::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
