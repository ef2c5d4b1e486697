//! Reads, changes in memory, and writes the difference: changes that a rule can't express.

use domain::{Account, Refusal, User, UserId, Version};

use crate::item::log::{self, Move};
use crate::item::user;
use crate::item::{device, notification, pending_email, reservation, undo_right};
use crate::table::{
    Attempts, Condition, Item, Outcome, Role, Table, Transaction, Update, Updated, number, text,
};
use crate::write::Write;
use crate::{StoreError, WriteError, read, rule};

const VERSION: &str = "version";

/// What an edit starts from.
pub(crate) enum Start {
    /// The user's own item, as it is now.
    User,
    /// The user with what hangs on them, as it is now.
    Account,
    /// The account as it was read before. After a conflict it is read anew.
    Read(Box<Account>),
}

impl Start {
    /// The account to begin with, and what to start from after a conflict.
    async fn account(
        self,
        table: &Table,
        id: &UserId,
    ) -> Result<(Option<Account>, Self), StoreError> {
        Ok(match self {
            Self::User => (read::user(table, id).await?.map(Account::of), Self::User),
            Self::Account => (read::account(table, id).await?, Self::Account),
            Self::Read(account) => (Some(*account), Self::Account),
        })
    }
}

/// Applies a domain function, and writes the difference under the version that was read, with the
/// reservations that the user gains or loses: one transaction, or one `UpdateItem` where it is the user
/// alone that differs.
///
/// A function that changes nothing writes nothing, unless the operation is to be remembered.
pub(crate) async fn edit(
    table: &Table,
    id: &UserId,
    mut start: Start,
    write: &Write,
    change: impl Fn(&mut Account) -> Result<(), Refusal>,
) -> Result<Account, WriteError> {
    let mut attempts = Attempts::until(write.deadline);
    loop {
        let (before, next) = start.account(table, id).await?;
        start = next;
        let before = before.ok_or(WriteError::NotFound)?;
        if before.user.has_seen(&write.operation) {
            return Ok(before);
        }
        if !write.precondition.allows(before.user.version()) {
            return Err(WriteError::PreconditionFailed);
        }
        let mut after = before.clone();
        change(&mut after)?;
        if after == before {
            match remember(table, before.user, write).await? {
                Some(user) => return Ok(Account { user, ..after }),
                None if attempts.again_after(&StoreError::Conflict).await => continue,
                None => return Err(StoreError::Conflict.into()),
            }
        }
        if after.user == before.user {
            after.user.stamp_aside(write.operation.clone());
        } else {
            after.user.stamp(write.operation.clone(), write.now);
        }
        let transaction = difference(&before, &after, write)?;
        match send(table, &transaction, write).await? {
            Outcome::Written => return Ok(after),
            Outcome::Moved(None) => return Err(WriteError::NotFound),
            Outcome::Moved(Some(item)) => {
                let user = user::from_item(item)?;
                if user.has_seen(&write.operation) {
                    return Ok(Account { user, ..after });
                }
            }
            Outcome::Taken(identifiers) => return Err(Refusal::taken(&identifiers).into()),
            Outcome::Refused(refusal) => return Err(refusal.into()),
            Outcome::Overtaken => {}
            Outcome::Repeated => return Err(StoreError::Conflict.into()),
        }
        if !attempts.again_after(&StoreError::Conflict).await {
            return Err(StoreError::Conflict.into());
        }
    }
}

/// Sends the transaction. An update of the user or group alone is sent as an `UpdateItem`, which costs
/// half. It can be repeated as safely: its condition is the version, and when that has moved, the item
/// that comes back shows whether this operation moved it.
pub(crate) async fn send(
    table: &Table,
    transaction: &Transaction,
    write: &Write,
) -> Result<Outcome, StoreError> {
    let Some(update) = transaction.only_update() else {
        return table.transact(transaction, write.deadline).await;
    };
    let attempts = Attempts::until(write.deadline);
    Ok(match table.update_unseen(update, attempts).await? {
        Updated::Written(()) => Outcome::Written,
        Updated::Refused(present) => Outcome::Moved(present),
    })
}

/// Sends a transaction that ends something, which is under the condition of what was read, and writes a
/// named operation down with it. True when it has happened, now or before; false when it is to be read
/// anew.
pub(crate) async fn end(
    table: &Table,
    mut transaction: Transaction,
    write: &Write,
    attempts: &mut Attempts,
) -> Result<bool, WriteError> {
    write.write_down(&mut transaction);
    match table.transact(&transaction, write.deadline).await? {
        Outcome::Written | Outcome::Repeated => Ok(true),
        _ if attempts.again_after(&StoreError::Conflict).await => Ok(false),
        _ => Err(StoreError::Conflict.into()),
    }
}

