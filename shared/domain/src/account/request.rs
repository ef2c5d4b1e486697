//! A person asks for an address (flow, 1 and 2): it waits to be proved, or is proved already.

use crate::account::{Account, ChangeContext, PendingEmail};
use crate::link::Purpose;
use crate::notification::{Message, Recipient, masked};
use crate::{Address, Addresses, Email, IdentifierId, Refusal};

/// The two spellings don't have the same mailbox, so a proof of the one is no proof of the other.
const OTHER_SPELLING: &str = "is an address of yours already, in another spelling";

impl Account {
    /// How many addresses of one person may be pending.
    pub const MAX_PENDING: usize = 5;

    /// Asks to make an address the primary one (flow, 1): it becomes that once it is proved, or at once
    /// if it is a proved one of the person's own (flow, 2). Where it is the primary address in another
    /// spelling, only the spelling changes. The caller has checked the password.
    pub fn request_change(
        &mut self,
        id: IdentifierId,
        email: Email,
        context: ChangeContext<'_>,
    ) -> Result<(), Refusal> {
        let own = self.proved(&email);
        if let Some(id) = own {
            let is_it = |own: &Address<Email>| own.value.is_same_mailbox(&email);
            if !self.user.emails().get(id).is_some_and(is_it) {
                // The two are not the same mailbox: the user's own may have none. So the one asked for
                // isn't proved.
                return Err(Refusal::Member("email", OTHER_SPELLING));
            }
            let is_respelled = self.user.respell_email(id, &email);
            if self.user.emails().is_primary(id) {
                return if is_respelled {
                    Ok(())
                } else {
                    Err(Refusal::Member("email", "is the primary address already"))
                };
            }
        }
        self.refuse_too_many_rights(context)?;
        let Some(id) = own else {
            let id = self.pend(id, &email, context)?;
            let link = self.link(Purpose::SetPrimaryEmail, id, &email, context);
            self.tell_both(
                Recipient::of(&email),
                &link,
                Message::ConfirmChange,
                context,
            );
            return Ok(());
        };
        let message = Message::PrimaryEmailChanged {
            new_address: masked(&email),
            undo: None,
        };
        let phone = self.primary_phone().map(Recipient::from);
        let before = self.user.emails().ids().collect();
        self.make_primary(id, before, context)?;
        self.tell(phone, message, context);
        Ok(())
    }

    /// Asks to add an address, once it is proved (flow, 2).
    pub fn request_email(
        &mut self,
        id: IdentifierId,
        email: Email,
        context: ChangeContext<'_>,
    ) -> Result<(), Refusal> {
        if self.proved(&email).is_some() {
            return Err(Refusal::Member("email", "is an address of yours already"));
        }
        let id = self.pend(id, &email, context)?;
        let link = self.link(Purpose::VerifyEmail, id, &email, context);
        self.tell_both(Recipient::of(&email), &link, Message::VerifyEmail, context);
        Ok(())
    }

    /// Stores an address as pending and returns its id: the one that it has already, on the profile or
    /// from an earlier request, or else `fresh`.
    pub(super) fn pend(
        &mut self,
        fresh: IdentifierId,
        email: &Email,
        context: ChangeContext<'_>,
    ) -> Result<IdentifierId, Refusal> {
        let now = context.now;
        let generation = self.user.email_generation();
        if email.mailbox().is_none() {
            return Err(Refusal::Member(
                "email",
                "can't get mail: the part before the @ must be in ASCII",
            ));
        }
        self.pending
            .retain(|_, pending| pending.generation == generation && now < pending.expires_at);
        let on_profile = self.user.emails().find(email);
        if on_profile.is_some_and(|(_, own)| !own.value.is_same_mailbox(email)) {
            return Err(Refusal::Member("email", OTHER_SPELLING));
        }
        let before = self
            .pending
            .iter()
            .find(|(_, pending)| pending.email.canonical() == email.canonical());
        if on_profile.is_none() && self.user.emails().len() >= Addresses::<Email>::MAX {
            return Err(Refusal::Member(
                "email",
                "would be one address too many: drop one first",
            ));
        }
        if before.is_none() && self.pending.len() >= Self::MAX_PENDING {
            return Err(Refusal::Member(
                "email",
                "would be one too many that waits to be proved: drop one first",
            ));
        }
        let id = on_profile
            .map(|(id, _)| id)
            .or(before.map(|(id, _)| *id))
            .unwrap_or(fresh);
        self.pending.insert(
            id,
            PendingEmail {
                email: email.clone(),
                generation,
                expires_at: now.plus(context.lifetimes.link),
            },
        );
        Ok(id)
    }

