//! The Lambda function of `remove_username`.

fn main() -> Result<(), lambda_http::Error> {
    roster_http::serve(&functions::usernames::remove_username::ENDPOINT)
}
