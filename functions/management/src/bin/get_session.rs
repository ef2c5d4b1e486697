//! The Lambda function of `get_session`. Made by `cargo run -- generate`.

use management::sessions::get_session::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
