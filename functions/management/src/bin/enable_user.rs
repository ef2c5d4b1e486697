//! The Lambda function of `enable_user`. Made by `cargo run -- generate`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&management::users::enable_user::ENDPOINT)
}
