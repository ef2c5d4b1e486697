//! The Lambda function of `drop_email`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&functions::account::drop_email::ENDPOINT)
}
