//! The Lambda function of `create_user`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&functions::users::create_user::ENDPOINT)
}
