//! The Lambda function of `verify_phone`. Made by `cargo run -- generate`.

use management::phones::verify_phone::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
