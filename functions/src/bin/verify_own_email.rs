//! The Lambda function of `verify_own_email`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve_link(&functions::account::verify_own_email::ENDPOINT)
}
