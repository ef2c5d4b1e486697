//! The Lambda function of `remove_username`. Made by `cargo run -- generate`.

use management::usernames::remove_username::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
