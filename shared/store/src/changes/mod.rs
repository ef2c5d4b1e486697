//! What follows from changes of items, after their callers got their answers: the log, the numbers of
//! users, new users in the groups that take in every one, and the end of what hung on a deleted user or
//! group.
//!
//! The stream delivers each change at least once. So each effect is one that does nothing the second
//! time: an event is written only if it is absent, a counter moves in the transaction that writes down
//! that its change was counted, and a child of a deleted user is deleted only if it is none of a later
//! user's.

mod effect;
mod erase;
mod group_end;
mod take_in;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::{GroupId, Timestamp, UserId};
use futures_util::future::join_all;
use tokio::time::Instant;

use crate::item::counter::Counter;
use crate::item::{log, user};
use crate::table::{Condition, Item, Outcome, Role, Table, Transaction};
use crate::{Cause, StoreError};
use effect::{Count, Effect, Then};

/// How many events are written at the same time, each by a request of its own.
const AT_ONCE: usize = 16;
/// How many changes one transaction counts; DynamoDB allows 100 parts.
const MAX_IN_TRANSACTION: usize = 90;

/// A change of one item, as the table's stream tells it.
#[derive(Clone, Debug)]
pub struct ItemChange {
    /// Names the change, however often the stream brings it.
    pub id: String,
    /// The partition key.
    pub partition: String,
    /// The sort key.
    pub sort: String,
    /// The item before.
    pub old: Option<Item>,
    /// The item after.
    pub new: Option<Item>,
    /// When the stream saw it.
    pub at: Timestamp,
}

/// How far a list of changes was applied.
#[derive(Debug)]
pub struct Applied {
    /// How many, from the first one on.
    pub done: usize,
    /// Why the next one was not applied.
    pub fault: Option<StoreError>,
}

/// When the consequences of changes are written.
#[derive(Clone, Copy, Debug)]
pub struct Applying {
    /// How long the log keeps its events.
    pub kept_for: Duration,
    /// When the log writes.
    pub now: Timestamp,
    /// When all must be written: readers of the directory's log wait for no later event of `now`.
    pub deadline: Instant,
}

/// What follows from changes.
#[derive(Clone, Debug)]
pub struct Changes {
    table: Table,
}

impl Changes {
    /// The consequences in this table.
    pub const fn new(table: Table) -> Self {
        Self { table }
    }

    /// Applies what follows from these changes, in their order as far as it matters.
    pub async fn apply(&self, changes: &[ItemChange], applying: &Applying) -> Applied {
        let mut done = 0;
        for part in until_deleted(changes) {
            let applied = self.apply_part(part, applying).await;
            done += applied.done;
            if applied.fault.is_some() {
                let fault = applied.fault;
                return Applied { done, fault };
            }
        }
        Applied { done, fault: None }
    }

    /// Applies changes of which none comes after the deletion of its user.
    async fn apply_part(&self, changes: &[ItemChange], applying: &Applying) -> Applied {
        let mut effects = Vec::new();
        let mut fault = None;
        for change in changes {
            match self.effect(change, applying).await {
                Ok(effect) => effects.push(effect),
                Err(error) => {
                    fault = Some(error);
                    break;
                }
            }
        }
        let mut results = self.write_down(changes, &effects, applying).await;
        for (effect, result) in effects.iter().zip(&mut results) {
            if result.is_ok() && !matches!(effect.then, Then::Nothing) {
                *result = match applying.time_is_left() {
                    Ok(()) => self.go_on(&effect.then, applying).await,
                    Err(error) => Err(error),
                };
            }
        }
        let mut done = effects.len();
        for (index, result) in results.into_iter().enumerate() {
            if let Err(error) = result {
                (done, fault) = (index, Some(error));
                break;
            }
        }
        Applied { done, fault }
    }

    async fn effect(&self, change: &ItemChange, applying: &Applying) -> Result<Effect, StoreError> {
        let mut deletion = None;
        if let (Some(old), None) = (&change.old, &change.new)
            && let Some(key) = effect::deletion_key(change, old)
        {
            let item = self.table.get(key).await?;
            deletion = item.as_ref().and_then(log::last_change);
        }
        effect::of(change, deletion, applying)
    }

