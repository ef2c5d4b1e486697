//! Counters of one hour each: how many notifications were asked for, by user or by address.

use std::time::Duration;

use domain::notification::RateLimitKey;

use crate::StoreError;
use crate::table::{Attempts, Partition, Table, Update, Updated, key, number, number_of, text};
use crate::write::Write;

/// Long enough that the counted hour has passed by then.
const KEPT_FOR: Duration = Duration::from_hours(2);

/// The limits on notifications.
#[derive(Clone, Debug)]
pub struct Limits {
    table: Table,
}

impl Limits {
    /// The counters in this table.
    pub const fn new(table: Table) -> Self {
        Self { table }
    }

    /// Counts one more in this hour and returns the count: one `UpdateItem`.
    pub async fn count_this_hour(
        &self,
        limited: &RateLimitKey,
        write: &Write,
    ) -> Result<u64, StoreError> {
        let hour = RateLimitKey::hour(write.now);
        let mut update = Update::of(key(
            Partition::Limit.key(limited.hash()),
            format!("HOUR#{hour}"),
        ));
        let operation = text(write.operation.as_str());
        update.require_other(&["operation"], operation.clone());
        update.count(&["count"]);
        update.set(&["operation"], operation);
        let expires_at = write.now.plus(KEPT_FOR).as_unix();
        update.set(&["expires_at"], number(expires_at));
        let item = match self.table.update(&update, Attempts::soon()).await? {
            Updated::Written(item) => item,
            // The same count was written before, and the reply was lost.
            Updated::Refused(item) => item.unwrap_or_default(),
        };
        let count = number_of(&item, "count").and_then(|count| u64::try_from(count).ok());
        Ok(count.unwrap_or_default())
    }
}
