//! The Lambda function of `remove_password`. Made by `cargo run -- generate`.

use management::passwords::remove_password::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
