//! The Lambda function of `remove_username`. Made by `cargo run -- generate`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&management::usernames::remove_username::ENDPOINT)
}
