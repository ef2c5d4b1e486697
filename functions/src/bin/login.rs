//! The Lambda function of `login`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&functions::account::login::ENDPOINT)
}
