//! The Lambda function of `import_users`. Made by `cargo run -- generate`.

use management::users::import_users::ENDPOINT;

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve(&ENDPOINT)
}
