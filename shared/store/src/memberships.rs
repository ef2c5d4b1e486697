//! Which user is in which group.
//!
//! No reader trusts a membership without its user and its group: what is left of a deleted one is taken
//! apart later.

use std::collections::BTreeMap;

use domain::{Group, GroupId, Membership, Part, Refusal, User, UserId};
use futures_util::future::try_join;

use crate::groups;
use crate::item::log::{self, Move};
use crate::item::membership::{self, BORN, Stored};
use crate::item::{group, operation, user};
use crate::table::{Attempts, Condition, Outcome, Role, Table, Transaction, number};
use crate::write::Write;
use crate::{StoreError, WriteError, edit, read};

/// The memberships of all users and groups.
#[derive(Clone, Debug)]
pub struct Memberships {
    table: Table,
}

/// What is there of a user, a group and a membership.
struct Found {
    user: Option<User>,
    group: Option<Group>,
    /// The membership that is stored, also one of an earlier user with the same id.
    stored: Option<Stored>,
    /// The operation has happened before.
    has_happened: bool,
}

/// A user, a group, and whether the one is in the other.
struct Pair {
    user: User,
    group: Group,
    stored: Option<Stored>,
}

impl Memberships {
    /// The memberships in this table.
    pub const fn new(table: Table) -> Self {
        Self { table }
    }

    /// The groups of a user, each with the membership, if the user is there: a `GetItem` and a `Query`
    /// at the same time, and a `BatchGetItem` for each hundred groups.
    pub async fn of(
        &self,
        user_id: &UserId,
    ) -> Result<Option<Vec<(Membership, Group)>>, StoreError> {
        let partition = user::partition_key(user_id);
        let (user, items) = try_join(
            read::user(&self.table, user_id),
            self.table.query(partition, membership::SORT_KEY_START),
        )
        .await?;
        let Some(user) = user else {
            return Ok(None);
        };
        let mut stored = BTreeMap::new();
        for item in items {
            let one = Stored::from_item(item)?;
            if one.is_of(&user) {
                stored.insert(one.membership.group_id, one.membership);
            }
        }
        let ids = stored.keys().copied().collect();
        let groups = read::groups(&self.table, &ids).await?.into_iter();
        let pairs = groups.filter_map(|group| Some((stored.remove(&group.id)?, group)));
        Ok(Some(pairs.collect()))
    }

    /// One membership of a user and its group: one `BatchGetItem`.
    pub async fn get(
        &self,
        user_id: &UserId,
        group_id: GroupId,
    ) -> Result<(Membership, Group), WriteError> {
        let found = self.find(user_id, group_id, None).await?;
        let Pair { group, stored, .. } = found.pair()?;
        let stored = stored.ok_or(Refusal::NotFound(Part::Membership))?;
        Ok((stored.membership, group))
    }

    /// Assigns a user to a group: a `BatchGetItem`, and a transaction unless the user is in it already.
    /// Answers with the user and the group as they were read.
    pub async fn assign(
        &self,
        user_id: &UserId,
        group_id: GroupId,
        write: &Write,
    ) -> Result<(User, Membership, Group), WriteError> {
        let mut attempts = Attempts::until(write.deadline);
        loop {
            let found = self.find(user_id, group_id, Some(write)).await?;
            let has_happened = found.has_happened;
            let stale = found.stale();
            let Pair {
                user,
                group,
                stored,
            } = found.pair()?;
            if has_happened {
                let Stored { membership, .. } = stored.ok_or(WriteError::Gone)?;
                return Ok((user, membership, group));
            }
            if !write.precondition.allows(user.version()) {
                return Err(WriteError::PreconditionFailed);
            }
            let mut transaction = Transaction::default();
            let stored = match stored {
                // All is as it was asked for.
                Some(Stored { membership, .. }) if !write.is_named => {
                    return Ok((user, membership, group));
                }
                Some(stored) => stored,
                None => {
                    let stored = Stored::new(&user, group_id, write.now);
                    tell(&mut transaction, &user, group_id, write)?;
                    transaction.check(Role::Related, group::key(group_id), Condition::exists());
                    put(&mut transaction, &stored, stale.as_ref())?;
                    stored
                }
            };
            write.write_down(&mut transaction);
            match self.table.transact(&transaction, write.deadline).await? {
                Outcome::Written => return Ok((user, stored.membership, group)),
                // The user, the group or the membership has changed: the next look tells.
                _ if attempts.again_after(&StoreError::Conflict).await => {}
                _ => return Err(StoreError::Conflict.into()),
            }
        }
    }

