//! The Lambda function of `list_group_users`. Made by `cargo run -- generate`.

use management::memberships::list_group_users::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
