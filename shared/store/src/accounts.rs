//! Accounts: users with what hangs on them, which are pending addresses and rights to undo a change.

use domain::{Account, Refusal, UserId};

use crate::edit::{self, Start};
use crate::table::Table;
use crate::write::Write;
use crate::{StoreError, WriteError, read};

/// The users of the directory, each with what hangs on them.
#[derive(Clone, Debug)]
pub struct Accounts {
    table: Table,
}

impl Accounts {
    /// The accounts in this table.
    pub const fn new(table: Table) -> Self {
        Self { table }
    }

    /// The user with what hangs on them: one strongly consistent `Query`.
    pub async fn get(&self, id: &UserId) -> Result<Option<Account>, StoreError> {
        read::account(&self.table, id).await
    }

    /// Reads the account, applies a domain function, and writes the difference under the user's
    /// version, the notifications included: one transaction, or one `UpdateItem` where it is the user
    /// alone that differs.
    pub async fn edit(
        &self,
        id: &UserId,
        write: &Write,
        change: impl Fn(&mut Account) -> Result<(), Refusal>,
    ) -> Result<Account, WriteError> {
        edit::edit(&self.table, id, Start::Account, write, change).await
    }

    /// As [`Accounts::edit`], for an account that was read before.
    pub async fn edit_read(
        &self,
        read: Account,
        write: &Write,
        change: impl Fn(&mut Account) -> Result<(), Refusal>,
    ) -> Result<Account, WriteError> {
        let id = read.user.id().clone();
        edit::edit(&self.table, &id, Start::Read(Box::new(read)), write, change).await
    }
}
