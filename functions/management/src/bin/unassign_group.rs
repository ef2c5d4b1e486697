//! The Lambda function of `unassign_group`. Made by `cargo run -- generate`.

use management::memberships::unassign_group::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
