//! The Lambda function of `unblock_user`. Made by `cargo run -- generate`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&management::users::unblock_user::ENDPOINT)
}
