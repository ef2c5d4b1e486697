//! Proves an address by the link that was mailed to it (flow, 2 and 3).

use std::time::Duration;

use crate::account::{Account, ChangeContext};
use crate::link::{Channel, Link, Purpose};
use crate::notification::{Message, Recipient, masked};
use crate::{Email, IdentifierId, Refusal};

impl Account {
    /// The other addresses are told of proved ones at most once in this time.
    const PROOF_TOLD_EVERY: Duration = Duration::from_hours(24);

    /// Proves an address by the link that was mailed to it (flow, 2 and 3). It doesn't become the
    /// primary one: no password was given for it.
    pub fn verify(&mut self, link: &Link, context: ChangeContext<'_>) -> Result<(), Refusal> {
        let Some(id) = self.due(link, context)? else {
            return Ok(());
        };
        let email = self.prove(id, context)?;
        // The address that was just proved doesn't get this link: only the primary one does.
        let present = self
            .primary_email()
            .and_then(|(_, email)| Recipient::of(email));
        let link = Link {
            channel: Channel::PresentAddress,
            ..self.link(Purpose::SetPrimaryEmail, id, &email, context)
        };
        self.tell_both(present, &link, Message::SetPrimaryEmail, context);
        Ok(())
    }

    /// Puts an address on the profile as proved, and returns it. The other proved addresses are told,
    /// once a day at most. The primary one is not told here: the caller does that.
    pub(super) fn prove(
        &mut self,
        id: IdentifierId,
        context: ChangeContext<'_>,
    ) -> Result<Email, Refusal> {
        let pending = self.pending.remove(&id);
        let own = self.user.emails().get(id);
        if let Some(own) = own.filter(|own| own.verified) {
            return Ok(own.value.clone());
        }
        // The address as it was spelled when the link was mailed.
        let email = pending
            .map(|pending| pending.email)
            .ok_or(Refusal::LinkNotValid)?;
        let emails = self.user.emails();
        let others: Vec<Recipient> = emails
            .iter()
            .filter(|(other, own)| *other != id && !emails.is_primary(*other) && own.verified)
            .filter_map(|(_, own)| Recipient::of(&own.value))
            .collect();
        self.user.prove_email(id, email.clone())?;
        let is_told_lately = self
            .user
            .proof_told_at()
            .is_some_and(|then| context.now < then.plus(Self::PROOF_TOLD_EVERY));
        if others.is_empty() || is_told_lately {
            return Ok(email);
        }
        self.user.set_proof_told_at(context.now);
        let message = Message::EmailAdded {
            address: masked(&email),
        };
        for to in others {
            self.tell(Some(to), message.clone(), context);
        }
        Ok(email)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::testing::{
        A, B, HOUR, NEW, NOW, PHONE, Told, ada, at, change_email, fresh, id, link, primary,
        recipients, request_email,
    };
    use crate::{Account, Timestamp};

    fn verify(account: &mut Account, link: &Link, now: Timestamp) -> Told {
        let (outcome, told) = at(account, now, |account, context| {
            account.verify(link, context)
        });
        outcome.unwrap();
        told
    }

    #[test]
    fn a_proved_address_is_on_the_profile_and_all_others_are_told() {
        let mut account = ada();
        let [mail, _] = request_email(&mut account, NEW, NOW);
        let told = verify(&mut account, &mail, NOW);
        let own = account.user.emails().get(fresh(2)).unwrap();
        assert!(own.verified && !own.is_managed());
        assert_eq!(primary(&account), Some(A));
        assert!(account.pending.is_empty());
        assert_eq!(recipients(&told), [B, A, PHONE]);
        assert_eq!(link(&told, A).unwrap().channel, Channel::PresentAddress);
        assert_eq!(link(&told, PHONE).unwrap().channel, Channel::Sms);
        assert_eq!(link(&told, B), None);
        assert_eq!(verify(&mut account, &mail, NOW), [], "it is done");
    }

    #[test]
    fn a_link_that_came_another_way_proves_nothing() {
        let mut account = ada();
        let [_, sms] = request_email(&mut account, NEW, NOW);
        let before = account.clone();
        let (outcome, told) = at(&mut account, NOW, |account, context| {
            account.verify(&sms, context)
        });
        assert_eq!((outcome, told), (Err(Refusal::Unproved), vec![]));
        assert_eq!(account.user, before.user);
    }

    #[test]
    fn the_others_are_told_once_a_day() {
        let mut account = ada();
        for (text, now, is_told) in [
            (NEW, NOW, true),
            ("second@example.com", NOW.plus(23 * HOUR), false),
            ("third@example.com", NOW.plus(24 * HOUR), true),
        ] {
            let n = u8::try_from(account.user.emails().len()).unwrap();
            let (outcome, told) = at(&mut account, now, |account, context| {
                account.request_email(fresh(n), Email::parse(text).unwrap(), context)
            });
            outcome.unwrap();
            let told = verify(&mut account, &link(&told, text).unwrap(), now);
            assert_eq!(recipients(&told).contains(&B), is_told, "{text}");
        }
    }

    #[test]
    fn an_unproved_address_of_the_profile_is_proved_in_the_mailed_spelling() {
        let mut account = ada();
        change_email(&mut account, B, |own| own.verified = false);
        let b = id(&account, B);
        let [mail, _] = request_email(&mut account, "Ada.Byron@example.org", NOW);
        let told = verify(&mut account, &mail, NOW);
        let own = account.user.emails().get(b).unwrap();
        assert_eq!(
            (own.verified, own.value.as_str()),
            (true, "Ada.Byron@example.org")
        );
        assert_eq!(recipients(&told), [A, PHONE]);
    }
}
