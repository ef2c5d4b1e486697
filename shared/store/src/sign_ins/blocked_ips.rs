//! The IP addresses from which signing in as one user has failed: looked at and unblocked.

use domain::blocked_ip::{CountedIdentifierAndIp, Unblocked};
use domain::{Identifier, User, UserId};
use futures_util::future::try_join_all;

use super::SignIns;
use crate::item::attempts;
use crate::table::{Role, Transaction};
use crate::write::Write;
use crate::{StoreError, WriteError, read};

/// How many requests are under way at the same time.
const AT_ONCE: usize = 10;

impl SignIns {
    /// What was counted for a user's identifiers, each with the IP addresses that tried it: one
    /// `Query` for each identifier, some at the same time.
    pub async fn by_ip_address(
        &self,
        user: &User,
    ) -> Result<Vec<CountedIdentifierAndIp>, StoreError> {
        let identifiers: Vec<_> = user.identifiers().into_keys().collect();
        let mut counted = Vec::new();
        for some in identifiers.chunks(AT_ONCE) {
            let of_each = try_join_all(some.iter().map(|one| self.of_identifier(one)));
            counted.extend(of_each.await?.into_iter().flatten());
        }
        Ok(counted)
    }

    async fn of_identifier(
        &self,
        identifier: &Identifier,
    ) -> Result<Vec<CountedIdentifierAndIp>, StoreError> {
        let partition = attempts::partition_key(identifier);
        let items = self.table.query(partition, attempts::IP_ADDRESS_START);
        let items = items.await?;
        let counted = items
            .iter()
            .map(|item| attempts::counted_pair(identifier, item));
        counted.collect()
    }

    /// Forgets the failures and lock-outs of some IP addresses for all identifiers of a user: a
    /// `GetItem`, a `Query` for each identifier, and an `UpdateItem` for each of them with an address
    /// that has something to forget. A crash in between leaves the rest to the repeat.
    ///
    /// The user stays as they are, so `If-Match` is held against the user that was read. A named
    /// operation is written down when all is done: its late repeat forgets no newer failures.
    pub async fn unblock_ip_addresses(
        &self,
        id: &UserId,
        unblocked: &Unblocked,
        write: &Write,
    ) -> Result<User, WriteError> {
        let user = read::user(&self.table, id).await?;
        let user = user.ok_or(WriteError::NotFound)?;
        if read::happened(&self.table, write).await? {
            return Ok(user);
        }
        if !write.precondition.allows(user.version()) {
            return Err(WriteError::PreconditionFailed);
        }
        let mut counted = self.by_ip_address(&user).await?;
        counted.retain(|one| {
            let has_any = !one.tally.failed.is_empty() || one.tally.block_until.is_some();
            has_any && unblocked.includes(&one.pair.ip_address)
        });
        for some in counted.chunks(AT_ONCE) {
            try_join_all(some.iter().map(|one| self.forget_found(one))).await?;
        }
        if let Some(item) = write.operation_item() {
            let mut transaction = Transaction::default();
            transaction.put_if_absent(Role::Operation, item);
            // That it is there already is the same.
            self.table.transact(&transaction, write.deadline).await?;
        }
        Ok(user)
    }
}