    /// The user's own proved address with the same canonical form, in any spelling.
    pub(super) fn proved(&self, email: &Email) -> Option<IdentifierId> {
        let own = self.user.emails().find(email);
        own.filter(|(_, own)| own.verified).map(|(id, _)| id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::account::testing::{
        A, B, NEW, NOW, PHONE, UNDO, WEEK, ada, at, change_email, email, fresh, id,
        move_generation, primary, recipients, request_change, request_email, said,
    };

    fn refused_change(account: &mut Account, text: &str, now: Timestamp) -> &'static str {
        account.outbox.clear();
        let before = account.clone();
        let (outcome, told) = at(account, now, |account, context| {
            account.request_change(fresh(1), email(text), context)
        });
        assert_eq!((told.as_slice(), &*account), (&[] as &[_], &before));
        said(outcome)
    }

    fn refused_email(account: &mut Account, text: &str) -> &'static str {
        let (outcome, told) = at(account, NOW, |account, context| {
            account.request_email(fresh(2), email(text), context)
        });
        assert_eq!(told, []);
        said(outcome)
    }

    #[test]
    fn a_new_address_waits_and_is_told_with_the_phone() {
        let mut account = ada();
        let told = request_change(&mut account, NEW, NOW);
        assert_eq!(recipients(&told), [NEW, PHONE]);
        assert_eq!(account.pending[&fresh(1)].email, email(NEW));
        assert_eq!(account.pending[&fresh(1)].expires_at, NOW.plus(WEEK));
        assert_eq!(primary(&account), Some(A));
        assert_eq!(account.live_pending(NOW).count(), 1);
        assert_eq!(account.live_pending(NOW.plus(WEEK)).count(), 0);
    }

    #[test]
    fn a_proved_address_becomes_the_primary_one_at_once_and_the_phone_gets_no_link() {
        let mut account = ada();
        let told = request_change(&mut account, B, NOW);
        assert_eq!(primary(&account), Some(B));
        assert_eq!(recipients(&told), [A, PHONE]);
        let Message::PrimaryEmailChanged { undo, .. } = &told[1].1 else {
            panic!("{told:?}");
        };
        assert_eq!(*undo, None);
    }

    #[test]
    fn the_primary_address_is_refused_but_for_another_spelling_which_is_taken() {
        let mut account = ada();
        let words = "is the primary address already";
        assert_eq!(refused_change(&mut account, A, NOW), words);
        let before = (
            account.user.emails().primary(),
            account.user.email_generation(),
        );
        assert_eq!(request_change(&mut account, "Ada@Example.ORG", NOW), []);
        let after = (
            account.user.emails().primary(),
            account.user.email_generation(),
        );
        assert_eq!(after, before, "it keeps its id, and links hold on");
        assert_eq!(primary(&account), Some("Ada@Example.ORG"));
        assert!(account.rights.is_empty());
    }

    #[test]
    fn a_mailbox_that_only_folds_into_an_own_address_is_not_taken_for_it() {
        for verified in [true, false] {
            let mut account = ada();
            change_email(&mut account, B, |own| {
                own.value = email("straße@example.org");
                own.verified = verified;
            });
            let other = "strasse@example.org";
            assert_eq!(refused_change(&mut account, other, NOW), OTHER_SPELLING);
            let words = refused_email(&mut account, other);
            assert_eq!(words.contains("in another spelling"), !verified, "{words}");
        }
    }