    /// Does what comes after the event and the count of a change.
    async fn go_on(&self, then: &Then, applying: &Applying) -> Result<(), StoreError> {
        match then {
            Then::Nothing => Ok(()),
            Then::Erase(deleted) => erase::erase(&self.table, deleted, applying).await,
            Then::TakeApart { group_id, step } => {
                group_end::take_apart(&self.table, *group_id, *step, applying).await
            }
        }
    }

    /// Writes down that the changes happened, moves the counters by those that are counted, and takes
    /// new users into the groups that take in every one. One result for each effect.
    ///
    /// The events of one user are written in their order, and none after one that could not be written:
    /// who reads a log goes on after the last revision that was there.
    async fn write_down(
        &self,
        changes: &[ItemChange],
        effects: &[Effect],
        applying: &Applying,
    ) -> Vec<Result<(), StoreError>> {
        let mut results: Vec<_> = effects.iter().map(|_| Ok(())).collect();
        let is_end = |effect: &Effect| matches!(effect.then, Then::Erase(_));
        let numbered = || effects.iter().enumerate();
        let counted = numbered().filter(|(_, effect)| effect.count.is_some() && !is_end(effect));
        self.count_all(counted, &mut results, applying).await;

        let mut failed = failed_partitions(changes, &results);
        let mut of_users: BTreeMap<&str, Vec<(usize, &Item)>> = BTreeMap::new();
        for (index, effect) in numbered() {
            if let (Some(event), None) = (&effect.once, effect.count) {
                let of_user = of_users.entry(&changes[index].partition).or_default();
                of_user.push((index, event));
            }
        }
        let of_users: Vec<_> = of_users.into_iter().collect();
        for some in of_users.chunks(AT_ONCE) {
            let written = some
                .iter()
                .map(|(user, events)| self.tell(failed.contains(user), events, applying));
            for (index, result) in join_all(written).await.into_iter().flatten() {
                results[index] = result;
            }
        }

        failed = failed_partitions(changes, &results);
        let mut ends = Vec::new();
        for (index, effect) in numbered().filter(|(_, effect)| is_end(effect)) {
            if failed.contains(changes[index].partition.as_str()) {
                results[index] = Err(not_yet());
            } else {
                ends.push((index, effect));
            }
        }
        self.count_all(ends.into_iter(), &mut results, applying)
            .await;
        results
    }

    /// Writes events of one user in their order, up to the first that can't be written.
    async fn tell(
        &self,
        mut has_failed: bool,
        events: &[(usize, &Item)],
        applying: &Applying,
    ) -> Vec<(usize, Result<(), StoreError>)> {
        let mut results = Vec::new();
        for (index, event) in events {
            let written = if has_failed {
                Err(not_yet())
            } else {
                let written = self.table.put_if_absent(event, applying.deadline).await;
                written.map(|_| ())
            };
            has_failed |= written.is_err();
            results.push((*index, written));
        }
        results
    }

    /// Writes down changes that are counted, and moves their counters.
    async fn count_all<'e>(
        &self,
        effects: impl Iterator<Item = (usize, &'e Effect)>,
        results: &mut [Result<(), StoreError>],
        applying: &Applying,
    ) {
        let mut counted: BTreeMap<Counter, Vec<(usize, &Effect)>> = BTreeMap::new();
        for (index, effect) in effects {
            if let Some(count) = effect.count {
                counted.entry(count.of).or_default().push((index, effect));
            }
        }
        for (_, mut of_one) in counted {
            let is_new = |(_, effect): &(usize, &Effect)| effect.new_user.is_some();
            if of_one.iter().any(is_new) {
                let groups = take_in::groups(&self.table).await.ok();
                if groups.as_ref().is_none_or(|groups| !groups.is_empty()) {
                    let (new, others) = of_one.into_iter().partition(is_new);
                    of_one = others;
                    self.take_in(new, groups.as_ref(), results, applying).await;
                }
            }
            for some in of_one.chunks(MAX_IN_TRANSACTION) {
                if matches!(self.count(some, applying).await, Ok(true)) {
                    continue;
                }
                // Some of them were counted before, or another request was in the way: each by itself.
                for one in some {
                    let counted = self.count(std::slice::from_ref(one), applying).await;
                    results[one.0] = counted.map(|_| ());
                }
            }
        }
    }

