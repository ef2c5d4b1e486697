//! The Lambda function of `change_password`. Made by `cargo run -- generate`.

use management::passwords::change_password::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
