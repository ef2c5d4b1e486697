//! The IP addresses from which signing in as one user has failed: looked at and unblocked.

use domain::blocked_ip::{CountedIdentifierAndIp, Unblocked};
use domain::{Identifier, User, UserId};
use futures_util::future::try_join_all;

use super::SignIns;
use crate::item::attempts;
use crate::item::log::{self, Move};
use crate::table::{Role, Transaction};
use crate::write::Write;
use crate::{StoreError, WriteError, read};

/// How many requests are under way at the same time.
const AT_ONCE: usize = 10;

impl SignIns {
    /// The failures and lock-outs of a user's identifiers, each with the IP addresses that tried it: one
    /// `Query` for each identifier, some at the same time.
    pub async fn by_ip_address(
        &self,
        user: &User,
    ) -> Result<Vec<CountedIdentifierAndIp>, StoreError> {
        self.of_addresses(user, "").await
    }

    /// The same of IP addresses that start so.
    async fn of_addresses(
        &self,
        user: &User,
        start: &str,
    ) -> Result<Vec<CountedIdentifierAndIp>, StoreError> {
        let identifiers: Vec<_> = user.identifiers().into_keys().collect();
        let mut counted = Vec::new();
        for some in identifiers.chunks(AT_ONCE) {
            let of_each = try_join_all(some.iter().map(|one| self.of_identifier(one, start)));
            counted.extend(of_each.await?.into_iter().flatten());
        }
        Ok(counted)
    }

    async fn of_identifier(
        &self,
        identifier: &Identifier,
        start: &str,
    ) -> Result<Vec<CountedIdentifierAndIp>, StoreError> {
        let partition = attempts::partition_key(identifier);
        let start = format!("{}{start}", attempts::IP_ADDRESS_START);
        let read = |item| {
            let counted = attempts::counted_pair(identifier, &item)?;
            let has_failed =
                !counted.tally.failed.is_empty() || counted.tally.block_until.is_some();
            Ok(has_failed.then_some(counted))
        };
        self.table.query_each(partition, &start, read).await
    }

    /// Forgets the failures and lock-outs of some IP addresses for all identifiers of a user: a
    /// `GetItem`, a `Query` for each identifier, and an `UpdateItem` for each of them with an address
    /// that has something to forget. A crash in between leaves the rest to the repeat.
    ///
    /// The profile stays as it is, so `If-Match` is held against the user that was read. Where there is
    /// something to forget, the revision of the user's log moves before. A named operation is written down
    /// when all is done: its late repeat forgets no newer failures.
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
        let start = match unblocked {
            Unblocked::All => "",
            Unblocked::One(address) => address,
        };
        let mut counted = self.of_addresses(&user, start).await?;
        counted.retain(|one| unblocked.includes(&one.pair.ip_address));
        if !counted.is_empty() {
            // The log tells of it first: after a crash, the repeat may find nothing left to forget.
            let mut transaction = Transaction::default();
            let forgotten = Move::Beside(vec!["blocked_ips".to_owned()]);
            transaction.update(Role::Related, log::update(id, forgotten, write)?);
            // It is no error if the user was deleted meanwhile.
            self.table.transact(&transaction, write.deadline).await?;
        }
        for some in counted.chunks(AT_ONCE) {
            try_join_all(some.iter().map(|one| self.forget_found(one))).await?;
        }
        if write.is_named {
            let mut transaction = Transaction::default();
            write.write_down(&mut transaction);
            // That it is there already is the same.
            self.table.transact(&transaction, write.deadline).await?;
        }
        Ok(user)
    }
}
