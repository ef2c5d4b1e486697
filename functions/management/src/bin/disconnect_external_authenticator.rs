//! The Lambda function of `disconnect_external_authenticator`. Made by `cargo run -- generate`.

use management::external_authenticators::disconnect_external_authenticator::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
