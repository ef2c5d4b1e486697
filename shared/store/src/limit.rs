//! Counters of an hour each: how often one user, or one address, was to be notified.

use std::time::Duration;

use domain::notification::Counted;

use crate::attempt::Attempts;
use crate::expression::{Placeholders, Update};
use crate::users::Write;
use crate::{StoreError, Users, item};

/// Until the hour that it counts has surely passed.
const KEPT_FOR: Duration = Duration::from_hours(2);

impl Users {
    /// Counts one more in this hour and tells how many there are: one `UpdateItem`.
    pub async fn count_this_hour(
        &self,
        counted: &Counted,
        write: &Write,
    ) -> Result<u64, StoreError> {
        let hour = Counted::hour(write.now);
        let key = item::key(format!("LIMIT#{}", counted.hash()), format!("HOUR#{hour}"));
        let mut p = Placeholders::default();
        let mut update = Update::default();
        let (operation, this) = (p.path(&["operation"]), p.text(write.operation.as_str()));
        let condition = format!("attribute_not_exists({operation}) OR {operation} <> {this}");
        let (count, zero, one) = (p.path(&["count"]), p.number(0), p.number(1));
        update.set(&count, &format!("if_not_exists({count}, {zero}) + {one}"));
        update.set(&operation, &this);
        let expires_at = write.now.plus(KEPT_FOR).as_unix();
        update.set(&p.path(&["expires_at"]), &p.number(expires_at));
        // Refused means that the reply to this very count was lost.
        let item = match self
            .update_if(key, &condition, &update, &p, Attempts::soon())
            .await?
        {
            Ok(item) => item,
            Err(item) => item.unwrap_or_default(),
        };
        let count = item.get("count").and_then(|count| count.as_n().ok());
        Ok(count
            .and_then(|count| count.parse().ok())
            .unwrap_or_default())
    }
}
