//! The Lambda function of `remove_username`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&functions::usernames::remove_username::ENDPOINT)
}
