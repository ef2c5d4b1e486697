//! The Lambda function of `unverify_phone`. Made by `cargo run -- generate`.

use management::phones::unverify_phone::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
