//! The Lambda function of `create_user`. Made by `cargo run -- generate`.

use management::users::create_user::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
