//! The Lambda function of `set_primary_email`.

fn main() -> Result<(), lambda_http::Error> {
    roster_http::serve(&functions::emails::set_primary_email::ENDPOINT)
}
