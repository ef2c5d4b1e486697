//! The Lambda function of `set_username`. Made by `cargo run -- generate`.

use management::usernames::set_username::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
