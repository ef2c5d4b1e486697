//! The log of changes, as it is read.

use std::time::Duration;

use domain::{Epoch, Event, Timestamp, UserId};

use crate::StoreError;
use crate::item::{log, user};
use crate::merge::{Merged, Partitions, user_of_key};
use crate::notifications::LEASE;
use crate::table::{Index, MAX_SORT_KEY, Order, Range, Table};

/// The log.
#[derive(Clone, Debug)]
pub struct Log {
    table: Table,
}

/// A place in the log of the whole directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedPlace(String);

impl FeedPlace {
    /// Before all events.
    fn start() -> Self {
        Self(log::feed_start(Timestamp::from_unix(0)))
    }

    /// Takes a place back from where it was kept; `None` where the text is none.
    pub fn parse(text: &str) -> Option<Self> {
        let is_place = text.contains('#') && (1..=MAX_SORT_KEY).contains(&text.len());
        is_place.then(|| Self(text.to_owned()))
    }

    /// The place as a text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Log {
    /// How old an event must be until no other one can come before it: a consumer writes with the time
    /// at which it began, and is ended after [`LEASE`]. The minute is for clocks that differ, and for the
    /// index, which trails the table.
    pub const SETTLED_AFTER: Duration = LEASE.saturating_add(Duration::from_mins(1));

    /// The log in this table.
    pub const fn new(table: Table) -> Self {
        Self { table }
    }

    /// The first events of a user with a greater revision, at most so many: a `GetItem` and a `Query`;
    /// where the user is gone one `Query` more. Of several users that had the id one after the other,
    /// it is the last one. `None` where the log knows no user with this id, and there is none.
    pub async fn of_user(
        &self,
        id: &UserId,
        after: u64,
        size: u32,
    ) -> Result<Option<Vec<Event>>, StoreError> {
        let present = self.table.get(user::key(id)).await?;
        let born = match present.as_ref().and_then(log::born) {
            Some(born) => born,
            None => match self.last_born(id).await? {
                Some(born) => born,
                None => return Ok(None),
            },
        };
        let after = log::event_sort_key(born, after.min(log::MAX_REVISION));
        let events = Range {
            index: None,
            partition: &user::partition_key(id),
            start: &log::events_start(born),
            after: Some(&after),
            order: Order::Up,
            limit: size as usize,
        };
        let items = self.table.query_up_to(events).await?;
        let events = items.into_iter().map(log::event_from_item);
        events.collect::<Result<_, _>>().map(Some)
    }

    /// The first events of the whole directory after a place, at most so many, in the order in which the
    /// log wrote them; and the place after them. Events that are younger than [`Log::SETTLED_AFTER`] are
    /// left out, because others may still be written before them. A `Query` of each partition of an
    /// index, and a `BatchGetItem`.
    pub async fn feed(
        &self,
        after: Option<FeedPlace>,
        now: Timestamp,
        size: u32,
    ) -> Result<(Vec<Event>, FeedPlace), StoreError> {
        let partitions = Partitions {
            index: Some(Index::ByCreation),
            keys: log::feed_partitions(),
            start: String::new(),
            owner: user_of_key,
        };
        let FeedPlace(mut last) = after.unwrap_or_else(FeedPlace::start);
        let settled = log::feed_start(now.minus(Self::SETTLED_AFTER));
        let mut entries = Merged::new(&self.table, &partitions, Order::Up, Some(&last));
        let mut keys = Vec::new();
        for entry in entries.take(size as usize).await? {
            if entry.position >= settled {
                break;
            }
            keys.extend(log::key_in_feed(&entry.position));
            last = entry.position;
        }
        let mut events = Vec::new();
        if !keys.is_empty() {
            for item in self.table.get_each(keys, &[]).await?.into_iter().flatten() {
                events.push(log::event_from_item(item)?);
            }
        }
        Ok((events, FeedPlace(last)))
    }

    /// When the log of the last user began who had this id.
    async fn last_born(&self, id: &UserId) -> Result<Option<Epoch>, StoreError> {
        let newest = Range {
            index: None,
            partition: &user::partition_key(id),
            start: log::EVENT_SORT_KEY_START,
            after: None,
            order: Order::Down,
            limit: 1,
        };
        let found = self.table.query_range(newest).await?;
        Ok(found.items.first().and_then(log::born_of_event))
    }
}
