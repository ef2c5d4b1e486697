//! The Lambda function of `add_phone`. Made by `cargo run -- generate`.

use management::phones::add_phone::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
