//! The Lambda function of `get_user`. Made by `cargo run -- generate`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&management::users::get_user::ENDPOINT)
}
