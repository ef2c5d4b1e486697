//! The Lambda function of `send_notifications`. Made by `cargo run -- generate`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve_consumer(&workers::send_notifications::CONSUMER)
}
