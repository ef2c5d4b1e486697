//! The Lambda function of `get_user`. Made by `cargo run -- generate`.

use management::users::get_user::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
