//! The Lambda function of `unverify_email`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&functions::emails::unverify_email::ENDPOINT)
}
