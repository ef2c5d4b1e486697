//! Rights to undo a change of the primary address (flow, 4 and 5): which address earns one, and which
//! rights stand.

use crate::account::{Account, ChangeContext, Lifetimes};
use crate::link::{AskedBy, Channel, Link, Purpose, Subject};
use crate::notification::Recipient;
use crate::user::RightBase;
use crate::{ChangeId, Email, Generation, IdentifierId, Refusal, Timestamp};

/// The right of an address to undo a change away from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndoRight {
    /// Whose right it is: the address that was primary.
    pub email: IdentifierId,
    /// The addresses that an undo leaves on the profile, beside those that the management API
    /// vouches for.
    pub kept: Vec<IdentifierId>,
    /// The e-mail generation that the change brought about. It tells later changes from earlier ones.
    pub made_in: Generation,
    /// What the management API had done when the right was given.
    pub base: RightBase,
    /// Until when it lives.
    pub expires_at: Timestamp,
    /// It was used.
    pub is_used: bool,
}

impl Account {
    /// How many rights to undo may live at once. An undo ends later rights in the same transaction,
    /// which the store limits to 100 parts: without this limit, an attacker could make so many changes
    /// that no undo fits.
    pub const MAX_RIGHTS: usize = 20;

    /// Whether the primary address earns a right to undo a change away from it. An address that has no
    /// mailbox earns none, because it can't get the link.
    pub(super) fn primary_earns_right(&self, context: ChangeContext<'_>) -> bool {
        let undo = context.lifetimes.undo;
        let tenure = self.user.emails().tenure();
        let is_mailable = |(_, email): (_, &Email)| email.mailbox().is_some();
        !undo.is_zero()
            && tenure.is_established(context.now, undo)
            && self.primary_email().is_some_and(is_mailable)
    }

    /// Used rights count, too: their items stay until they lapse.
    pub(super) fn refuse_too_many_rights(&self, context: ChangeContext<'_>) -> Result<(), Refusal> {
        let rights = self.rights.values();
        let lifetimes = context.lifetimes;
        let count = rights
            .filter(|right| self.holds_right(right, lifetimes, context.now))
            .count();
        if count < Self::MAX_RIGHTS || !self.primary_earns_right(context) {
            return Ok(());
        }
        Err(Refusal::Member(
            "email",
            "can't become the primary address now: that has changed too often of late",
        ))
    }

    /// Whether a right stands, used or not: it has not lapsed, and the management API has not ended
    /// it.
    pub(super) fn holds_right(
        &self,
        right: &UndoRight,
        lifetimes: Lifetimes,
        now: Timestamp,
    ) -> bool {
        let own = self.user.emails().get(right.email);
        let is_verified = own.is_some_and(|own| own.verified);
        is_verified
            && !lifetimes.undo.is_zero()
            && now < right.expires_at
            && self.user.right_base(right.email) == Some(right.base)
    }

    /// The right of an address that can still be used and lives longest.
    pub(super) fn newest_right(
        &self,
        email: IdentifierId,
        context: ChangeContext<'_>,
    ) -> Option<(&ChangeId, &UndoRight)> {
        self.rights
            .iter()
            .filter(|(_, right)| {
                right.email == email
                    && !right.is_used
                    && self.holds_right(right, context.lifetimes, context.now)
            })
            .max_by_key(|(_, right)| (right.expires_at, right.made_in))
    }

    /// Drops the rights that don't stand any more.
    pub(super) fn drop_ended_rights(&mut self, context: ChangeContext<'_>) {
        let rights = std::mem::take(&mut self.rights);
        self.rights = rights
            .into_iter()
            .filter(|(_, right)| self.holds_right(right, context.lifetimes, context.now))
            .collect();
    }

    /// Gives the address that was the primary one a right to undo the change that has just been made.
    /// `before` is what was on the profile before the change.
    pub(super) fn give_right(
        &mut self,
        old: IdentifierId,
        mut before: Vec<IdentifierId>,
        context: ChangeContext<'_>,
    ) {
        let Some(base) = self.user.right_base(old) else {
            return;
        };
        // This right also undoes what was added since an earlier unused right of the same address.
        let earliest = self
            .rights
            .values()
            .filter(|right| right.email == old && !right.is_used)
            .min_by_key(|right| right.made_in);
        if let Some(earliest) = earliest {
            before.retain(|id| *id == old || earliest.kept.contains(id));
        }
        let right = UndoRight {
            email: old,
            kept: before,
            made_in: self.user.email_generation(),
            base,
            expires_at: context.now.plus(context.lifetimes.undo),
            is_used: false,
        };
        self.rights.insert(ChangeId::of(context.operation), right);
    }

    /// The addresses that have a live right to undo, each with its link.
    pub(super) fn live_rights(&self, context: ChangeContext<'_>) -> Vec<(Recipient, Link)> {
        let own = self.user.emails().iter();
        own.filter_map(|(id, own)| {
            let to = Recipient::of(&own.value)?;
            let (name, right) = self.newest_right(id, context)?;
            let link = Link {
                purpose: Purpose::UndoEmailChange,
                channel: Channel::Mailbox,
                subject: Subject::Change(name.clone()),
                asked_by: AskedBy::Person,
                address: own.value.canonical().to_owned(),
                generation: right.made_in,
                issued_at: context.now,
                expires_at: right.expires_at,
            };
            Some((to, link))
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::account::testing::{NOW, UNDO};
    use crate::address::Tenure;

    #[test]
    fn an_address_is_established_after_the_time_that_a_right_lives() {
        let since = Tenure::Since(NOW);
        assert!(!since.is_established(NOW, UNDO));
        let before = UNDO.saturating_sub(Duration::from_secs(1));
        assert!(!since.is_established(NOW.plus(before), UNDO));
        assert!(since.is_established(NOW.plus(UNDO), UNDO));
        assert!(Tenure::Managed.is_established(NOW, UNDO));
        assert!(Tenure::Restored.is_established(NOW, UNDO));
    }
}
