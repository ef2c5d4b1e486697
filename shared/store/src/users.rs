//! Users: read, created, changed, deleted, each with their reservations.

use domain::rule::Decision;
use domain::{Account, Identifier, Refusal, Rule, User, UserId};

use crate::edit::{self, Start};
use crate::item::{log, user};
use crate::table::{Attempts, Condition, Outcome, Role, Table, Transaction, Updated, number};
use crate::write::Write;
use crate::{Cause, StoreError, WriteError, read, rule};

/// The users of the directory.
#[derive(Clone, Debug)]
pub struct Users {
    table: Table,
}

impl Users {
    /// The users in this table.
    pub const fn new(table: Table) -> Self {
        Self { table }
    }

    /// A user: one strongly consistent `GetItem`.
    pub async fn get(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        read::user(&self.table, id).await
    }

    /// The user who has an identifier: one `GetItem`, also where the text is no identifier.
    pub async fn owner(&self, of: Option<&Identifier>) -> Result<Option<UserId>, StoreError> {
        read::owner(&self.table, of).await
    }

    /// Refuses an identifier that another user has now. It does not reserve the identifier, so another
    /// user may take it in the next moment.
    pub async fn refuse_taken(
        &self,
        identifier: Identifier,
        by_others_than: &UserId,
    ) -> Result<(), WriteError> {
        match self.owner(Some(&identifier)).await? {
            Some(owner) if owner != *by_others_than => Err(Refusal::taken(&[identifier]).into()),
            _ => Ok(()),
        }
    }

    /// Writes a new user with all reservations: one transaction, all or nothing.
    ///
    /// The user's id follows from the operation. So a repeat finds the user that the first attempt
    /// wrote, and answers with its present state.
    pub async fn create(&self, new: User, write: &Write) -> Result<User, WriteError> {
        let transaction = edit::creation(&new, write)?;
        match self.table.transact(&transaction, write.deadline).await? {
            Outcome::Written => Ok(new),
            Outcome::Moved(present) => {
                let present = present.map(user::from_item).transpose()?;
                let own_id = UserId::created_by(&write.operation);
                present
                    .filter(|present| *present.id() == own_id)
                    .ok_or_else(|| Cause::Odd("another user has the id").unexpected().into())
            }
            Outcome::Repeated => Err(WriteError::Gone),
            Outcome::Overtaken => Err(StoreError::Conflict.into()),
            Outcome::Taken(identifiers) => Err(Refusal::taken(&identifiers).into()),
            Outcome::Refused(refusal) => Err(refusal.into()),
        }
    }

    /// Carries out a rule: one conditional `UpdateItem`, no read.
    ///
    /// When the condition fails, DynamoDB returns the item without an extra read, and the item shows
    /// why: there is no user, the operation is a repeat, the version is another one, a rule refuses, or
    /// the effect holds already. The last is written down if the operation is named.
    pub async fn change(
        &self,
        id: &UserId,
        rule: &Rule,
        write: &Write,
    ) -> Result<User, WriteError> {
        let update = rule::update(id, rule, write)?;
        let mut attempts = Attempts::until(write.deadline);
        loop {
            let updated = self
                .table
                .update(&update, Attempts::until(write.deadline))
                .await?;
            let present = match updated {
                Updated::Written(item) => return Ok(user::from_item(item)?),
                Updated::Refused(None) => return Err(WriteError::NotFound),
                Updated::Refused(Some(item)) => unmet(user::from_item(item)?, rule, write)?,
            };
            if let Some(user) = edit::remember(&self.table, present, write).await? {
                return Ok(user);
            }
            if !attempts.again_after(&StoreError::Conflict).await {
                return Err(StoreError::Conflict.into());
            }
        }
    }

    /// Reads the user, applies a domain function, and writes the difference under the version
    /// that was read, with the reservations that it gains or loses: one transaction, or one
    /// `UpdateItem` where it gains and loses none.
    ///
    /// A function that changes nothing writes nothing, unless the operation is to be remembered.
    pub async fn edit(
        &self,
        id: &UserId,
        write: &Write,
        change: impl Fn(&mut User) -> Result<(), Refusal>,
    ) -> Result<User, WriteError> {
        let change = |account: &mut Account| change(&mut account.user);
        let edited = edit::edit(&self.table, id, Start::User, write, change).await?;
        Ok(edited.user)
    }

    /// Deletes the user and every reservation, and writes down by whom: one transaction. The user's
    /// other items are deleted when the stream shows this; no reader trusts them without their user.
    pub async fn delete(&self, id: &UserId, write: &Write) -> Result<(), WriteError> {
        let mut attempts = Attempts::until(write.deadline);
        loop {
            let Some(item) = self.table.get(user::key(id)).await? else {
                return read::unless_happened(&self.table, write, WriteError::NotFound).await;
            };
            let born = log::born(&item).ok_or_else(|| Cause::Invalid("born").unexpected())?;
            let before = user::from_item(item)?;
            if !write.precondition.allows(before.version()) {
                return read::unless_happened(&self.table, write, WriteError::PreconditionFailed)
                    .await;
            }
            let mut transaction = Transaction::default();
            let is_unmoved = Condition::equal("version", number(before.version()));
            transaction.delete_if(Role::User, user::key(id), is_unmoved);
            for identifier in before.identifiers().into_keys() {
                edit::release(&mut transaction, identifier, id);
            }
            transaction.put(Role::Related, log::deletion(id, born, write)?);
            // Otherwise the user was changed or deleted meanwhile: the next round reads it again. After a
            // repeat, a user with the same id may be there again. This operation must not delete that one.
            if edit::end(&self.table, transaction, write, &mut attempts).await? {
                return Ok(());
            }
        }
    }
}

/// A new user as the table's stream tells of it, in the types of Lambda's events.
pub fn image_of_new(user: &User, write: &Write) -> Result<serde_dynamo::Item, StoreError> {
    Ok(log::new_user(user, write)?.into())
}

/// The reason why a rule's condition was false for `present`.
fn unmet(present: User, rule: &Rule, write: &Write) -> Result<User, WriteError> {
    if present.has_seen(&write.operation) {
        return Ok(present);
    }
    if !write.precondition.allows(present.version()) {
        return Err(WriteError::PreconditionFailed);
    }
    match rule.decide(&present)? {
        Decision::AlreadyDone => Ok(present),
        Decision::Apply => {
            let cause = Cause::Odd("a rule's condition was false where it holds");
            Err(cause.unexpected().into())
        }
    }
}
