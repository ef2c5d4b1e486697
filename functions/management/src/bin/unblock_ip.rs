//! The Lambda function of `unblock_ip`. Made by `cargo run -- generate`.

use management::blocked_ips::unblock_ip::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
