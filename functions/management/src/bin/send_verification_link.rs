//! The Lambda function of `send_verification_link`. Made by `cargo run -- generate`.

use management::emails::send_verification_link::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
