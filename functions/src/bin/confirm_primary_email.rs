//! The Lambda function of `confirm_primary_email`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve_link(&functions::account::confirm_primary_email::ENDPOINT)
}
