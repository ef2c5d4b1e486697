//! The Lambda function of `send_notifications`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve_consumer(&functions::changes::send_notifications::CONSUMER)
}
