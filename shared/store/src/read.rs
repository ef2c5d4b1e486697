//! Reads that several entities use.

use std::collections::BTreeSet;

use domain::group::Assigned;
use domain::{Account, Group, GroupId, Identifier, User, UserId};

use crate::item::{group, operation, pending_email, reservation, undo_right, user};
use crate::table::{Consistency, Table, absent_key};
use crate::write::Write;
use crate::{Cause, StoreError, WriteError};

/// A user: one `GetItem`.
pub(crate) async fn user(table: &Table, id: &UserId) -> Result<Option<User>, StoreError> {
    table
        .get(user::key(id))
        .await?
        .map(user::from_item)
        .transpose()
}

/// A user with what hangs on them: one `Query`, because the sort keys of all these items start with the
/// user's own.
pub(crate) async fn account(table: &Table, id: &UserId) -> Result<Option<Account>, StoreError> {
    let items = table.query(user::partition_key(id), user::SORT_KEY).await?;
    let (mut pending, mut rights, mut own) = (Vec::new(), Vec::new(), None);
    for item in items {
        let sort_key = item.get("SK").and_then(|sort| sort.as_s().ok());
        let sort_key = sort_key.ok_or(Cause::Unreadable("user"))?;
        if sort_key.starts_with(pending_email::SORT_KEY_START) {
            pending.push(pending_email::from_item(item)?);
        } else if sort_key.starts_with(undo_right::SORT_KEY_START) {
            rights.push(undo_right::from_item(item)?);
        } else {
            own = Some(user::from_item(item)?);
        }
    }
    // Items without their user have no meaning, and no reader trusts them.
    Ok(own.map(|user| Account {
        pending: pending.into_iter().collect(),
        rights: rights.into_iter().collect(),
        ..Account::of(user)
    }))
}

/// The user who has an identifier: one `GetItem`, also where the text is no identifier, so that the
/// time doesn't tell.
pub(crate) async fn owner(
    table: &Table,
    of: Option<&Identifier>,
) -> Result<Option<UserId>, StoreError> {
    let key = of.map_or_else(absent_key, reservation::key);
    let item = table.get(key).await?;
    Ok(item.as_ref().and_then(reservation::owner))
}

/// The groups with these ids that are there, in the order of the ids: one `BatchGetItem` for each
/// hundred, some at the same time.
pub(crate) async fn groups(
    table: &Table,
    ids: &BTreeSet<GroupId>,
) -> Result<Vec<Group>, StoreError> {
    let keys: Vec<_> = ids.iter().map(|id| group::key(*id)).collect();
    let found = table.get_many(&keys, &[], Consistency::Strong, group::from_item);
    Ok(found.await?.into_iter().flatten().collect())
}

/// What is counted of a group: one `Query`.
pub(crate) async fn assigned(table: &Table, id: GroupId) -> Result<Assigned, StoreError> {
    let counters = table.query(group::partition_key(id), group::COUNTER_START);
    Ok(group::assigned(&counters.await?))
}

/// Whether a named operation has written down that it happened: one `GetItem`, and none where it has
/// no name.
pub(crate) async fn happened(table: &Table, write: &Write) -> Result<bool, StoreError> {
    let key = operation::key(&write.operation);
    Ok(write.is_named && table.get(key).await?.is_some())
}

/// The reason why a deletion is refused, unless it is the repeat of one that happened.
pub(crate) async fn unless_happened(
    table: &Table,
    write: &Write,
    refused: WriteError,
) -> Result<(), WriteError> {
    if happened(table, write).await? {
        return Ok(());
    }
    Err(refused)
}
