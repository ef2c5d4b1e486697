//! Makes a proved address the primary one, or drops an address that is pending (flow, 3 and 4).

use crate::account::{Account, ChangeContext};
use crate::address::Tenure;
use crate::link::{AskedBy, Link};
use crate::notification::{Message, Recipient, masked};
use crate::{IdentifierId, Refusal, Timestamp};

impl Account {
    /// Makes an address the primary one (flow, 3 and 4), and notifies the addresses that may undo it.
    pub fn confirm(&mut self, link: &Link, context: ChangeContext<'_>) -> Result<(), Refusal> {
        let Some(id) = self.due(link, context)? else {
            return Ok(());
        };
        let before = self.user.emails().ids().collect();
        self.prove(id, link.asked_by, context)?;
        self.make_primary(id, before, context)
    }

    /// Drops the pending address that a link is about (flow, 3). The link need not prove the address.
    pub fn cancel(&mut self, link: &Link, now: Timestamp) -> Result<(), Refusal> {
        let id = link.subject.identifier().ok_or(Refusal::LinkNotValid)?;
        let generation_holds = link.generation == self.user.email_generation();
        let is_on_profile = self.user.emails().get(id).is_some_and(|own| own.verified);
        // A link of the management API has no pending address.
        let is_own = link.asked_by == AskedBy::Person;
        if self.user.is_disabled() || !is_own || !generation_holds || is_on_profile {
            return Err(Refusal::LinkNotValid);
        }
        // On a repeat the address is gone already. The repeat succeeds, too.
        self.pending.remove(&id);
        self.pending.retain(|_, pending| now < pending.expires_at);
        Ok(())
    }

    /// Makes an address the primary one. The former primary address is told, and gets a right to undo
    /// the change if it earns one. Every other address with a live right is told, too, each with its
    /// own link. `before` is what was on the profile before the change.
    pub(super) fn make_primary(
        &mut self,
        id: IdentifierId,
        before: Vec<IdentifierId>,
        context: ChangeContext<'_>,
    ) -> Result<(), Refusal> {
        if !self.user.emails().contains(id) {
            return Err(Refusal::LinkNotValid);
        }
        let old = self
            .primary_email()
            .map(|(old, email)| (old, Recipient::of(email)));
        self.refuse_too_many_rights(context)?;
        let earns_right = self.primary_earns_right(context);
        let tenure = if self.newest_right(id, context).is_some() {
            Tenure::Restored
        } else {
            Tenure::Since(context.now)
        };
        self.user.move_primary_email(id, tenure);
        let Some((old, to)) = old else {
            return Ok(());
        };
        self.drop_ended_rights(context);
        if earns_right {
            self.give_right(old, before, context);
        }
        self.tell_change(id, to, context);
        Ok(())
    }

