//! The Lambda function of `set_username`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&functions::usernames::set_username::ENDPOINT)
}
