//! The Lambda function of `remove_phone`. Made by `cargo run -- generate`.

use management::phones::remove_phone::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
