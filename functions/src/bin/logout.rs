//! The Lambda function of `logout`.

fn main() -> Result<(), lambda_http::Error> {
    roster_http::serve(&functions::account::logout::ENDPOINT)
}
