//! The Lambda function of `add_own_email`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&functions::account::add_own_email::ENDPOINT)
}
