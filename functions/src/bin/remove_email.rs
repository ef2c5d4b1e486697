//! The Lambda function of `remove_email`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&functions::emails::remove_email::ENDPOINT)
}
