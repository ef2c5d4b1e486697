//! The Lambda function of `set_username`.

fn main() -> Result<(), lambda_http::Error> {
    roster_http::serve(&functions::usernames::set_username::ENDPOINT)
}
