//! The Lambda function of `unblock_user`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&functions::users::unblock_user::ENDPOINT)
}
