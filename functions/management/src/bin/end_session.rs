//! The Lambda function of `end_session`. Made by `cargo run -- generate`.

use management::sessions::end_session::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
