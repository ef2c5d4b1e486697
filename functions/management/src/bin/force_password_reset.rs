//! The Lambda function of `force_password_reset`. Made by `cargo run -- generate`.

use management::passwords::force_password_reset::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
