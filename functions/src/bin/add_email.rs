//! The Lambda function of `add_email`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&functions::emails::add_email::ENDPOINT)
}
