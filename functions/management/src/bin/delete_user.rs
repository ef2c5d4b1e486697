//! The Lambda function of `delete_user`. Made by `cargo run -- generate`.

use management::users::delete_user::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
