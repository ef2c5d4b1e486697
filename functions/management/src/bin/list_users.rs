//! The Lambda function of `list_users`. Made by `cargo run -- generate`.

use management::users::list_users::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
