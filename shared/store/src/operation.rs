//! The item that outlives a user: that a named operation created it, or deleted it.
//!
//! Written only for a request with an `Idempotency-Key`. A repeated deletion finds it and answers
//! success instead of "no such user"; a repeated create finds it and doesn't bring a deleted user
//! back.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{OperationId, Timestamp};

use crate::{Item, item};

const SECONDS_OF_A_DAY: i64 = 24 * 60 * 60;

/// Its key.
pub(crate) fn key(operation: &OperationId) -> Item {
    item::key(format!("OPERATION#{}", operation.as_str()), "OPERATION")
}

/// The whole item; it lapses after a day.
pub(crate) fn item(operation: &OperationId, now: Timestamp) -> Item {
    let mut item = key(operation);
    let expires_at = now.as_unix() + SECONDS_OF_A_DAY;
    item.insert(
        "expires_at".to_owned(),
        AttributeValue::N(expires_at.to_string()),
    );
    item
}
