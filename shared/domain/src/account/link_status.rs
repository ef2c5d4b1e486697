//! Whether a link's effect is still possible, or has happened already.

use crate::account::{Account, ChangeContext, Lifetimes};
use crate::link::{AskedBy, Channel, Link, Purpose, Subject};
use crate::{Email, IdentifierId, Refusal, Timestamp};

/// Whether a link's effect is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkStatus {
    /// The effect can happen now.
    Due,
    /// The effect has happened, and still holds.
    Done,
    /// The address must be proved first, by the link that was mailed to it.
    Unproved,
}

impl Account {
    /// The status of a link whose signature is good.
    pub fn link_status(
        &self,
        link: &Link,
        lifetimes: Lifetimes,
        now: Timestamp,
    ) -> Result<LinkStatus, Refusal> {
        if self.user.is_disabled() {
            return Err(Refusal::LinkNotValid);
        }
        let status = match link.purpose {
            Purpose::VerifyEmail | Purpose::SetPrimaryEmail => self.address_status(link, now),
            Purpose::UndoEmailChange => self.undo_status(link, lifetimes, now),
            Purpose::ResetPassword => self.reset_status(link),
        };
        status.ok_or(Refusal::LinkNotValid)
    }

    /// The identifier that a link is about, when the link's effect is due; `None` when it has happened.
    pub(super) fn due(
        &self,
        link: &Link,
        context: ChangeContext<'_>,
    ) -> Result<Option<IdentifierId>, Refusal> {
        match self.link_status(link, context.lifetimes, context.now)? {
            LinkStatus::Due => link
                .subject
                .identifier()
                .map(Some)
                .ok_or(Refusal::LinkNotValid),
            LinkStatus::Done => Ok(None),
            LinkStatus::Unproved => Err(Refusal::Unproved),
        }
    }

    pub(super) fn address_status(&self, link: &Link, now: Timestamp) -> Option<LinkStatus> {
        let id = link.subject.identifier()?;
        let is_it = |email: &Email| email.canonical() == link.address;
        let own = self.user.emails().get(id).filter(|own| is_it(&own.value));
        let is_verified = own.is_some_and(|own| own.verified);
        let is_done = match link.purpose {
            Purpose::VerifyEmail => is_verified,
            _ => is_verified && self.user.emails().is_primary(id),
        };
        if is_done {
            return Some(LinkStatus::Done);
        }
        if link.generation != self.user.email_generation() {
            return None;
        }
        if is_verified {
            return Some(LinkStatus::Due);
        }
        // An address that the person asked for is pending, so that it can be cancelled.
        let waits = match link.asked_by {
            AskedBy::ManagementApi => own.is_some(),
            AskedBy::Person => self
                .pending
                .get(&id)
                .is_some_and(|pending| is_it(&pending.email) && self.is_live(pending, now)),
        };
        match link.channel {
            _ if !waits => None,
            Channel::Mailbox => Some(LinkStatus::Due),
            Channel::PresentAddress | Channel::Sms | Channel::HandedOver => {
                Some(LinkStatus::Unproved)
            }
        }
    }

    pub(super) fn undo_status(
        &self,
        link: &Link,
        lifetimes: Lifetimes,
        now: Timestamp,
    ) -> Option<LinkStatus> {
        let right = self.rights.get(link.subject.change()?)?;
        let old = self.user.emails().get(right.email)?;
        if old.value.canonical() != link.address || !self.holds_right(right, lifetimes, now) {
            return None;
        }
        if !right.is_used {
            return Some(LinkStatus::Due);
        }
        let holds = self.user.emails().is_primary(right.email);
        holds.then_some(LinkStatus::Done)
    }

