//! The Lambda function of `logout`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&functions::account::logout::ENDPOINT)
}
