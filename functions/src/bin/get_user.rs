//! The Lambda function of `get_user`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&functions::users::get_user::ENDPOINT)
}
