//! The Lambda function of `get_primary_email`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&functions::account::get_primary_email::ENDPOINT)
}
