//! The Lambda function of `enable_user`. Made by `cargo run -- generate`.

use management::users::enable_user::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
