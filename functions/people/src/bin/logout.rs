//! The Lambda function of `logout`. Made by `cargo run -- generate`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&people::account::logout::ENDPOINT)
}
