//! The Lambda function of `undo_email_change`.

fn main() -> Result<(), lambda_http::Error> {
    roster_http::serve_link(&functions::account::undo_email_change::ENDPOINT)
}
