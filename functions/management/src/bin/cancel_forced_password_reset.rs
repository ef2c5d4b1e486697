//! The Lambda function of `cancel_forced_password_reset`. Made by `cargo run -- generate`.

use management::passwords::cancel_forced_password_reset::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
