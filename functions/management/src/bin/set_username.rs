//! The Lambda function of `set_username`. Made by `cargo run -- generate`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&management::usernames::set_username::ENDPOINT)
}