    /// Tells the former primary address, which is `to`, and all addresses that have a right to undo the
    /// change.
    fn tell_change(&mut self, id: IdentifierId, to: Option<Recipient>, context: ChangeContext<'_>) {
        let Some(own) = self.user.emails().get(id) else {
            return;
        };
        let (new_address, new) = (masked(&own.value), Recipient::of(&own.value));
        let changed = |undo| Message::PrimaryEmailChanged {
            new_address: new_address.clone(),
            undo,
        };
        let mut rights = self.live_rights(context);
        rights.retain(|(to, _)| Some(to) != new.as_ref());
        let old_has_right = rights.iter().any(|(other, _)| Some(other) == to.as_ref());
        if !old_has_right {
            self.tell(to, changed(None), context);
        }
        for (to, link) in rights {
            self.tell(Some(to), changed(Some(link)), context);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::LinkStatus;
    use crate::account::testing::{
        A, B, HOUR, NEW, NOW, PHONE, UNDO, ada, at, change_email, email, forget_primary, fresh, id,
        link, move_generation, primary, recipients, request_change, request_email, status,
    };
    use crate::notification::Recipient;
    use crate::user::Source;
    use crate::{AddressKind, rule, sample};

    const EMAIL: AddressKind = AddressKind::Email;

    #[test]
    fn a_confirmed_address_is_proved_and_primary_and_the_old_one_gets_a_right() {
        let mut account = ada();
        let told = request_change(&mut account, NEW, NOW);
        let mail = link(&told, NEW).unwrap();
        let sms = link(&told, PHONE).unwrap();
        let (early, _) = at(&mut account, NOW, |account, context| {
            account.confirm(&sms, context)
        });
        assert_eq!(early, Err(Refusal::Unproved));
        let (outcome, told) = at(&mut account, NOW, |account, context| {
            account.confirm(&mail, context)
        });
        outcome.unwrap();
        assert_eq!(primary(&account), Some(NEW));
        assert_eq!(account.user.emails().tenure(), Tenure::Since(NOW));
        assert_eq!(recipients(&told), [B, A]);
        assert!(link(&told, A).is_some() && link(&told, B).is_none());
        let (_, right) = account.rights.first_key_value().unwrap();
        let before = [A, B].map(|text| id(&account, text));
        assert_eq!(
            (right.email, right.kept.as_slice()),
            (before[0], before.as_slice())
        );
        assert_eq!(right.expires_at, NOW.plus(UNDO));

        let once = account.clone();
        let (again, told) = at(&mut account, NOW, |account, context| {
            account.confirm(&mail, context)
        });
        assert_eq!((again, told), (Ok(()), vec![]));
        assert_eq!((account.user, account.rights), (once.user, once.rights));
    }

    #[test]
    fn without_a_primary_address_no_message_is_sent_and_no_right_given() {
        let mut account = ada();
        forget_primary(&mut account);
        let told = request_change(&mut account, B, NOW);
        assert_eq!(recipients(&told), [PHONE]);
        assert!(account.rights.is_empty());
        assert_eq!(primary(&account), Some(B));
    }

    #[test]
    fn only_an_established_address_gets_a_right() {
        let mut account = ada();
        let told = request_change(&mut account, B, NOW);
        assert!(link(&told, A).is_some());
        // B became primary an hour ago: A, whose right lives, is restored.
        let told = request_change(&mut account, A, NOW.plus(HOUR));
        assert_eq!(link(&told, B), None);
        assert_eq!(account.user.emails().tenure(), Tenure::Restored);
        assert_eq!(account.rights.len(), 1);
        let told = request_change(&mut account, B, NOW.plus(2 * HOUR));
        assert!(link(&told, A).is_some());
        assert_eq!(account.rights.len(), 2);
    }

    #[test]
    fn a_later_right_of_an_address_keeps_no_more_than_the_earlier_one() {
        let mut account = ada();
        request_change(&mut account, B, NOW);
        let planted = fresh(2);
        account
            .user
            .prove_email(planted, email("planted@example.net"))
            .unwrap();
        request_change(&mut account, A, NOW.plus(HOUR));
        let told = request_change(&mut account, B, NOW.plus(2 * HOUR));
        let later = link(&told, A).unwrap();
        let right = &account.rights[later.subject.change().unwrap()];
        assert!(!right.kept.contains(&planted));
    }

    #[test]
    fn rights_that_have_lapsed_go_with_the_next_change() {
        let mut account = ada();
        request_change(&mut account, B, NOW);
        request_change(&mut account, A, NOW.plus(UNDO));
        assert_eq!(account.rights.len(), 1, "B's own");
        let (_, right) = account.rights.first_key_value().unwrap();
        assert_eq!(right.email, id(&account, B));
    }

    #[test]
    fn the_management_api_ends_rights_by_another_primary_address_or_by_doubt() {
        let mut account = ada();
        let (a, b) = (id(&account, A), id(&account, B));
        let undo = link(&request_change(&mut account, B, NOW), A).unwrap();
        assert_eq!(status(&account, &undo, NOW), Ok(LinkStatus::Due));
        for (rule, ends) in [
            (rule::set_primary(EMAIL, a), false),
            (rule::verify(EMAIL, b, Source::API), false),
            (rule::unverify(EMAIL, b), false),
            (rule::verify(EMAIL, b, Source::API), false),
            (rule::set_primary(EMAIL, b), true),
        ] {
            rule.apply(&mut account.user).unwrap();
            let wanted = if ends {
                Err(Refusal::LinkNotValid)
            } else {
                Ok(LinkStatus::Due)
            };
            assert_eq!(status(&account, &undo, NOW), wanted, "{rule:?}");
        }
        // The right stays ended, even when A becomes the primary address again.
        rule::set_primary(EMAIL, a)
            .apply(&mut account.user)
            .unwrap();
        assert_eq!(status(&account, &undo, NOW), Err(Refusal::LinkNotValid));

        let mut account = ada();
        let undo = link(&request_change(&mut account, B, NOW), A).unwrap();
        rule::unverify(EMAIL, a).apply(&mut account.user).unwrap();
        rule::verify(EMAIL, a, Source::API)
            .apply(&mut account.user)
            .unwrap();
        assert_eq!(status(&account, &undo, NOW), Err(Refusal::LinkNotValid));
    }

    #[test]
    fn an_address_that_mail_can_not_get_to_gets_neither_mail_nor_right() {
        let mut account = ada();
        let unreachable = email("straße@example.org");
        assert_eq!(Recipient::of(&unreachable), None);
        change_email(&mut account, A, |own| own.value = unreachable);
        let told = request_change(&mut account, B, NOW);
        assert_eq!(recipients(&told), [PHONE]);
        assert!(account.rights.is_empty());
    }

    #[test]
    fn a_pending_address_is_dropped_by_its_link_as_often_as_one_likes() {
        let mut account = ada();
        let [mail, sms] = request_email(&mut account, NEW, NOW);
        for link in [&sms, &mail, &sms] {
            account.cancel(link, NOW).unwrap();
            assert!(account.pending.is_empty());
        }
    }

    #[test]
    fn what_is_proved_disabled_or_of_an_older_generation_is_not_cancelled() {
        let mut account = ada();
        let [mail, _] = request_email(&mut account, NEW, NOW);
        let mut disabled = account.clone();
        disabled.user = sample::changed(disabled.user, |user| user.disabled = true);
        let mut moved = account.clone();
        move_generation(&mut moved);
        account.user.prove_email(fresh(2), email(NEW)).unwrap();
        for mut account in [disabled, moved, account] {
            assert_eq!(account.cancel(&mail, NOW), Err(Refusal::LinkNotValid));
            assert_eq!(account.pending.len(), 1);
        }
        let undo = link(&request_change(&mut ada(), B, NOW), A).unwrap();
        assert_eq!(ada().cancel(&undo, NOW), Err(Refusal::LinkNotValid));
    }
}
