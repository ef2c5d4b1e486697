//! The Lambda function of `list_blocked_ips`. Made by `cargo run -- generate`.

use management::blocked_ips::list_blocked_ips::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