/// Writes down that a named operation found nothing to change. Its repeat must change nothing either,
/// also after other writes. One `UpdateItem` that moves neither version nor times. `None` when the user
/// has changed since it was judged.
pub(crate) async fn remember(
    table: &Table,
    judged: User,
    write: &Write,
) -> Result<Option<User>, StoreError> {
    if !write.is_named || judged.has_seen(&write.operation) {
        return Ok(Some(judged));
    }
    let (key, version) = (user::key(judged.id()), judged.version());
    let has_seen = |user: &User| user.has_seen(&write.operation);
    push(table, key, version, write, (user::from_item, has_seen)).await
}

/// Pushes the operation into the item with this key, if the item is at this version still. What the item
/// is then; `None` where it has changed, unless by this operation.
pub(crate) async fn push<T>(
    table: &Table,
    key: Item,
    judged: Version,
    write: &Write,
    (from_item, has_seen): (impl Fn(Item) -> Result<T, StoreError>, impl Fn(&T) -> bool),
) -> Result<Option<T>, StoreError> {
    let mut update = Update::of(key);
    update.require_equal(&[VERSION], number(judged));
    rule::require_new(&mut update, &write.operation);
    user::push_operation(&mut update, &write.operation);
    let attempts = Attempts::until(write.deadline);
    Ok(match table.update(&update, attempts).await? {
        Updated::Written(item) => Some(from_item(item)?),
        Updated::Refused(None) => None,
        Updated::Refused(Some(item)) => Some(from_item(item)?).filter(has_seen),
    })
}

/// A new user with all reservations, as a transaction on condition that none of them is there.
pub(crate) fn creation(new: &User, write: &Write) -> Result<Transaction, StoreError> {
    let mut transaction = Transaction::default();
    transaction.put_if_absent(Role::User, log::new_user(new, write)?);
    for (identifier, id) in new.identifiers() {
        let item = reservation::item(&identifier, id, new.id())?;
        transaction.put_if_absent(Role::Reserve(identifier), item);
    }
    write.write_down(&mut transaction);
    Ok(transaction)
}

/// The difference between two states of an account, as a transaction under the user's version.
fn difference(before: &Account, after: &Account, write: &Write) -> Result<Transaction, StoreError> {
    let mut transaction = Transaction::default();
    transaction.update(Role::User, user_update(&before.user, &after.user, write)?);
    let owner = after.user.id();
    let (old, new) = (before.user.identifiers(), after.user.identifiers());
    for (identifier, id) in &new {
        if !old.contains_key(identifier) {
            let item = reservation::item(identifier, *id, owner)?;
            transaction.put_if_absent(Role::Reserve(identifier.clone()), item);
        }
    }
    for identifier in old.into_keys() {
        if !new.contains_key(&identifier) {
            release(&mut transaction, identifier, owner);
        }
    }
    for (id, pending) in &after.pending {
        if before.pending.get(id) != Some(pending) {
            let item = pending_email::item(owner, *id, pending)?;
            transaction.put(Role::Related, item);
        }
    }
    // Items that are deleted must still be there: the change was decided by what they held.
    for id in before.pending.keys() {
        if !after.pending.contains_key(id) {
            let key = pending_email::key(owner, *id);
            transaction.delete_if(Role::Related, key, Condition::exists());
        }
    }
    for (id, right) in &after.rights {
        if before.rights.get(id) != Some(right) {
            transaction.put(Role::Related, undo_right::item(owner, id, right)?);
        }
    }
    for id in before.rights.keys() {
        if !after.rights.contains_key(id) {
            let key = undo_right::key(owner, id);
            transaction.delete_if(Role::Related, key, Condition::exists());
        }
    }
    for notification in &after.outbox {
        transaction.put(Role::Related, notification::item(notification)?);
    }
    if let Some(new) = &after.new_device {
        let item = device::item(owner, new, after.user.session_epoch());
        transaction.put(Role::Related, item);
    }
    Ok(transaction)
}

/// Releases one of the owner's identifiers, so that others may reserve it.
pub(crate) fn release(
    transaction: &mut Transaction,
    identifier: domain::Identifier,
    owner: &UserId,
) {
    let key = reservation::key(&identifier);
    let is_own = Condition::equal(reservation::OWNER, text(owner));
    transaction.delete_if(Role::Release(identifier), key, is_own);
}

fn user_update(before: &User, after: &User, write: &Write) -> Result<Update, StoreError> {
    let mut update = log::update(after.id(), Move::Change, write)?;
    update.require_equal(&[VERSION], number(before.version()));
    let (mut set, removed) = user::difference(before, after)?;
    // The version itself moves by the update.
    set.remove(VERSION);
    write_difference(&mut update, (set, removed), write);
    Ok(update)
}

/// Writes a difference between two states of an item, and the operation that makes it.
pub(crate) fn write_difference(
    update: &mut Update,
    (set, removed): (Item, Vec<String>),
    write: &Write,
) {
    for (name, value) in set {
        // Operations are pushed and not set: one that changed nothing may have been added under this
        // version.
        if name != user::OPERATIONS {
            update.set(&[&name], value);
        }
    }
    for name in removed {
        update.remove(&[&name]);
    }
    user::push_operation(update, &write.operation);
}
