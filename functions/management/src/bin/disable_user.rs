//! The Lambda function of `disable_user`. Made by `cargo run -- generate`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&management::users::disable_user::ENDPOINT)
}
