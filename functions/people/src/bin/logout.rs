//! The Lambda function of `logout`. Made by `cargo run -- generate`.

use people::account::logout::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