    /// Takes a user out of a group: a `BatchGetItem` and a transaction.
    pub async fn unassign(
        &self,
        user_id: &UserId,
        group_id: GroupId,
        write: &Write,
    ) -> Result<(), WriteError> {
        let mut attempts = Attempts::until(write.deadline);
        loop {
            let found = self.find(user_id, group_id, Some(write)).await?;
            if found.has_happened {
                return Ok(());
            }
            let Pair { user, stored, .. } = found.pair()?;
            if !write.precondition.allows(user.version()) {
                return Err(WriteError::PreconditionFailed);
            }
            let stored = stored.ok_or(Refusal::NotFound(Part::Membership))?;
            let mut transaction = Transaction::default();
            tell(&mut transaction, &user, group_id, write)?;
            let key = membership::key(user_id, group_id);
            transaction.delete_if(Role::Related, key, Condition::exists());
            transaction.delete(Role::Related, stored.group_key());
            // Otherwise the user has changed, or the membership is gone: the next look tells.
            if edit::end(&self.table, transaction, write, &mut attempts).await? {
                return Ok(());
            }
        }
    }

    /// Reads a user, a group and the membership, and, for a write with a name, whether it has happened:
    /// one `BatchGetItem`.
    async fn find(
        &self,
        user_id: &UserId,
        group_id: GroupId,
        write: Option<&Write>,
    ) -> Result<Found, StoreError> {
        let mut keys = vec![
            user::key(user_id),
            group::key(group_id),
            membership::key(user_id, group_id),
        ];
        let named = write.filter(|write| write.is_named);
        keys.extend(named.map(|write| operation::key(&write.operation)));
        let mut items = self.table.get_each(keys, &[]).await?.into_iter();
        let mut next = || items.next().flatten();
        Ok(Found {
            user: next().map(user::from_item).transpose()?,
            group: next().map(group::from_item).transpose()?,
            stored: next().map(Stored::from_item).transpose()?,
            has_happened: next().is_some(),
        })
    }
}

impl Found {
    /// What is left of an earlier user with the same id.
    fn stale(&self) -> Option<Stored> {
        let user = self.user.as_ref()?;
        self.stored.clone().filter(|stored| !stored.is_of(user))
    }

    /// User and group, which must be there, and the membership of this very user.
    fn pair(self) -> Result<Pair, WriteError> {
        let user = self.user.ok_or(WriteError::NotFound)?;
        let stored = self.stored.filter(|stored| stored.is_of(&user));
        Ok(Pair {
            group: self.group.ok_or(groups::NONE)?,
            user,
            stored,
        })
    }
}

/// Lets the user's log tell of the group, on condition that the user is the one who was read, and is at a
/// version that the caller named, if any.
fn tell(
    transaction: &mut Transaction,
    user: &User,
    group_id: GroupId,
    write: &Write,
) -> Result<(), StoreError> {
    let names = vec!["groups".to_owned(), group_id.to_string()];
    let mut update = log::update(user.id(), Move::Beside(names), write)?;
    log::require_same(&mut update, user);
    write.precondition.require(&mut update);
    transaction.update(Role::User, update);
    Ok(())
}

/// Writes both items of a membership, in place of what is left of an earlier user's.
fn put(
    transaction: &mut Transaction,
    stored: &Stored,
    stale: Option<&Stored>,
) -> Result<(), StoreError> {
    let is_new = Condition::other(BORN, number(stored.membership.born));
    transaction.put_if(Role::Related, stored.of_user()?, is_new);
    transaction.put(Role::Related, stored.of_group()?);
    let left = stale.map(Stored::group_key);
    if let Some(left) = left.filter(|left| *left != stored.group_key()) {
        transaction.delete(Role::Related, left);
    }
    Ok(())
}
