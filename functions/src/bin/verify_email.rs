//! The Lambda function of `verify_email`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&functions::emails::verify_email::ENDPOINT)
}
