//! The Lambda function of `verify_email`.

fn main() -> Result<(), lambda_http::Error> {
    roster_http::serve(&functions::emails::verify_email::ENDPOINT)
}
