//! The Lambda function of `request_email_change`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&functions::account::request_email_change::ENDPOINT)
}
