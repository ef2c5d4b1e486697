//! The Lambda function of `set_password`. Made by `cargo run -- generate`.

use management::passwords::set_password::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
