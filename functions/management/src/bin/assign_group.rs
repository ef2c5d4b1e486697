//! The Lambda function of `assign_group`. Made by `cargo run -- generate`.

use management::memberships::assign_group::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
