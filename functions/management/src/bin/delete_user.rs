//! The Lambda function of `delete_user`. Made by `cargo run -- generate`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&management::users::delete_user::ENDPOINT)
}
