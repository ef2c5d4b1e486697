//! The Lambda function of `list_emails`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&functions::account::list_emails::ENDPOINT)
}
