//! What people do to their own addresses (email-self-service.md, "The flow").
//!
//! An [`Account`] is a user with what hangs on them: pending addresses, rights to undo a change, and
//! notifications to be sent. Each step of the flow has a file here, which changes the account in
//! memory; the store writes the difference as one transaction.

mod confirm;
mod drop;
mod link_status;
mod password;
mod prove;
mod request;
mod rights;
mod tell;
#[cfg(test)]
mod testing;
mod undo;

pub use link_status::LinkStatus;
pub use password::RESET_LIFETIME;
pub use rights::UndoRight;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::device::Device;
use crate::{
    ChangeId, Email, Generation, IdentifierId, Notification, OperationId, Refusal, Timestamp, User,
};

/// An address that a person wants and has not proved yet. It is not reserved: another user can still
/// take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingEmail {
    /// The address.
    pub email: Email,
    /// The user's e-mail generation when it was asked for. Its links are inert in another one.
    pub generation: Generation,
    /// When it lapses, with its links.
    pub expires_at: Timestamp,
}

/// A user and what hangs on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The user.
    pub user: User,
    /// Addresses to be proved, by the identifier id that they will have.
    pub pending: BTreeMap<IdentifierId, PendingEmail>,
    /// Rights to undo a change of the primary address, by the id that their link names.
    pub rights: BTreeMap<ChangeId, UndoRight>,
    /// The notifications that the change under way makes.
    pub outbox: Vec<Notification>,
    /// The device that becomes the user's own by the change under way.
    pub new_device: Option<Device>,
}

/// How long links live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Of links that prove an address or make it the primary one, and of pending addresses.
    pub link: Duration,
    /// Of a right to undo. An address must have been primary for as long to earn one. Zero: there are
    /// no such rights.
    pub undo: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            link: Duration::from_hours(7 * 24),
            undo: Duration::from_hours(72),
        }
    }
}

/// When a change happens, and by which operation.
#[derive(Clone, Copy, Debug)]
pub struct ChangeContext<'a> {
    /// The time.
    pub now: Timestamp,
    /// The operation. Notifications and rights that the change makes are named after it.
    pub operation: &'a OperationId,
    /// How long links live.
    pub lifetimes: Lifetimes,
}

impl Account {
    /// A user with nothing hanging on them.
    pub fn of(user: User) -> Self {
        Self {
            user,
            pending: BTreeMap::new(),
            rights: BTreeMap::new(),
            outbox: Vec::new(),
            new_device: None,
        }
    }

    /// The pending addresses whose links still hold, less those that are on the profile.
    pub fn live_pending(&self, now: Timestamp) -> impl Iterator<Item = (IdentifierId, &Email)> {
        self.pending
            .iter()
            .filter(move |(id, pending)| {
                self.is_live(pending, now) && !self.user.emails().contains(**id)
            })
            .map(|(id, pending)| (*id, &pending.email))
    }

    /// Refuses a request that was let in by a session of `then`, the user as the session was checked
    /// against, when all sessions have been ended since.
    pub fn refuse_ended_session(&self, then: &User) -> Result<(), Refusal> {
        if self.user.is_disabled() || self.user.session_epoch() != then.session_epoch() {
            return Err(Refusal::SessionEnded);
        }
        Ok(())
    }

    /// The primary address.
    pub fn primary_email(&self) -> Option<(IdentifierId, &Email)> {
        self.user.emails().primary_value()
    }

    pub(super) fn is_live(&self, pending: &PendingEmail, now: Timestamp) -> bool {
        pending.generation == self.user.email_generation() && now < pending.expires_at
    }
}
