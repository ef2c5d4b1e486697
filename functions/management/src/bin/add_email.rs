//! The Lambda function of `add_email`. Made by `cargo run -- generate`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&management::emails::add_email::ENDPOINT)
}
