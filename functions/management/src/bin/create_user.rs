//! The Lambda function of `create_user`. Made by `cargo run -- generate`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&management::users::create_user::ENDPOINT)
}
