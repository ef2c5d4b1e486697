//! The Lambda function of `unblock_user`. Made by `cargo run -- generate`.

use management::users::unblock_user::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
