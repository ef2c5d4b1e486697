//! Groups: read, listed, created, changed, deleted, each with the reservation of its name.

use std::collections::BTreeSet;

use domain::group::{
    Assigned, CountedGroup, GroupChanges, MAX_LISTED, NAME_TAKEN, NameStart, TOO_MANY_AUTO_ASSIGNED,
};
use domain::{Group, GroupId, Part, Refusal};
use futures_util::future::try_join_all;

use crate::item::{group, reservation};
use crate::table::{
    Attempts, Condition, Index, Order, Outcome, Range, Role, Table, Transaction, Update,
    difference, key_of, number, text,
};
use crate::write::Write;
use crate::{Cause, StoreError, WriteError, edit, read};

/// The groups of the directory.
#[derive(Clone, Debug)]
pub struct Groups {
    table: Table,
}

/// There is no such group.
pub(crate) const NONE: WriteError = WriteError::Refused(Refusal::NotFound(Part::Group));

impl Groups {
    /// How many counters are read at the same time.
    const AT_ONCE: usize = 25;

    /// The groups in this table.
    pub const fn new(table: Table) -> Self {
        Self { table }
    }

    /// A group with what is counted of it: one strongly consistent `Query`.
    pub async fn get(&self, id: GroupId) -> Result<Option<CountedGroup>, StoreError> {
        let range = [group::COUNTER_START, group::SORT_KEY];
        let partition = group::partition_key(id);
        let mut items = self.table.query_between(partition, range).await?;
        // The group's sort key is the last one. Without the group, no counter means anything.
        match items.pop() {
            Some(last) if key_of(&last) == group::key(id) => Ok(Some(CountedGroup {
                group: group::from_item(last)?,
                assigned: group::assigned(&items),
            })),
            _ => Ok(None),
        }
    }

    /// All groups, or those whose names start so: a `Query` of each partition of an index, and a
    /// `BatchGetItem` for each hundred. They come in the order of their creation. `None` where there
    /// are more than a list is made of.
    ///
    /// Which groups there are, an index says, which trails the table by a moment. What they are, the
    /// table says.
    pub async fn list(&self, start: Option<&NameStart>) -> Result<Option<Vec<Group>>, StoreError> {
        let (partitions, index) = match start {
            None => (group::list_partitions(), Index::ByCreation),
            Some(start) => (group::name_partitions(start.as_str()), Index::ByPrefix),
        };
        let queries = partitions.iter().map(|partition| {
            self.table.query_up_to(Range {
                index: Some(index),
                partition,
                start: start.map_or("", NameStart::as_str),
                after: None,
                order: Order::Up,
                limit: MAX_LISTED + 1,
            })
        });
        let entries = try_join_all(queries).await?.into_iter().flatten();
        // A group that was renamed a moment ago may have two names in the index.
        let ids: BTreeSet<_> = match start {
            None => entries.filter_map(|item| group::id_of(&item)).collect(),
            Some(_) => entries
                .filter_map(|item| group::name_owner(&item))
                .collect(),
        };
        if ids.len() > MAX_LISTED {
            return Ok(None);
        }
        let mut groups = read::groups(&self.table, &ids).await?;
        groups.sort_by_key(|group| (group.creation_time, group.id));
        Ok(Some(groups))
    }

    /// What is counted of these groups: a `Query` for each, some at the same time.
    pub async fn count(&self, groups: Vec<Group>) -> Result<Vec<CountedGroup>, StoreError> {
        let mut assigned = Vec::with_capacity(groups.len());
        for some in groups.chunks(Self::AT_ONCE) {
            let reads = some.iter().map(|one| read::assigned(&self.table, one.id));
            assigned.extend(try_join_all(reads).await?);
        }
        let counted = groups.into_iter().zip(assigned);
        Ok(counted
            .map(|(group, assigned)| CountedGroup { group, assigned })
            .collect())
    }

    /// Writes a new group with the reservation of its name: one transaction, all or nothing.
    ///
    /// The group's id follows from the operation. So a repeat finds the group that the first attempt
    /// wrote, and answers with its present state.
    pub async fn create(&self, new: Group, write: &Write) -> Result<CountedGroup, WriteError> {
        let mut transaction = Transaction::default();
        transaction.put_if_absent(Role::Group, group::item(&new)?);
        reserve(&mut transaction, &new)?;
        if new.is_auto_assigned {
            take_in(&mut transaction, &new);
        }
        write.write_down(&mut transaction);
        match self.table.transact(&transaction, write.deadline).await? {
            Outcome::Written => Ok(CountedGroup {
                group: new,
                assigned: Assigned::default(),
            }),
            Outcome::Moved(_) if new.id == GroupId::created_by(&write.operation) => {
                self.get(new.id).await?.ok_or(WriteError::Gone)
            }
            Outcome::Moved(_) => Err(Cause::Odd("another group has the id").unexpected().into()),
            Outcome::Repeated => Err(WriteError::Gone),
            Outcome::Refused(refusal) => Err(refusal.into()),
            Outcome::Taken(_) | Outcome::Overtaken => Err(StoreError::Conflict.into()),
        }
    }

