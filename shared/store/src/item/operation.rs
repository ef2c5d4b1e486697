//! The item that tells that a named operation happened, where the user's own item does not.
//!
//! Written only for a request with an `Idempotency-Key`. A repeated deletion, of a user or of a
//! session, finds it and answers success instead of "no such user"; a repeated create finds it and
//! doesn't bring a deleted user back; a repeated unblocking finds it and forgets no newer failures.

use std::time::Duration;

use domain::{OperationId, Timestamp};

use crate::table::{self, Item, Partition, number};

const KEPT_FOR: Duration = Duration::from_hours(24);

/// Its key.
pub(crate) fn key(operation: &OperationId) -> Item {
    table::key(Partition::Operation.key(operation.as_str()), "OPERATION")
}

/// The whole item; it expires after a day.
pub(crate) fn item(operation: &OperationId, now: Timestamp) -> Item {
    let mut item = key(operation);
    let expires_at = now.plus(KEPT_FOR).as_unix();
    item.insert("expires_at".to_owned(), number(expires_at));
    item
}
