//! The Lambda function of `set_primary_email`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&functions::emails::set_primary_email::ENDPOINT)
}
