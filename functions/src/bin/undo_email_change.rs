//! The Lambda function of `undo_email_change`.

fn main() -> Result<(), roster_http::Error> {
    roster_http::serve_link(&functions::account::undo_email_change::ENDPOINT)
}
