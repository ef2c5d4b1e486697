//! The Lambda function of `login`.

fn main() -> Result<(), lambda_http::Error> {
    roster_http::serve(&functions::account::login::ENDPOINT)
}
