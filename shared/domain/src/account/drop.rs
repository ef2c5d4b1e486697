//! A person drops an address of their own.

use crate::account::{Account, ChangeContext};
use crate::notification::{Message, Recipient, masked};
use crate::{Code, IdentifierId, IdentityError, Part, Refusal};

impl Account {
    /// Drops a pending address, or one on the profile that is not the primary one. Of the latter the
    /// primary address is told, and so is the dropped one if it was proved.
    pub fn drop_email(
        &mut self,
        id: IdentifierId,
        context: ChangeContext<'_>,
    ) -> Result<(), Refusal> {
        let pending = self.pending.remove(&id);
        let Some(own) = self.user.emails().get(id) else {
            let was_live = pending.is_some_and(|pending| self.is_live(&pending, context.now));
            return if was_live {
                Ok(())
            } else {
                Err(Refusal::NotFound(Part::Email))
            };
        };
        if self.user.emails().is_primary(id) {
            return Err(IdentityError::new(
                Code::PrimaryIdentifier,
                "The primary e-mail address can't be dropped.",
            )
            .into());
        }
        if self.newest_right(id, context).is_some() {
            return Err(Refusal::Member(
                "identifier_id",
                "was the primary address until lately and can't be dropped before that can no \
                 longer be undone",
            ));
        }
        let primary = self.primary_email().map(|(_, email)| email);
        let dropped = Some(&own.value).filter(|_| own.verified);
        let recipients = [dropped, primary].map(|email| email.and_then(Recipient::of));
        let message = Message::EmailDropped {
            address: masked(&own.value),
        };
        self.user.remove_email(id)?;
        for to in recipients {
            self.tell(to, message.clone(), context);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::testing::{
        A, B, NEW, NOW, Told, UNDO, WEEK, ada, at, change_email, forget_primary, fresh, id,
        recipients, request_change, request_email, said,
    };
    use crate::{Account, Timestamp};

    fn drop_email(
        account: &mut Account,
        id: IdentifierId,
        now: Timestamp,
    ) -> (Result<(), Refusal>, Told) {
        at(account, now, |account, context| {
            account.drop_email(id, context)
        })
    }

    const NOT_FOUND: Result<(), Refusal> = Err(Refusal::NotFound(Part::Email));

    #[test]
    fn a_live_pending_address_is_dropped_without_a_message() {
        let mut account = ada();
        request_email(&mut account, NEW, NOW);
        let mut later = account.clone();
        let dropped = drop_email(&mut account, fresh(2), NOW);
        assert_eq!(dropped, (Ok(()), vec![]));
        assert!(account.pending.is_empty());
        assert_eq!(drop_email(&mut account, fresh(2), NOW).0, NOT_FOUND);
        assert_eq!(
            drop_email(&mut later, fresh(2), NOW.plus(WEEK)).0,
            NOT_FOUND
        );
    }

    #[test]
    fn of_a_dropped_address_the_primary_one_is_told_and_a_proved_one_itself() {
        for verified in [true, false] {
            let mut account = ada();
            change_email(&mut account, B, |own| own.verified = verified);
            let b = id(&account, B);
            let (outcome, told) = drop_email(&mut account, b, NOW);
            outcome.unwrap();
            let wanted: &[_] = if verified { &[B, A] } else { &[A] };
            assert_eq!(recipients(&told), wanted);
            assert!(!account.user.emails().contains(b));
        }
    }

    #[test]
    fn without_a_primary_address_the_dropped_one_alone_is_told() {
        let mut account = ada();
        forget_primary(&mut account);
        let b = id(&account, B);
        assert_eq!(recipients(&drop_email(&mut account, b, NOW).1), [B]);
    }

    #[test]
    fn the_primary_address_stays_and_so_does_one_with_a_right_to_undo() {
        let mut account = ada();
        let (a, b) = (id(&account, A), id(&account, B));
        let Err(Refusal::Rules(errors)) = drop_email(&mut account, a, NOW).0 else {
            panic!("the primary address was dropped");
        };
        assert_eq!(errors[0].code, Code::PrimaryIdentifier);
        request_change(&mut account, B, NOW);
        let words = said(drop_email(&mut account, a, NOW).0);
        assert!(words.starts_with("was the primary address until lately"));
        assert!(account.user.emails().is_primary(b));
        drop_email(&mut account, a, NOW.plus(UNDO)).0.unwrap();
    }
}
