//! How long an invocation has.

use std::time::Duration;

use lambda_http::lambda_runtime::Context;
use tokio::time::Instant;

use crate::clock::since_epoch;

/// When Lambda ends the function, on the monotonic clock. cargo-lambda sends a constant that passed
/// in 1970; then the invocation gets the time that the template gives it.
pub fn end_of(context: Option<&Context>, by_template: Duration) -> Instant {
    let left = context
        .map(|context| Duration::from_millis(context.deadline).saturating_sub(since_epoch()))
        .filter(|left| !left.is_zero())
        .unwrap_or(by_template);
    Instant::now() + left
}
