//! The Lambda function of `remove_passkey`. Made by `cargo run -- generate`.

use management::passkeys::remove_passkey::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
