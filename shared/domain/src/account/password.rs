//! Sets a new password by a link: in place of one that must be changed, or because the management API
//! asked for the link.

use std::time::Duration;

use crate::Refusal;
use crate::account::{Account, ChangeContext, LinkStatus};
use crate::link::{AskedBy, Channel, Link, Purpose, Subject};
use crate::notification::{Message, Recipient};
use crate::password::PasswordHash;

/// How long a link to set a new password lives, unless the management API says otherwise.
pub const RESET_LIFETIME: Duration = Duration::from_hours(1);

impl Account {
    /// Sends a link that sets a new password to the primary address, if there is one. While an address
    /// has a right to undo, it gets the link of that right instead (flow, 5): a person who moved the
    /// primary address to their own must not be able to set the password.
    ///
    /// The link lives for `lifetime`, and the link of a right for as long as the right.
    pub fn request_reset(
        &mut self,
        lifetime: Duration,
        asked_by: AskedBy,
        context: ChangeContext<'_>,
    ) {
        let rights = self.live_rights(context);
        let has_rights = !rights.is_empty();
        for (to, link) in rights {
            let link = Link { asked_by, ..link };
            self.tell(Some(to), Message::ResetByUndo(link), context);
        }
        if has_rights {
            return;
        }
        let Some((id, email)) = self.primary_email() else {
            return;
        };
        let link = Link {
            asked_by,
            expires_at: context.now.plus(lifetime),
            ..self.link(Purpose::ResetPassword, id, email, context)
        };
        let to = Recipient::of(email);
        self.tell(to, Message::ResetPassword(link), context);
    }

    /// A link that sets a new password, for the management API to hand over. It needs neither an address
    /// nor a present password.
    pub fn reset_link(&self, lifetime: Duration, context: ChangeContext<'_>) -> Link {
        Link {
            purpose: Purpose::ResetPassword,
            channel: Channel::HandedOver,
            subject: Subject::User,
            asked_by: AskedBy::ManagementApi,
            address: String::new(),
            generation: self.user.email_generation(),
            issued_at: context.now,
            expires_at: context.now.plus(lifetime),
        }
    }

    /// Sets a new password by a link.
    pub fn reset_password(
        &mut self,
        link: &Link,
        password: PasswordHash,
        context: ChangeContext<'_>,
    ) -> Result<(), Refusal> {
        if self.link_status(link, context.lifetimes, context.now)? == LinkStatus::Due {
            self.user.replace_password(password, context.now);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::testing::{
        A, B, NOW, Told, UNDO, ada, at, forget_primary, hash, link, recipients, request_change,
    };
    use crate::{Account, Timestamp};

    fn request(account: &mut Account, now: Timestamp) -> Told {
        at(account, now, |account, context| {
            account.request_reset(RESET_LIFETIME, AskedBy::Person, context);
        })
        .1
    }

    #[test]
    fn a_forced_change_goes_to_the_address_with_the_right_for_as_long_as_it_lives() {
        let mut account = ada();
        request_change(&mut account, B, NOW);
        let last = NOW.plus(UNDO.saturating_sub(Duration::from_secs(1)));
        for (now, to, purpose) in [
            (last, A, Purpose::UndoEmailChange),
            (NOW.plus(UNDO), B, Purpose::ResetPassword),
        ] {
            let told = request(&mut account, now);
            assert_eq!(recipients(&told), [to]);
            assert_eq!(link(&told, to).unwrap().purpose, purpose);
        }
    }

    #[test]
    fn where_there_is_no_primary_address_nothing_is_sent() {
        let mut account = ada();
        forget_primary(&mut account);
        assert_eq!(request(&mut account, NOW), []);
    }

    #[test]
    fn a_link_sets_one_password_in_its_hour() {
        let mut account = ada();
        let reset = link(&request(&mut account, NOW), A).unwrap();
        assert_eq!(reset.expires_at, NOW.plus(RESET_LIFETIME));
        for password in [hash(), PasswordHash::restore("$argon2id$later".to_owned())] {
            let (outcome, told) = at(&mut account, NOW, |account, context| {
                account.reset_password(&reset, password, context)
            });
            assert_eq!((outcome, told), (Ok(()), vec![]));
            assert_eq!(account.user.password_hash(), Some(&hash()));
        }
        account.user.end_links();
        let (late, _) = at(&mut account, NOW, |account, context| {
            account.reset_password(&reset, hash(), context)
        });
        assert_eq!(late, Err(Refusal::LinkNotValid));
    }
}
