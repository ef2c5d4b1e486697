//! The Lambda function of `send_notifications`. Made by `cargo run -- generate`.

use workers::send_notifications::CONSUMER;

fn main() -> Result<(), roster_http::Error> {
    consumer::serve_consumer(&CONSUMER)
}
