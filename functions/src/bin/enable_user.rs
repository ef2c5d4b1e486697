//! The Lambda function of `enable_user`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&functions::users::enable_user::ENDPOINT)
}