    /// Reads the group, applies changes, and writes the difference under the version that was read: one
    /// transaction, or one `UpdateItem` where the group's own item alone differs.
    ///
    /// Changes after which all is as before write nothing, unless the operation is to be remembered.
    pub async fn change(
        &self,
        id: GroupId,
        changes: &GroupChanges,
        write: &Write,
    ) -> Result<CountedGroup, WriteError> {
        let mut attempts = Attempts::until(write.deadline);
        loop {
            let before = self.get(id).await?.ok_or(NONE)?;
            let CountedGroup { group, assigned } = before;
            if group.has_seen(&write.operation) {
                return Ok(CountedGroup { group, assigned });
            }
            if !write.precondition.allows(group.version) {
                return Err(WriteError::PreconditionFailed);
            }
            let mut after = group.clone();
            after.change(changes);
            let written = if after == group {
                self.remember(group, write).await?
            } else {
                after.stamp(write.operation.clone(), write.now);
                self.replace(&group, after, write).await?
            };
            if let Some(group) = written {
                return Ok(CountedGroup { group, assigned });
            }
            if !attempts.again_after(&StoreError::Conflict).await {
                return Err(StoreError::Conflict.into());
            }
        }
    }

    /// Writes the difference. `None` when the group has changed since it was read.
    async fn replace(
        &self,
        before: &Group,
        after: Group,
        write: &Write,
    ) -> Result<Option<Group>, WriteError> {
        let mut transaction = Transaction::default();
        transaction.update(Role::Group, update(before, &after, write)?);
        if after.name.canonical() != before.name.canonical() {
            reserve(&mut transaction, &after)?;
            release(&mut transaction, before);
        }
        match (before.is_auto_assigned, after.is_auto_assigned) {
            (false, true) => take_in(&mut transaction, &after),
            (true, false) => leave_out(&mut transaction, before),
            _ => {}
        }
        match edit::send(&self.table, &transaction, write).await? {
            Outcome::Written => Ok(Some(after)),
            Outcome::Moved(None) => Err(NONE),
            Outcome::Moved(Some(item)) => {
                let present = group::from_item(item)?;
                let is_repeat = present.has_seen(&write.operation);
                Ok(is_repeat.then_some(present))
            }
            Outcome::Refused(refusal) => Err(refusal.into()),
            Outcome::Taken(_) | Outcome::Repeated | Outcome::Overtaken => Ok(None),
        }
    }

    /// Writes down that a named operation found nothing to change. `None` when the group has changed
    /// since it was judged.
    async fn remember(&self, judged: Group, write: &Write) -> Result<Option<Group>, StoreError> {
        if !write.is_named {
            return Ok(Some(judged));
        }
        let (key, version) = (group::key(judged.id), judged.version);
        let has_seen = |group: &Group| group.has_seen(&write.operation);
        let read = (group::from_item, has_seen);
        edit::push(&self.table, key, version, write, read).await
    }

    /// Deletes the group and the reservation of its name, and orders what is left to be taken apart:
    /// one transaction. No reader trusts a membership without its group.
    pub async fn delete(&self, id: GroupId, write: &Write) -> Result<(), WriteError> {
        let mut attempts = Attempts::until(write.deadline);
        loop {
            let Some(item) = self.table.get(group::key(id)).await? else {
                return read::unless_happened(&self.table, write, NONE).await;
            };
            let before = group::from_item(item)?;
            if !write.precondition.allows(before.version) {
                return read::unless_happened(&self.table, write, WriteError::PreconditionFailed)
                    .await;
            }
            let mut transaction = Transaction::default();
            let is_unmoved = Condition::equal("version", number(before.version));
            transaction.delete_if(Role::Group, group::key(id), is_unmoved);
            release(&mut transaction, &before);
            if before.is_auto_assigned {
                leave_out(&mut transaction, &before);
            }
            transaction.put(Role::Related, group::deletion(id, write.now));
            // Otherwise the group was changed or deleted meanwhile: the next round reads it again.
            if edit::end(&self.table, transaction, write, &mut attempts).await? {
                return Ok(());
            }
        }
    }
}

/// Makes a name the group's own.
fn reserve(transaction: &mut Transaction, group: &Group) -> Result<(), StoreError> {
    transaction.put_if_absent(Role::Rule(NAME_TAKEN), group::name_item(group)?);
    Ok(())
}

/// Releases the group's name, so that another may have it.
fn release(transaction: &mut Transaction, group: &Group) {
    let is_own = Condition::equal(reservation::OWNER, text(group.id));
    transaction.delete_if(Role::Related, group::name_key(&group.name), is_own);
}

fn take_in(transaction: &mut Transaction, group: &Group) {
    transaction.update(Role::Rule(TOO_MANY_AUTO_ASSIGNED), group::take_in(group.id));
}

fn leave_out(transaction: &mut Transaction, group: &Group) {
    transaction.update(Role::Related, group::leave_out(group.id));
}

fn update(before: &Group, after: &Group, write: &Write) -> Result<Update, StoreError> {
    let mut update = Update::of(group::key(after.id));
    update.require_equal(&["version"], number(before.version));
    let difference = difference(&group::item(before)?, group::item(after)?);
    edit::write_difference(&mut update, difference, write);
    Ok(update)
}
