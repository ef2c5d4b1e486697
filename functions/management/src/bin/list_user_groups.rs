//! The Lambda function of `list_user_groups`. Made by `cargo run -- generate`.

use management::memberships::list_user_groups::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
