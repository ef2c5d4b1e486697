//! The Lambda function of `apply_changes`. Made by `cargo run -- generate`.

use workers::apply_changes::CONSUMER;

fn main() -> Result<(), roster_http::Error> {
    consumer::serve_consumer(&CONSUMER)
}
