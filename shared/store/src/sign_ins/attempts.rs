//! The counters of attempts: by identifier and IP address, by IP address alone, and by device.
//!
//! The set `tries` holds the attempts that are under way or have failed; the set `failed` only those
//! that have failed. A set holds an element once, so a repeat after a lost reply is not counted twice.

use domain::Timestamp;
use domain::blocked_ip::CountedIdentifierAndIp;
use domain::sign_in::{Admission, Counter, Full, LOCK_OUT, Limits, Try};

use super::{MAX_LOOKS, SignIns};
use crate::StoreError;
use crate::item::attempts::{ATTEMPTS, BLOCK_UNTIL, FAILED, LAST_ATTEMPT, TRIES, key, tally};
use crate::table::{Attempts, Update, Updated, number, text};
use crate::write::Write;

impl SignIns {
    /// Counts an attempt before the password is checked, so that guesses made at the same time can't
    /// get past the limit: one conditional `UpdateItem`, the same for identifiers that no user has. If
    /// attempts that don't count any more fill the counter up, it takes two more.
    pub async fn count_attempt(
        &self,
        counter: &Counter,
        limits: Limits,
        write: &Write,
    ) -> Result<Admission, StoreError> {
        let this = Try::new(&write.operation, write.now);
        let mut update = Update::of(key(counter));
        let now = write.now.as_unix();
        update.require_absent_or_at_most(&[BLOCK_UNTIL], now);
        let (tries, own) = (update.path(&[TRIES]), update.value(text(this.as_str())));
        let limit = update.value(number(counter.limit(limits)));
        update.require(format!(
            "(attribute_not_exists({tries}) \
             OR (size({tries}) < {limit} AND NOT contains({tries}, {own})))",
        ));
        update.add(TRIES, [this.as_str()]);
        update.count(&[ATTEMPTS]);
        update.set(&[LAST_ATTEMPT], number(now));
        set_expiry(&mut update, counter, write.now);
        update.remove(&[BLOCK_UNTIL]);
        for _ in 0..MAX_LOOKS {
            let present = match self.table.update_unseen(&update, Attempts::soon()).await? {
                Updated::Written(()) => return Ok(Admission::Counted),
                Updated::Refused(present) => present.as_ref().map(tally).unwrap_or_default(),
            };
            match present.refuses(&this, counter, limits, write.now) {
                // This attempt was counted before, and the reply was lost.
                Full::Counted => return Ok(Admission::Counted),
                Full::LockedUntil(until) => return Ok(Admission::LockedUntil(until)),
                Full::UnderWay => return Ok(Admission::OneTooMany),
                Full::Lapsed(lapsed) => self.forget(counter, &lapsed).await?,
                // The function ended after the last failure was counted and before it could lock.
                Full::ToBeLocked => {
                    self.lock(counter, limits, write.now).await?;
                    return Ok(Admission::LockedUntil(write.now.plus(LOCK_OUT)));
                }
            }
        }
        Err(StoreError::Conflict)
    }

    /// Counts an attempt under way as failed, and locks the counter if that is one too many.
    pub async fn count_failure(
        &self,
        counter: &Counter,
        limits: Limits,
        write: &Write,
    ) -> Result<(), StoreError> {
        let this = Try::new(&write.operation, write.now);
        let mut update = Update::of(key(counter));
        update.require_absent_or_at_most(&[BLOCK_UNTIL], write.now.as_unix());
        let (failed, own) = (update.path(&[FAILED]), update.value(text(this.as_str())));
        update.require(format!("NOT contains({failed}, {own})"));
        update.add(TRIES, [this.as_str()]);
        update.add(FAILED, [this.as_str()]);
        // Where a right password has taken the item away in between, this makes it anew.
        update.set(&[LAST_ATTEMPT], number(write.now.as_unix()));
        set_expiry(&mut update, counter, write.now);
        // If the condition fails, this attempt was counted before and its reply was lost, or the
        // counter is locked.
        let (Updated::Written(item) | Updated::Refused(Some(item))) =
            self.table.update(&update, Attempts::soon()).await?
        else {
            return Ok(());
        };
        if tally(&item).is_to_be_locked(counter, limits, write.now) {
            self.lock(counter, limits, write.now).await?;
        }
        Ok(())
    }

    /// Takes an attempt out of the counter that has ended without failing.
    pub async fn give_back(&self, counter: &Counter, write: &Write) -> Result<(), StoreError> {
        let this = Try::new(&write.operation, write.now);
        self.forget(counter, &[this]).await
    }

    /// Forgets failures in a row, after a right password.
    pub async fn forgive(&self, in_a_row: &Counter) -> Result<(), StoreError> {
        self.table.delete(key(in_a_row)).await
    }

    /// Locks a counter and empties it, unless another attempt has just done so.
    async fn lock(
        &self,
        counter: &Counter,
        limits: Limits,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut update = Update::of(key(counter));
        let failed = update.path(&[FAILED]);
        let limit = update.value(number(counter.limit(limits)));
        update.require(format!("size({failed}) >= {limit}"));
        update.set(&[BLOCK_UNTIL], number(now.plus(LOCK_OUT).as_unix()));
        update.remove(&[FAILED]);
        update.remove(&[TRIES]);
        self.table.update_unseen(&update, Attempts::soon()).await?;
        Ok(())
    }

    /// Forgets the failures and the lock-out that were found in a counter, unless the counter is gone.
    /// Attempts under way, and what failed since, go on counting.
    pub(super) async fn forget_found(
        &self,
        found: &CountedIdentifierAndIp,
    ) -> Result<(), StoreError> {
        let counter = Counter::IdentifierAndIp(found.pair.clone());
        let mut update = Update::of_present(key(&counter));
        update.remove(&[BLOCK_UNTIL]);
        if !found.tally.failed.is_empty() {
            for set in [TRIES, FAILED] {
                update.take(set, found.tally.failed.iter().map(Try::as_str));
            }
        }
        self.table.update_unseen(&update, Attempts::soon()).await?;
        Ok(())
    }

    /// Takes attempts out of a counter.
    async fn forget(&self, counter: &Counter, these: &[Try]) -> Result<(), StoreError> {
        let mut update = Update::of_present(key(counter));
        for set in [TRIES, FAILED] {
            update.take(set, these.iter().map(Try::as_str));
        }
        self.table.update_unseen(&update, Attempts::soon()).await?;
        Ok(())
    }
}

/// Lets the item expire when nothing in a counter that was written at `now` counts any more.
fn set_expiry(update: &mut Update, counter: &Counter, now: Timestamp) {
    let expires_at = now.plus(counter.remembers_for()).plus(LOCK_OUT);
    update.set(&["expires_at"], number(expires_at.as_unix()));
}
