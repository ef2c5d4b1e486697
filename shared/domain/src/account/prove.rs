//! Proves an address by the link that was mailed to it (flow, 2 and 3).

use std::time::Duration;

use crate::account::{Account, ChangeContext};
use crate::link::{AskedBy, Channel, Link, Purpose};
use crate::notification::{Message, Recipient, masked};
use crate::{Email, IdentifierId, Part, Refusal};

impl Account {
    /// The other addresses are told of proved ones at most once in this time.
    const PROOF_TOLD_EVERY: Duration = Duration::from_hours(24);

    /// Sends a link that proves an address of the profile to that address, for the management API.
    /// Nothing is sent where the address is proved already, or mail can't reach it.
    pub fn request_proof(
        &mut self,
        id: IdentifierId,
        lifetime: Duration,
        context: ChangeContext<'_>,
    ) -> Result<(), Refusal> {
        let own = self.user.emails().get(id);
        let own = own.ok_or(Refusal::NotFound(Part::Email))?;
        if own.verified {
            return Ok(());
        }
        let link = Link {
            asked_by: AskedBy::ManagementApi,
            expires_at: context.now.plus(lifetime),
            ..self.link(Purpose::VerifyEmail, id, &own.value, context)
        };
        let to = Recipient::of(&own.value);
        self.tell(to, Message::VerifyEmail(link), context);
        Ok(())
    }

    /// Proves an address by the link that was mailed to it (flow, 2 and 3). It doesn't become the
    /// primary one: no password was given for it. Where the person asked for the link, the present
    /// primary address and phone get links that make it the primary one.
    pub fn verify(&mut self, link: &Link, context: ChangeContext<'_>) -> Result<(), Refusal> {
        let Some(id) = self.due(link, context)? else {
            return Ok(());
        };
        let email = self.prove(id, link.asked_by, context)?;
        if link.asked_by == AskedBy::ManagementApi {
            // A link of a change to this address that was cancelled must not become due again.
            self.user.end_links();
            return Ok(());
        }
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
    /// once a day at most. The primary one is not told here where the person asked for the link: the
    /// caller does that.
    pub(super) fn prove(
        &mut self,
        id: IdentifierId,
        asked_by: AskedBy,
        context: ChangeContext<'_>,
    ) -> Result<Email, Refusal> {
        let pending = self.pending.remove(&id);
        let own = self.user.emails().get(id);
        if let Some(own) = own.filter(|own| own.verified) {
            return Ok(own.value.clone());
        }
        // The address as it was spelled when the link was mailed.
        let email = match asked_by {
            AskedBy::Person => pending.map(|pending| pending.email),
            AskedBy::ManagementApi => own.map(|own| own.value.clone()),
        };
        let email = email.ok_or(Refusal::LinkNotValid)?;
        let emails = self.user.emails();
        let is_told_another_way = |other| asked_by == AskedBy::Person && emails.is_primary(other);
        let others: Vec<Recipient> = emails
            .iter()
            .filter(|(other, own)| *other != id && !is_told_another_way(*other) && own.verified)
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
    use crate::account::LinkStatus;
    use crate::account::testing::{
        A, B, HOUR, NEW, NOW, PHONE, Told, ada, at, change_email, forget_primary, fresh, id, link,
        move_generation, primary, recipients, request_email, status,
    };
    use crate::user::Source;
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

    /// An unproved address of the profile, and the link by which the management API lets it be proved.
    fn request_proof(account: &mut Account, text: &str, now: Timestamp) -> Link {
        change_email(account, text, |own| {
            own.verified = false;
            own.verification_source = None;
        });
        let own = id(account, text);
        let (outcome, told) = at(account, now, |account, context| {
            account.request_proof(own, HOUR, context)
        });
        outcome.unwrap();
        assert_eq!(
            recipients(&told),
            [text],
            "to that address and nowhere else"
        );
        link(&told, text).unwrap()
    }

    #[test]
    fn a_link_of_the_management_api_proves_the_address_and_offers_nothing() {
        let mut account = ada();
        let mail = request_proof(&mut account, B, NOW);
        let before = account.clone();
        let told = verify(&mut account, &mail, NOW);
        let own = account.user.emails().get(id(&account, B)).unwrap();
        assert_eq!(own.verification_source, Some(Source::SELF_SERVICE));
        assert_eq!(primary(&account), Some(A));
        assert_eq!(account.rights, before.rights);
        // Links that were sent before are inert: of a change that was cancelled, too.
        assert_eq!(
            account.user.email_generation(),
            before.user.email_generation().next()
        );
        assert_eq!(recipients(&told), [A]);
        assert_eq!(link(&told, A), None, "a notice alone");
        assert_eq!(verify(&mut account, &mail, NOW), [], "it is done");
    }

    #[test]
    fn a_link_of_the_management_api_makes_no_address_primary_where_there_is_none() {
        let mut account = ada();
        forget_primary(&mut account);
        let mail = request_proof(&mut account, B, NOW);
        verify(&mut account, &mail, NOW);
        assert_eq!(primary(&account), None);
    }

    #[test]
    fn a_link_of_the_management_api_is_due_while_its_address_is_unproved_and_its_generation_lasts()
    {
        let mut account = ada();
        let mail = request_proof(&mut account, B, NOW);
        assert_eq!(mail.expires_at, NOW.plus(HOUR));
        assert_eq!(status(&account, &mail, NOW), Ok(LinkStatus::Due));
        // What the person asks for besides is another link, and can be cancelled without it.
        let [own, sms] = request_email(&mut account, "Ada.Byron@example.org", NOW);
        account.cancel(&sms, NOW).unwrap();
        assert_eq!(status(&account, &own, NOW), Err(Refusal::LinkNotValid));
        assert_eq!(status(&account, &mail, NOW), Ok(LinkStatus::Due));
        assert_eq!(account.cancel(&mail, NOW), Err(Refusal::LinkNotValid));
        let mut moved = account.clone();
        move_generation(&mut moved);
        assert_eq!(status(&moved, &mail, NOW), Err(Refusal::LinkNotValid));
        account.user.remove_email(id(&account, B)).unwrap();
        assert_eq!(status(&account, &mail, NOW), Err(Refusal::LinkNotValid));
    }

    #[test]
    fn no_link_goes_to_a_proved_an_unreachable_or_an_unknown_address() {
        let unreachable = Email::parse("straße@example.org").unwrap();
        let mut account = ada();
        let (a, b) = (id(&account, A), id(&account, B));
        change_email(&mut account, B, |own| {
            own.verified = false;
            own.value = unreachable;
        });
        for (id, wanted) in [
            (a, Ok(())),
            (b, Ok(())),
            (fresh(7), Err(Refusal::NotFound(Part::Email))),
        ] {
            let (outcome, told) = at(&mut account, NOW, |account, context| {
                account.request_proof(id, HOUR, context)
            });
            assert_eq!((outcome, told), (wanted, vec![]));
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
