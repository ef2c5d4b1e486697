//! The Lambda function of `set_primary_phone`. Made by `cargo run -- generate`.

use management::phones::set_primary_phone::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
