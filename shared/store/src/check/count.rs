//! The numbers of users, as they are counted and as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use domain::GroupId;
use tokio::time::Instant;

use super::Checks;
use crate::StoreError;
use crate::item::counter::{self, Counter};
use crate::item::membership::MEMBER_START;
use crate::item::{group, user};
use crate::table::{Item, Outcome, Partition, key_texts};

/// What was counted of some items. What is counted of several pages can be put together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    numbers: BTreeMap<Counter, Numbers>,
    groups: BTreeSet<GroupId>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Numbers {
    /// What the counter's items say together.
    said: i64,
    /// How many there are.
    found: i64,
}

/// A counter that says another number than there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miscount {
    counter: Counter,
    said: i64,
    found: i64,
}

impl fmt::Display for Miscount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { said, found, .. } = self;
        match self.counter {
            Counter::Users => write!(f, "the directory: counted users: {said}, found: {found}"),
            Counter::OfGroup(id) => {
                write!(f, "group {id}: counted users: {said}, found: {found}")
            }
        }
    }
}

impl Counted {
    /// Counts an item.
    pub(super) fn count(&mut self, item: &Item) {
        let [partition, sort] = key_texts(item);
        let Some((kind, of)) = Partition::of(&partition) else {
            return;
        };
        match kind {
            Partition::User if sort == user::SORT_KEY => {
                self.numbers.entry(Counter::Users).or_default().found += 1;
            }
            Partition::Counter if partition == counter::users_partition() => {
                self.numbers.entry(Counter::Users).or_default().said += counter::count(item);
            }
            Partition::Group if sort.starts_with(MEMBER_START) => {
                let id = of.rsplit_once('#').map_or(of, |(id, _)| id);
                if let Ok(id) = GroupId::parse(id) {
                    let numbers = self.numbers.entry(Counter::OfGroup(id)).or_default();
                    numbers.found += 1;
                }
            }
            Partition::Group if sort.starts_with(group::COUNTER_START) => {
                if let Ok(id) = GroupId::parse(of) {
                    let numbers = self.numbers.entry(Counter::OfGroup(id)).or_default();
                    numbers.said += counter::count(item);
                }
            }
            Partition::Group if sort == group::SORT_KEY => {
                self.groups.extend(GroupId::parse(of));
            }
            _ => {}
        }
    }

    /// Adds what was counted of other items.
    pub fn add(&mut self, other: Self) {
        for (counter, numbers) in other.numbers {
            let own = self.numbers.entry(counter).or_default();
            own.said += numbers.said;
            own.found += numbers.found;
        }
        self.groups.extend(other.groups);
    }

    /// How many users there are.
    pub fn users(&self) -> u64 {
        let users = self.numbers.get(&Counter::Users);
        users.map_or(0, |numbers| numbers.found.unsigned_abs())
    }

    /// The counters that say another number than there are. While others write, a counter trails what it
    /// counts, so a difference tells nothing then.
    pub fn miscounts(&self) -> Vec<Miscount> {
        let is_kept = |counter: &Counter| match counter {
            Counter::Users => true,
            Counter::OfGroup(id) => self.groups.contains(id),
        };
        let all = self.numbers.iter();
        let wrong = all.filter(|(counter, own)| own.said != own.found && is_kept(counter));
        let wrong = wrong.map(|(counter, Numbers { said, found })| Miscount {
            counter: *counter,
            said: *said,
            found: *found,
        });
        wrong.collect()
    }
}

impl Checks {
    /// Sets a counter right, if all of it says still what it said: one transaction. Returns whether it
    /// did. The caller must know that nobody writes.
    pub async fn recount(&self, wrong: &Miscount, deadline: Instant) -> Result<bool, StoreError> {
        let mut parts = Vec::new();
        for key in wrong.counter.keys() {
            let item = self.table.get(key.clone()).await?;
            parts.push((key, item));
        }
        let present = parts.iter().filter_map(|(_, item)| item.as_ref());
        if present.map(counter::count).sum::<i64>() != wrong.said {
            return Ok(false);
        }
        let by = wrong.found - wrong.said;
        let repair = counter::corrected(wrong.counter, &parts, by);
        Ok(matches!(
            self.table.transact(&repair, deadline).await?,
            Outcome::Written
        ))
    }
}
