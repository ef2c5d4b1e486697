//! The item that says that a change was counted, where no event of the log says it.

use std::time::Duration;

use domain::Timestamp;

use crate::table::{self, Item, Partition, number};

/// The stream keeps its records for a day.
const KEPT_FOR: Duration = Duration::from_hours(48);

/// The whole item, of the change that the stream gives this name.
pub(crate) fn item(change: &str, now: Timestamp) -> Item {
    let mut item = table::key(Partition::Counted.key(change), "COUNTED");
    let expires_at = now.plus(KEPT_FOR).as_unix();
    item.insert("expires_at".to_owned(), number(expires_at));
    item
}
