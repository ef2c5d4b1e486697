//! The Lambda function of `delete_user`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&functions::users::delete_user::ENDPOINT)
}
