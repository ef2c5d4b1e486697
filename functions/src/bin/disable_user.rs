//! The Lambda function of `disable_user`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&functions::users::disable_user::ENDPOINT)
}
