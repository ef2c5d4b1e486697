//! Which notifications a change makes, and for whom.

use crate::account::{Account, ChangeContext};
use crate::link::{AskedBy, Channel, Link, Purpose, Subject};
use crate::notification::{Message, Notification, NotificationId, Recipient};
use crate::{Email, IdentifierId, Phone};

impl Account {
    /// A link about an address that the person asks for, as it is mailed to that address. Callers change
    /// the channel for other recipients.
    pub(super) fn link(
        &self,
        purpose: Purpose,
        id: IdentifierId,
        email: &Email,
        context: ChangeContext<'_>,
    ) -> Link {
        Link {
            purpose,
            channel: Channel::Mailbox,
            subject: Subject::Identifier(id),
            asked_by: AskedBy::Person,
            address: email.canonical().to_owned(),
            generation: self.user.email_generation(),
            issued_at: context.now,
            expires_at: context.now.plus(context.lifetimes.link),
        }
    }

    /// Tells an address, if it has a mailbox, and the primary phone, each by a link of its own.
    pub(super) fn tell_both(
        &mut self,
        to: Option<Recipient>,
        link: &Link,
        message: fn(Link) -> Message,
        context: ChangeContext<'_>,
    ) {
        self.tell(to, message(link.clone()), context);
        let link = Link {
            channel: Channel::Sms,
            ..link.clone()
        };
        let phone = self.primary_phone().map(Recipient::from);
        self.tell(phone, message(link), context);
    }

    /// Tells a recipient. `None`, such as for an address without a mailbox, is told nothing.
    pub(super) fn tell(
        &mut self,
        to: Option<Recipient>,
        message: Message,
        context: ChangeContext<'_>,
    ) {
        let Some(to) = to else { return };
        self.outbox.push(Notification {
            id: NotificationId::of(context.operation, self.outbox.len()),
            user_id: self.user.id().clone(),
            to,
            message,
            locale: self.user.claims().text("locale"),
            created_at: context.now,
        });
    }

    pub(super) fn primary_phone(&self) -> Option<&Phone> {
        self.user.phones().primary_value().map(|(_, phone)| phone)
    }
}
