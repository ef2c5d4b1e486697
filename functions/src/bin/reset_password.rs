//! The Lambda function of `reset_password`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve_link(&functions::account::reset_password::ENDPOINT)
}
