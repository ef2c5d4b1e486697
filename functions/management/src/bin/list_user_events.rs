//! The Lambda function of `list_user_events`. Made by `cargo run -- generate`.

use management::events::list_user_events::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
