//! The Lambda function of `list_groups`. Made by `cargo run -- generate`.

use management::groups::list_groups::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
