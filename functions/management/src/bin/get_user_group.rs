//! The Lambda function of `get_user_group`. Made by `cargo run -- generate`.

use management::memberships::get_user_group::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
