//! A table that is made of files, as DynamoDB's import from S3 makes one, and not by writes: what is in it.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::Timestamp;
use tokio::time::Instant;

use crate::changes::{self, Applying};
use crate::item::counter;
use crate::table::Item;
use crate::{Import, StoreError};

/// What is in a new table after an import, and after all that follows from it has been written. No stream
/// tells of items that come from files, so what follows must be among them.
#[derive(Debug)]
pub struct NewTable {
    applying: Applying,
    /// How many users each of the items counts that count them.
    users: BTreeMap<u32, i64>,
}

impl NewTable {
    /// A table that is made now. Its log keeps events for so long.
    pub fn new(now: Timestamp, kept_for: Duration) -> Self {
        let applying = Applying {
            kept_for,
            now,
            deadline: Instant::now(),
        };
        Self {
            applying,
            users: BTreeMap::new(),
        }
    }

    /// The items of one more user, and counts the user: what the import writes, and the event of it.
    pub fn add(&mut self, import: &Import) -> Result<Vec<Item>, StoreError> {
        let mut items = import.items()?;
        if let Some(user) = items.first() {
            let id = import.user.id();
            let (event, count) = changes::of_new_user(id, user.clone(), &self.applying)?;
            *self
                .users
                .entry(counter::part_of(event.as_ref()))
                .or_default() += count;
            items.extend(event);
        }
        Ok(items)
    }

    /// The items that count the users.
    pub fn counters(&self) -> Vec<Item> {
        let counts = self.users.iter();
        counts
            .map(|(part, count)| counter::users_item(*part, *count))
            .collect()
    }
}
