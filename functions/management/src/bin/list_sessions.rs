//! The Lambda function of `list_sessions`. Made by `cargo run -- generate`.

use management::sessions::list_sessions::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