    pub(super) fn reset_status(&self, link: &Link) -> Option<LinkStatus> {
        let is_its_own = match &link.subject {
            Subject::User => true,
            Subject::Identifier(id) => self.primary_email().is_some_and(|(primary, email)| {
                primary == *id && email.canonical() == link.address
            }),
            Subject::Change(_) => false,
        };
        if !is_its_own {
            return None;
        }
        let credential = self.user.credential();
        if link.generation == self.user.email_generation() {
            // Only the management API lets a person set a first password.
            let may_set = credential.is_some() || link.asked_by == AskedBy::ManagementApi;
            return may_set.then_some(LinkStatus::Due);
        }
        let credential = credential?;
        // The generation has moved once since the link was made: by the reset itself.
        let is_done = link.generation.next() == self.user.email_generation()
            && credential.updated_at >= link.issued_at
            && !credential.force_reset;
        is_done.then_some(LinkStatus::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::RESET_LIFETIME;
    use crate::account::testing::{
        A, B, HOUR, NEW, NOW, UNDO, WEEK, ada, at, change_email, email, hash, id, link,
        move_generation, request_change, request_email, status,
    };
    use crate::{ChangeId, sample};

    const NOT_VALID: Result<LinkStatus, Refusal> = Err(Refusal::LinkNotValid);

    fn of_change(link: &Link) -> Link {
        Link {
            subject: Subject::Change(ChangeId::stored("other".to_owned())),
            ..link.clone()
        }
    }

    #[test]
    fn a_mailed_link_is_due_while_its_address_waits_and_a_told_one_is_unproved() {
        let mut account = ada();
        let [mail, sms] = request_email(&mut account, NEW, NOW);
        assert_eq!(status(&account, &mail, NOW), Ok(LinkStatus::Due));
        assert_eq!(status(&account, &sms, NOW), Ok(LinkStatus::Unproved));
        let present = Link {
            channel: Channel::PresentAddress,
            ..mail.clone()
        };
        assert_eq!(status(&account, &present, NOW), Ok(LinkStatus::Unproved));
        assert_eq!(status(&account, &mail, NOW.plus(WEEK)), NOT_VALID);
        assert_eq!(status(&account, &of_change(&mail), NOW), NOT_VALID);
        let elsewhere = Link {
            address: A.to_owned(),
            ..mail.clone()
        };
        assert_eq!(status(&account, &elsewhere, NOW), NOT_VALID);
        let mut moved = account.clone();
        move_generation(&mut moved);
        assert_eq!(status(&moved, &mail, NOW), NOT_VALID);
        account.pending.clear();
        assert_eq!(status(&account, &mail, NOW), NOT_VALID);
    }

    #[test]
    fn a_disabled_users_links_are_not_valid() {
        let mut account = ada();
        let [mail, _] = request_email(&mut account, NEW, NOW);
        account.user = sample::changed(account.user, |user| user.disabled = true);
        assert_eq!(status(&account, &mail, NOW), NOT_VALID);
    }

    #[test]
    fn proving_is_done_once_the_address_is_proved_and_confirming_once_it_is_primary() {
        let mut account = ada();
        let [verify, _] = request_email(&mut account, NEW, NOW);
        let confirm = Link {
            purpose: Purpose::SetPrimaryEmail,
            channel: Channel::Sms,
            ..verify.clone()
        };
        at(&mut account, NOW, |account, context| {
            account.verify(&verify, context)
        })
        .0
        .unwrap();
        assert_eq!(status(&account, &verify, NOW), Ok(LinkStatus::Done));
        assert_eq!(status(&account, &confirm, NOW), Ok(LinkStatus::Due));
        at(&mut account, NOW, |account, context| {
            account.confirm(&confirm, context)
        })
        .0
        .unwrap();
        assert_eq!(status(&account, &verify, NOW), Ok(LinkStatus::Done));
        assert_eq!(status(&account, &confirm, NOW), Ok(LinkStatus::Done));
        request_change(&mut account, A, NOW);
        assert_eq!(status(&account, &confirm, NOW), NOT_VALID);
    }

    #[test]
    fn an_undo_is_due_while_its_right_stands_and_done_while_its_address_is_primary() {
        let mut account = ada();
        let undo = link(&request_change(&mut account, B, NOW), A).unwrap();
        let last = NOW.plus(UNDO.saturating_sub(HOUR));
        assert_eq!(status(&account, &undo, last), Ok(LinkStatus::Due));
        assert_eq!(status(&account, &undo, NOW.plus(UNDO)), NOT_VALID);
        assert_eq!(status(&account, &of_change(&undo), NOW), NOT_VALID);
        let elsewhere = Link {
            address: B.to_owned(),
            ..undo.clone()
        };
        assert_eq!(status(&account, &elsewhere, NOW), NOT_VALID);
        let no_rights = Lifetimes {
            undo: std::time::Duration::ZERO,
            ..Lifetimes::default()
        };
        assert_eq!(account.link_status(&undo, no_rights, NOW), NOT_VALID);
        let mut doubted = account.clone();
        change_email(&mut doubted, A, |own| own.verified = false);
        assert_eq!(status(&doubted, &undo, NOW), NOT_VALID);
        at(&mut account, NOW, |account, context| {
            account.undo(&undo, hash(), context)
        })
        .0
        .unwrap();
        assert_eq!(status(&account, &undo, NOW), Ok(LinkStatus::Done));
        account
            .user
            .prove_email(crate::account::testing::fresh(9), email(NEW))
            .unwrap();
        request_change(&mut account, NEW, NOW);
        assert_eq!(status(&account, &undo, NOW), NOT_VALID, "it was used");
    }

    #[test]
    fn a_reset_by_the_management_api_needs_neither_a_password_nor_an_address() {
        let mut account = ada();
        account.user = sample::changed(account.user, |user| {
            user.credential = None;
            user.emails = crate::Addresses::default();
        });
        let (reset, _) = at(&mut account, NOW, |account, context| {
            account.reset_link(HOUR, context)
        });
        assert_eq!(reset.expires_at, NOW.plus(HOUR));
        assert_eq!(status(&account, &reset, NOW), Ok(LinkStatus::Due));
        let by_person = Link {
            asked_by: AskedBy::Person,
            ..reset.clone()
        };
        assert_eq!(status(&account, &by_person, NOW), NOT_VALID);
        account.user.replace_password(hash(), NOW);
        assert_eq!(status(&account, &reset, NOW), Ok(LinkStatus::Done));
        account.user.replace_password(hash(), NOW);
        assert_eq!(
            status(&account, &reset, NOW),
            NOT_VALID,
            "another one since"
        );
    }

    #[test]
    fn a_reset_is_due_in_its_generation_and_done_by_itself_alone() {
        let mut account = ada();
        let ((), told) = at(&mut account, NOW, |account, context| {
            account.request_reset(RESET_LIFETIME, AskedBy::Person, context);
        });
        let reset = link(&told, A).unwrap();
        assert_eq!(status(&account, &reset, NOW), Ok(LinkStatus::Due));
        assert_eq!(status(&account, &of_change(&reset), NOW), NOT_VALID);
        let of_another = Link {
            subject: Subject::Identifier(id(&account, B)),
            ..reset.clone()
        };
        assert_eq!(status(&account, &of_another, NOW), NOT_VALID);
        let elsewhere = Link {
            address: B.to_owned(),
            ..reset.clone()
        };
        assert_eq!(status(&account, &elsewhere, NOW), NOT_VALID);
        let mut moved = account.clone();
        move_generation(&mut moved);
        assert_eq!(
            status(&moved, &reset, NOW),
            NOT_VALID,
            "no password was set since"
        );
        let mut without = account.clone();
        without.user = sample::changed(without.user, |user| user.credential = None);
        assert_eq!(status(&without, &reset, NOW), NOT_VALID);

        account.user.replace_password(hash(), NOW);
        assert_eq!(status(&account, &reset, NOW), Ok(LinkStatus::Done));
        let forced = sample::changed(account.user.clone(), |user| {
            user.credential.as_mut().unwrap().force_reset = true;
        });
        let forced = Account::of(forced);
        assert_eq!(status(&forced, &reset, NOW), NOT_VALID);
        move_generation(&mut account);
        assert_eq!(status(&account, &reset, NOW), NOT_VALID);
    }
}