    /// Takes new users into the groups that take in every one, each by a transaction.
    async fn take_in(
        &self,
        users: Vec<(usize, &Effect)>,
        groups: Option<&Vec<GroupId>>,
        results: &mut [Result<(), StoreError>],
        applying: &Applying,
    ) {
        for (index, effect) in users {
            results[index] = match applying.time_is_left() {
                Ok(()) => take_in::take_in(&self.table, effect, groups.cloned(), applying).await,
                Err(error) => Err(error),
            };
        }
    }

    /// Writes down changes that move the same counter, and moves it: one transaction. Returns false
    /// where one of them was written down already, and then nothing is written.
    async fn count(
        &self,
        changes: &[(usize, &Effect)],
        applying: &Applying,
    ) -> Result<bool, StoreError> {
        let mut transaction = Transaction::default();
        let mut counts = Vec::new();
        for (_, effect) in changes {
            if let (Some(once), Some(count)) = (&effect.once, effect.count) {
                transaction.put_if_absent(Role::Operation, once.clone());
                counts.push(count);
            }
        }
        let Some(sum) = Count::sum(&counts) else {
            return Ok(true);
        };
        let because = changes.first().and_then(|(_, effect)| effect.once.as_ref());
        sum.count(&mut transaction, because);
        let outcome = self.table.transact(&transaction, applying.deadline).await?;
        // Where the group is gone, its counters are, too, or will be.
        Ok(matches!(outcome, Outcome::Written | Outcome::Overtaken))
    }
}

impl Applying {
    /// What one step takes, at most.
    const FOR_A_STEP: Duration = Duration::from_secs(5);

    /// An error when there is no time for one more step: what is done until then is not done again.
    fn time_is_left(&self) -> Result<(), StoreError> {
        if Instant::now() + Self::FOR_A_STEP < self.deadline {
            return Ok(());
        }
        Err(StoreError::Busy(Cause::Odd("the batch is out of time")))
    }
}

/// The error of what waits for another change of the same user.
fn not_yet() -> StoreError {
    StoreError::Busy(Cause::Odd("an earlier change could not be told"))
}

/// The partitions of the changes that could not be applied.
fn failed_partitions<'c>(
    changes: &'c [ItemChange],
    results: &[Result<(), StoreError>],
) -> BTreeSet<&'c str> {
    let both = changes.iter().zip(results);
    let failed = both.filter(|(_, result)| result.is_err());
    failed
        .map(|(change, _)| change.partition.as_str())
        .collect()
}

/// The changes in parts, of which each but the first begins with one of a user who was deleted in the part
/// before: what hung on that one must be gone before.
fn until_deleted(changes: &[ItemChange]) -> impl Iterator<Item = &[ItemChange]> {
    let mut left = changes;
    std::iter::from_fn(move || {
        let mut gone = BTreeSet::new();
        let next = left.iter().position(|change| {
            let is_after = gone.contains(change.partition.as_str());
            if effect::is_deletion(change) {
                gone.insert(change.partition.as_str());
            }
            is_after
        });
        let (part, rest) = left.split_at(next.unwrap_or(left.len()));
        left = rest;
        (!part.is_empty()).then_some(part)
    })
}

/// What follows from a user whose item is new in a table without groups: the event, and by how much the
/// number of users moves.
pub(crate) fn of_new_user(
    id: &UserId,
    user: Item,
    applying: &Applying,
) -> Result<(Option<Item>, i64), StoreError> {
    let change = ItemChange {
        id: String::new(),
        partition: user::partition_key(id),
        sort: user::SORT_KEY.to_owned(),
        old: None,
        new: Some(user),
        at: applying.now,
    };
    let effect = effect::of(&change, None, applying)?;
    Ok((effect.once, effect.count.map_or(0, |count| count.by)))
}

impl Count {
    /// Several counts of the same counter in one. `None` where there are none.
    fn sum(counts: &[Self]) -> Option<Self> {
        let first = counts.first()?;
        Some(Self {
            of: first.of,
            by: counts.iter().map(|count| count.by).sum(),
            last: counts.iter().filter_map(|count| count.last).max(),
        })
    }

    /// Moves the counter. `because` chooses which of its items.
    fn count(&self, transaction: &mut Transaction, because: Option<&Item>) {
        if let Some(update) = self.of.moved(because, self.by, self.last) {
            transaction.update(Role::Related, update);
        }
        if let Some(owner) = self.of.owner() {
            transaction.check(Role::Related, owner, Condition::exists());
        }
    }
}
