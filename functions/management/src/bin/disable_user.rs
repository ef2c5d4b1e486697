//! The Lambda function of `disable_user`. Made by `cargo run -- generate`.

use management::users::disable_user::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
