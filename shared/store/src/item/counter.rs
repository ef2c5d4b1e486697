//! The items that count users: those of the directory, and those of each group. Each counter is eight
//! items, so that batches of the stream that are worked on at the same time rarely wait for each other.
//! Their sum is the number.

use domain::{GroupId, Timestamp};

use super::{group, layout};
use crate::table::{
    self, Condition, Item, Partition, Role, Transaction, Update, number, number_of,
};

/// The first and the last sort key of the items that count the users of the directory.
pub(crate) const PARTS: [&str; 2] = ["0", "7"];

const COUNT: &str = "count";
const LAST_ASSIGNED: &str = "last_assigned";

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Counter {
    /// The users of the directory.
    Users,
    /// The users of a group.
    OfGroup(GroupId),
}

impl Counter {
    /// Moves the counter, and says when it last counted one up. `because` chooses the item. `None` where
    /// nothing moves.
    pub(crate) fn moved(
        self,
        because: Option<&Item>,
        by: i64,
        last: Option<Timestamp>,
    ) -> Option<Update> {
        if by == 0 && last.is_none() {
            return None;
        }
        let mut update = Update::of(self.key(part_of(because)));
        update.add_to(&[COUNT], by);
        if let Some(last) = last {
            update.set(&[LAST_ASSIGNED], number(last.as_unix()));
        }
        Some(update)
    }

    /// The keys of all of its items.
    pub(crate) fn keys(self) -> impl Iterator<Item = Item> {
        layout::all_shards().map(move |shard| self.key(shard))
    }

    fn key(self, shard: u32) -> Item {
        match self {
            Self::Users => table::key(users_partition(), shard),
            Self::OfGroup(id) => {
                let sort_key = format!("{}{shard}", group::COUNTER_START);
                table::key(group::partition_key(id), sort_key)
            }
        }
    }

    /// The item without which the counter must not be made.
    pub(crate) fn owner(self) -> Option<Item> {
        match self {
            Self::Users => None,
            Self::OfGroup(id) => Some(group::key(id)),
        }
    }
}

/// Which of a counter's items moves, by the item because of which it does.
pub(crate) fn part_of(because: Option<&Item>) -> u32 {
    let text = |name| because.and_then(|item: &Item| item.get(name)?.as_s().ok());
    let name: String = [text("PK"), text("SK")]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    layout::shard(&name)
}

/// One of the items that count the users of the directory, in a table that is new.
pub(crate) fn users_item(part: u32, count: i64) -> Item {
    let mut item = Counter::Users.key(part);
    item.insert(COUNT.to_owned(), number(count));
    item
}

/// The partition that counts the users of the directory.
pub(crate) fn users_partition() -> String {
    Partition::Counter.key("users")
}

/// What one item of a counter counts.
pub(crate) fn count(item: &Item) -> i64 {
    number_of(item, COUNT).unwrap_or_default()
}

/// Corrects a counter, on condition that all of its items are as they were seen, and its owner is there.
pub(crate) fn corrected(counter: Counter, parts: &[(Item, Option<Item>)], by: i64) -> Transaction {
    let mut transaction = Transaction::default();
    let is_seen = |item: Option<&Item>| {
        item.map_or_else(Condition::absent, |item| {
            Condition::equal(COUNT, number(count(item)))
        })
    };
    let mut parts = parts.iter();
    if let Some((key, item)) = parts.next() {
        let corrected = item.as_ref().map_or(0, count) + by;
        let mut item_after = item.clone().unwrap_or_else(|| key.clone());
        item_after.insert(COUNT.to_owned(), number(corrected));
        transaction.put_if(Role::Related, item_after, is_seen(item.as_ref()));
    }
    for (key, item) in parts {
        transaction.check(Role::Related, key.clone(), is_seen(item.as_ref()));
    }
    if let Some(owner) = counter.owner() {
        transaction.check(Role::Related, owner, Condition::exists());
    }
    transaction
}

/// The sum of a counter's items. One of them may be negative: a user may be counted up in one and down
/// in another.
pub(crate) fn sum(items: &[Item]) -> u64 {
    let counts = items.iter().filter_map(|item| number_of(item, COUNT));
    u64::try_from(counts.sum::<i64>()).unwrap_or_default()
}

/// When one of a counter's items counted up last.
pub(crate) fn last_assigned(items: &[Item]) -> Option<Timestamp> {
    let times = items
        .iter()
        .filter_map(|item| number_of(item, LAST_ASSIGNED));
    times.max().map(Timestamp::from_unix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_sum_of_its_parts_and_never_below_zero() {
        let parts = |counts: &[i64]| -> Vec<Item> {
            let counts = counts.iter();
            counts
                .map(|count| Item::from([(COUNT.to_owned(), number(count))]))
                .collect()
        };
        assert_eq!(sum(&parts(&[])), 0);
        assert_eq!(sum(&parts(&[5, -2, 1])), 4);
        assert_eq!(sum(&parts(&[-1])), 0);
    }
}
