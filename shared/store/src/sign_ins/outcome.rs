//! The outcome of an attempt, written to the user: a failure, or a sign-in with what it leads to.

use domain::device::Device;
use domain::password::PasswordHash;
use domain::sign_in::{Counter, Failure, Limits, SignInUser, Visitor};
use domain::{Notification, Session, Timestamp, UserId};

use super::{MAX_LOOKS, SignIns, absent};
use crate::StoreError;
use crate::item::log::{self, Move};
use crate::item::{attempts, device, notification, session, sign_in_user};
use crate::table::{Attempts, Outcome, Role, Transaction, Update, Updated, number, text, truth};
use crate::write::Write;

/// The operation of the last attempt. It is an attribute of its own, because strangers' attempts must
/// not push a user's last operations out of their list.
const OPERATION: &str = "last_sign_in_operation";

/// What a right password leads to.
#[derive(Debug)]
pub enum Entry<'a> {
    /// A session, and a device that is the user's own from now on.
    Session(&'a Session, &'a Device),
    /// Notifications to the user that the password must be changed.
    MustChange(&'a [Notification]),
}

/// How a right password is written down.
#[derive(Debug)]
pub struct SignIn<'a> {
    /// The user, as the password was checked against it.
    pub user: &'a SignInUser,
    /// The counter of failures in a row.
    pub in_a_row: &'a Counter,
    /// Where the sign-in comes from.
    pub visitor: &'a Visitor,
    /// What it leads to.
    pub entry: Entry<'a>,
    /// A hash of the same password in the directory's own form.
    pub upgraded: Option<PasswordHash>,
}

impl SignIns {
    /// Writes down a user's failure: one `UpdateItem`, also where there is no user. It is based on the
    /// user as read, and its condition is that this is still true. If not, it is made anew from the
    /// user that comes back. Where the user's own device has counted the failure, only the attempt is
    /// written.
    pub async fn record_failure(
        &self,
        user: Option<&SignInUser>,
        is_counted_at_home: bool,
        limits: Limits,
        visitor: &Visitor,
        write: &Write,
    ) -> Result<(), StoreError> {
        let id = user.map_or_else(absent, |user| user.id.clone());
        let failure_of = |user: &SignInUser| {
            if is_counted_at_home {
                Failure::AtHome
            } else {
                Failure::of(user, limits, write.now)
            }
        };
        let mut failure = user.map_or(Failure::OneMore { locks: None }, failure_of);
        for _ in 0..MAX_LOOKS {
            let mut update = attempt(&id, Move::Attempt, visitor, write)?;
            count_failure(&mut update, failure, limits, write.now);
            let recorded = self.table.update_unseen(&update, Attempts::soon()).await?;
            let Updated::Refused(Some(present)) = recorded else {
                return Ok(());
            };
            if present.get(OPERATION) == Some(&text(write.operation.as_str())) {
                return Ok(());
            }
            failure = failure_of(&sign_in_user::from_item(present)?);
        }
        Err(StoreError::Conflict)
    }

    /// Writes down a right password, with what it leads to: one transaction. It is not written, and the
    /// result is false, when the user's password or epoch has changed since, or the user was disabled
    /// or locked out.
    pub async fn sign_in(&self, sign_in: &SignIn<'_>, write: &Write) -> Result<bool, StoreError> {
        let user = sign_in.user;
        let mut transaction = Transaction::default();
        transaction.update(Role::User, user_update(sign_in, write)?);
        transaction.delete(Role::Related, attempts::key(sign_in.in_a_row));
        match sign_in.entry {
            Entry::Session(session, own) => {
                transaction.put(Role::Related, session::item(session, &user.id)?);
                let item = device::item(&user.id, own, user.session_epoch);
                transaction.put(Role::Related, item);
            }
            Entry::MustChange(notifications) => {
                for notification in notifications {
                    transaction.put(Role::Related, notification::item(notification)?);
                }
            }
        }
        let outcome = self.table.transact(&transaction, write.deadline).await?;
        Ok(matches!(outcome, Outcome::Written))
    }
}

/// What every attempt writes to the user, on condition that the user exists and this attempt was not
/// written before: its reply may have been lost. It moves the version, but does not change the profile.
fn attempt(
    id: &UserId,
    moves: Move,
    visitor: &Visitor,
    write: &Write,
) -> Result<Update, StoreError> {
    let mut update = log::update(id, moves, write)?;
    let operation = text(write.operation.as_str());
    update.require_other(&[OPERATION], operation.clone());
    update.increment(&["sign_in_attempts_count"]);
    update.set(&["last_sign_in_attempt"], number(write.now.as_unix()));
    update.set(&["last_sign_in_attempt_ip"], text(&visitor.ip_address));
    update.set(&[OPERATION], operation);
    Ok(update)
}

/// What a right password writes to the user, on condition that the user is as the password was checked
/// against.
fn user_update(sign_in: &SignIn<'_>, write: &Write) -> Result<Update, StoreError> {
    let SignIn { user, visitor, .. } = sign_in;
    let now = write.now.as_unix();
    let mut update = attempt(&user.id, Move::Change, visitor, write)?;
    // A lock-out that doesn't hold for the user's own device stays for all others.
    if !user.is_blocked(write.now) {
        update.require_absent_or_at_most(&["block_until"], now);
        update.set(&["failure_count"], number(0));
        update.remove(&["block_until"]);
    }
    if let Entry::Session(..) = sign_in.entry {
        update.increment(&["sign_in_success_count"]);
        update.set(&["last_sign_in_success"], number(now));
        update.set(&["last_sign_in_success_ip"], text(&visitor.ip_address));
        update.set(&["last_activity"], number(now));
        for (name, value) in [
            ("last_known_city", &visitor.place.city),
            ("last_known_region", &visitor.place.region),
            ("last_known_country", &visitor.place.country),
        ] {
            if let Some(value) = value {
                update.set(&[name], text(value));
            }
        }
    }
    if let Some(hash) = &sign_in.upgraded {
        update.set(&["password_hash"], text(hash.expose()));
    }
    let hash = user.hash.as_ref().map(PasswordHash::expose);
    update.require_equal(&["session_epoch"], number(user.session_epoch));
    update.require_equal(&["disabled"], truth(false));
    update.require_equal(&["password_hash"], text(hash.unwrap_or_default()));
    Ok(update)
}

/// What a failure writes to the user's counters, on condition that the counters are as the failure was
/// judged by.
fn count_failure(update: &mut Update, failure: Failure, limits: Limits, now: Timestamp) {
    let now = now.as_unix();
    let (block, failures) = (["block_until"], ["failure_count"]);
    let locks = match failure {
        Failure::AtHome => return,
        Failure::WhileLocked => {
            let (block, now) = (update.path(&block), update.value(number(now)));
            return update.require(format!("{block} > {now}"));
        }
        Failure::OneMore { locks } | Failure::FirstAgain { locks } => locks,
    };
    if let Some(until) = locks {
        update.set(&block, number(until.as_unix()));
    }
    if let Failure::FirstAgain { .. } = failure {
        let (path, now) = (update.path(&block), update.value(number(now)));
        update.require(format!("{path} <= {now}"));
        update.set(&failures, number(1));
        if locks.is_none() {
            update.remove(&block);
        }
        return;
    }
    let relation = if locks.is_some() { ">=" } else { "<" };
    let (block, count) = (update.path(&block), update.path(&failures));
    let most = update.value(number(limits.of_an_account.saturating_sub(1)));
    update.require(format!("attribute_not_exists({block})"));
    update.require(format!("{count} {relation} {most}"));
    update.increment(&failures);
}