    #[test]
    fn with_twenty_rights_alive_no_change_gives_another_one() {
        let mut account = ada();
        request_change(&mut account, B, NOW);
        let (_, right) = account.rights.pop_first().unwrap();
        for n in 0..Account::MAX_RIGHTS {
            let id = crate::ChangeId::stored(n.to_string());
            account.rights.insert(id, right.clone());
        }
        // B was not the primary one for long: the change away from it gives no right.
        request_change(&mut account, A, NOW);
        let words = refused_change(&mut account, B, NOW);
        assert!(words.starts_with("can't become the primary address now"));
        request_change(&mut account, B, NOW.plus(UNDO));
    }

    #[test]
    fn an_own_address_is_not_asked_for_again() {
        let mut account = ada();
        for own in [A, B, "ADA@example.org"] {
            let words = refused_email(&mut account, own);
            assert_eq!(words, "is an address of yours already");
        }
    }

    #[test]
    fn an_address_without_a_mailbox_is_refused() {
        let mut account = ada();
        let words = "can't get mail: the part before the @ must be in ASCII";
        assert_eq!(refused_email(&mut account, "jürgen@example.org"), words);
        assert_eq!(
            refused_change(&mut account, "jürgen@example.org", NOW),
            words
        );
    }

    #[test]
    fn asking_again_keeps_the_id_and_takes_the_last_spelling_and_time() {
        let mut account = ada();
        request_change(&mut account, NEW, NOW);
        let later = NOW.plus(UNDO);
        request_email(&mut account, "Countess@example.com", later);
        assert_eq!(account.pending.len(), 1);
        let pending = &account.pending[&fresh(1)];
        assert_eq!(pending.email.as_str(), "Countess@example.com");
        assert_eq!(pending.expires_at, later.plus(WEEK));
    }

    #[test]
    fn an_unproved_address_of_the_profile_waits_under_its_own_id() {
        let mut account = ada();
        change_email(&mut account, B, |own| own.verified = false);
        request_email(&mut account, B, NOW);
        let b = id(&account, B);
        assert!(account.pending.contains_key(&b));
        assert_eq!(account.live_pending(NOW).count(), 0, "it is on the profile");
    }

    #[test]
    fn five_addresses_wait_at_most_and_those_that_lapsed_do_not_count() {
        let ask = |account: &mut Account, n: u8, now| {
            let text = format!("a{n}@example.net");
            let asked = at(account, now, |account, context| {
                account.request_email(fresh(10 + n), email(&text), context)
            });
            asked.0
        };
        let mut account = ada();
        for n in 0..5 {
            ask(&mut account, n, NOW).unwrap();
        }
        let words = "would be one too many that waits to be proved: drop one first";
        assert_eq!(said(ask(&mut account, 5, NOW)), words);
        ask(&mut account, 4, NOW).unwrap();
        let lapsed = NOW.plus(WEEK);
        let mut later = account.clone();
        ask(&mut later, 5, lapsed).unwrap();
        assert_eq!(later.pending.len(), 1);
        move_generation(&mut account);
        ask(&mut account, 5, NOW).unwrap();
        assert_eq!(account.pending.len(), 1);
    }

    #[test]
    fn with_forty_addresses_another_one_is_one_too_many() {
        let mut account = ada();
        for n in 0..38 {
            let text = format!("a{n}@example.net");
            account
                .user
                .prove_email(fresh(10 + n), email(&text))
                .unwrap();
        }
        assert_eq!(account.user.emails().len(), Addresses::<Email>::MAX);
        let words = "would be one address too many: drop one first";
        assert_eq!(refused_email(&mut account, NEW), words);
        let is_unverified = |own: &mut Address<Email>| own.verified = false;
        change_email(&mut account, B, is_unverified);
        request_email(&mut account, B, NOW);
    }
}
