//! The Lambda function of `make_reset_link`. Made by `cargo run -- generate`.

use management::passwords::make_reset_link::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve_with_link_keys(&ENDPOINT, aws::parameters)
}
