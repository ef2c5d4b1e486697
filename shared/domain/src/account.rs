//! What people do to their own addresses (email-self-service.md, "The flow").
//!
//! An [`Account`] is a user with what hangs on them: pending addresses, changes that can be
//! undone, and what is to be told. The functions here change it in memory; the store writes what
//! differs afterwards as one transaction.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::device::Device;
use crate::link::{Channel, Link, Purpose};
use crate::notification::{Message, Notification, NotificationId, Recipient, masked};
use crate::password::PasswordHash;
use crate::{
    Code, Email, IdentifierId, IdentityError, OperationId, Phone, Refusal, Timestamp, User,
};

/// An address that somebody wants and has not proved yet. It blocks nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingEmail {
    /// The address.
    pub email: Email,
    /// The user's e-mail generation when it was asked for. Its links are inert in another one.
    pub generation: u64,
    /// When it lapses, with its links.
    pub expires_at: Timestamp,
}

/// A change of the primary address, for as long as it can be undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailChange {
    /// The address that was primary.
    pub old: IdentifierId,
    /// The addresses that an undo leaves on the profile.
    pub kept: Vec<IdentifierId>,
    /// The e-mail generation that the change brought about: tells later changes from earlier ones.
    pub made_in: u64,
    /// Until when it can be undone.
    pub expires_at: Timestamp,
    /// It was undone.
    pub is_undone: bool,
}

/// A user and what hangs on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The user.
    pub user: User,
    /// Addresses to be proved, by the identifier id that they will have.
    pub pending: BTreeMap<IdentifierId, PendingEmail>,
    /// Changes of the primary address, by the id that their undo link names.
    pub changes: BTreeMap<String, EmailChange>,
    /// What is to be told with the change in the making.
    pub outbox: Vec<Notification>,
    /// The device that is the user's own from the change in the making on.
    pub new_device: Option<Device>,
}

/// How long links live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Of links that prove an address or make it the primary one, and of pending addresses.
    pub link: Duration,
    /// Of a link that undoes a change; zero for none.
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

/// How long a link lives that sets a new password.
pub const RESET_LIFETIME: Duration = Duration::from_hours(1);

/// When and by what a change happens.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'a> {
    /// The time.
    pub now: Timestamp,
    /// The operation, which names what comes of it.
    pub operation: &'a OperationId,
    /// How long links live.
    pub lifetimes: Lifetimes,
}

/// How things stand with what a link does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It can be done.
    Due,
    /// It is done already, and that still holds.
    Done,
    /// The address must be proved first, by the link that was mailed to it.
    Unproved,
}

impl Account {
    /// How many addresses of one person may be pending.
    pub const MOST_PENDING: usize = 5;
    /// How many changes one person may make within the time of an undo. It takes the later ones
    /// back in the same transaction, which the store limits to 100 parts: without this, changes
    /// enough would disarm it.
    pub const MOST_CHANGES: usize = 20;

    /// A user with nothing hanging on them.
    pub fn of(user: User) -> Self {
        Self {
            user,
            pending: BTreeMap::new(),
            changes: BTreeMap::new(),
            outbox: Vec::new(),
            new_device: None,
        }
    }

    /// The pending addresses whose links still hold, less those that are on the profile.
    pub fn live_pending(&self, now: Timestamp) -> impl Iterator<Item = (IdentifierId, &Email)> {
        self.pending
            .iter()
            .filter(move |(id, pending)| {
                self.is_live(pending, now) && !self.user.emails.contains_key(id)
            })
            .map(|(id, pending)| (*id, &pending.email))
    }

    /// Refuses what rests on a session of `then`, the user whom it was checked against, when all
    /// sessions have been ended since.
    pub fn refuse_ended_session(&self, then: &User) -> Result<(), Refusal> {
        if self.user.disabled || self.user.session_epoch != then.session_epoch {
            return Err(Refusal::SessionEnded);
        }
        Ok(())
    }

    /// Asks to make an address the primary one, once it is proved (flow, 1). The caller has
    /// checked the password.
    pub fn request_change(
        &mut self,
        id: IdentifierId,
        email: Email,
        occasion: Occasion<'_>,
    ) -> Result<(), Refusal> {
        if self
            .primary_email()
            .is_some_and(|(_, own)| own.canonical() == email.canonical())
        {
            return Err(Refusal::Member("email", "is the primary address already"));
        }
        self.refuse_too_many_changes(occasion)?;
        let id = self.pend(id, &email, occasion)?;
        let link = self.link(Purpose::SetPrimaryEmail, id, &email, occasion);
        self.tell_both(
            Recipient::from(&email),
            &link,
            Message::ConfirmChange,
            occasion,
        );
        Ok(())
    }

    /// Asks to add an address, once it is proved (flow, 2).
    pub fn request_email(
        &mut self,
        id: IdentifierId,
        email: Email,
        occasion: Occasion<'_>,
    ) -> Result<(), Refusal> {
        let is_own = |own: &crate::user::Address<Email>| {
            own.verified && own.value.canonical() == email.canonical()
        };
        if self.user.emails.values().any(is_own) {
            return Err(Refusal::Member("email", "is an address of yours already"));
        }
        let id = self.pend(id, &email, occasion)?;
        let link = self.link(Purpose::VerifyEmail, id, &email, occasion);
        self.tell_both(
            Recipient::from(&email),
            &link,
            Message::VerifyEmail,
            occasion,
        );
        Ok(())
    }

    /// How things stand with a link whose signature is good.
    pub fn standing(&self, link: &Link, now: Timestamp) -> Result<Standing, Refusal> {
        if self.user.disabled {
            return Err(Refusal::LinkNotValid);
        }
        let standing = match link.purpose {
            Purpose::VerifyEmail | Purpose::SetPrimaryEmail => self.address_standing(link, now),
            Purpose::UndoEmailChange => self.undo_standing(link, now),
            Purpose::ResetPassword => self.reset_standing(link),
        };
        standing.ok_or(Refusal::LinkNotValid)
    }

    /// Proves an address by the link that was mailed to it (flow, 2 and 3).
    pub fn verify(&mut self, link: &Link, occasion: Occasion<'_>) -> Result<(), Refusal> {
        let Some(id) = self.due(link, occasion.now)? else {
            return Ok(());
        };
        let email = self.prove(id)?;
        let Some((_, present)) = self.primary_email() else {
            self.user.primary_email = Some(id);
            self.user.email_generation += 1;
            return Ok(());
        };
        // Never to the address just proved: nobody has given a password for it.
        let present = Recipient::from(present);
        let link = Link {
            channel: Channel::PresentAddress,
            ..self.link(Purpose::SetPrimaryEmail, id, &email, occasion)
        };
        self.tell_both(present, &link, Message::SetPrimaryEmail, occasion);
        Ok(())
    }

    /// Makes an address the primary one (flow, 3 and 4), and tells the one that was.
    pub fn confirm(&mut self, link: &Link, occasion: Occasion<'_>) -> Result<(), Refusal> {
        let Some(id) = self.due(link, occasion.now)? else {
            return Ok(());
        };
        let old = self.primary_email().map(|(id, email)| (id, email.clone()));
        let kept = self.user.emails.keys().copied().collect();
        let email = self.prove(id)?;
        self.user.primary_email = Some(id);
        self.user.email_generation += 1;
        let Some((old, old_email)) = old else {
            return Ok(());
        };
        let mut undo = None;
        if !occasion.lifetimes.undo.is_zero() {
            self.changes
                .retain(|_, change| occasion.now < change.expires_at);
            self.refuse_too_many_changes(occasion)?;
            let change = occasion.operation.as_str().to_owned();
            let link = Link {
                purpose: Purpose::UndoEmailChange,
                channel: Channel::Mailbox,
                subject: change.clone(),
                address: old_email.canonical().to_owned(),
                generation: self.user.email_generation,
                issued_at: occasion.now,
                expires_at: occasion.now.plus(occasion.lifetimes.undo),
            };
            let expires_at = link.expires_at;
            undo = Some(link);
            self.changes.insert(
                change,
                EmailChange {
                    old,
                    kept,
                    made_in: self.user.email_generation,
                    expires_at,
                    is_undone: false,
                },
            );
        }
        let message = Message::PrimaryEmailChanged {
            new_address: masked(&email),
            undo,
        };
        self.tell(Recipient::from(&old_email), message, occasion);
        Ok(())
    }

    /// Drops the pending address of a link that proves nothing (flow, 3).
    pub fn cancel(&mut self, link: &Link, now: Timestamp) -> Result<(), Refusal> {
        let id = IdentifierId::parse(&link.subject).map_err(|_| Refusal::LinkNotValid)?;
        let generation_holds = link.generation == self.user.email_generation;
        let is_on_profile = self.user.emails.get(&id).is_some_and(|own| own.verified);
        if self.user.disabled || !generation_holds || is_on_profile {
            return Err(Refusal::LinkNotValid);
        }
        // A repeat finds nothing to drop, and that is what was asked for.
        self.pending.remove(&id);
        self.pending.retain(|_, pending| now < pending.expires_at);
        Ok(())
    }

    /// Takes a change of the primary address back (flow, 5): the old address is primary again,
    /// what was added since is gone, and so is every session.
    pub fn undo(
        &mut self,
        link: &Link,
        password: PasswordHash,
        occasion: Occasion<'_>,
    ) -> Result<(), Refusal> {
        if self.standing(link, occasion.now)? == Standing::Done {
            return Ok(());
        }
        let change = self
            .changes
            .get(&link.subject)
            .ok_or(Refusal::LinkNotValid)?;
        let (old, kept, made_in) = (change.old, change.kept.clone(), change.made_in);
        let other = self.primary_email().filter(|(id, _)| *id != old);
        if let Some(other) = other.map(|(_, email)| Recipient::from(email)) {
            self.tell(other, Message::EmailChangeUndone, occasion);
        }
        let user = &mut self.user;
        user.primary_email = Some(old);
        user.emails.retain(|id, _| *id == old || kept.contains(id));
        user.replace_password(password, occasion.now);
        self.pending.clear();
        let user = &self.user;
        // Later changes are taken back with it: one of their old addresses may be among the kept.
        self.changes
            .retain(|_, change| change.made_in <= made_in && user.emails.contains_key(&change.old));
        if let Some(change) = self.changes.get_mut(&link.subject) {
            change.is_undone = true;
        }
        Ok(())
    }

    /// Sends a link that sets a new password to the primary address, if there is one.
    pub fn request_reset(&mut self, occasion: Occasion<'_>) {
        let Some((id, email)) = self.primary_email() else {
            return;
        };
        let link = Link {
            expires_at: occasion.now.plus(RESET_LIFETIME),
            ..self.link(Purpose::ResetPassword, id, email, occasion)
        };
        let to = Recipient::from(email);
        self.tell(to, Message::ResetPassword(link), occasion);
    }

    /// Sets a new password in place of one that must be changed.
    pub fn reset_password(
        &mut self,
        link: &Link,
        password: PasswordHash,
        occasion: Occasion<'_>,
    ) -> Result<(), Refusal> {
        if self.standing(link, occasion.now)? == Standing::Due {
            self.user.replace_password(password, occasion.now);
        }
        Ok(())
    }

    /// Drops a pending address, or one on the profile that is not the primary one.
    pub fn drop_email(&mut self, id: IdentifierId, now: Timestamp) -> Result<(), Refusal> {
        let pending = self.pending.remove(&id);
        if !self.user.emails.contains_key(&id) {
            let was_live = pending.is_some_and(|pending| self.is_live(&pending, now));
            return if was_live {
                Ok(())
            } else {
                Err(Refusal::NotFound("e-mail"))
            };
        }
        if self.user.primary_email == Some(id) {
            return Err(IdentityError::new(
                Code::PrimaryIdentifier,
                "The primary e-mail address can't be dropped.",
            )
            .into());
        }
        let can_be_undone =
            |change: &EmailChange| change.old == id && !change.is_undone && now < change.expires_at;
        if self.changes.values().any(can_be_undone) {
            return Err(Refusal::Member(
                "identifier_id",
                "was the primary address until lately and can't be dropped before that can no \
                 longer be undone",
            ));
        }
        self.user.remove_email(id)
    }

    /// The primary address.
    pub fn primary_email(&self) -> Option<(IdentifierId, &Email)> {
        let id = self.user.primary_email?;
        let email = self.user.emails.get(&id).filter(|email| email.verified)?;
        Some((id, &email.value))
    }

    fn primary_phone(&self) -> Option<&Phone> {
        let phone = self.user.phones.get(&self.user.primary_phone?)?;
        phone.verified.then_some(&phone.value)
    }

    fn is_live(&self, pending: &PendingEmail, now: Timestamp) -> bool {
        pending.generation == self.user.email_generation && now < pending.expires_at
    }

    fn refuse_too_many_changes(&self, occasion: Occasion<'_>) -> Result<(), Refusal> {
        let is_live = |change: &&EmailChange| occasion.now < change.expires_at;
        if self.changes.values().filter(is_live).count() < Self::MOST_CHANGES {
            return Ok(());
        }
        Err(Refusal::Member(
            "email",
            "can't become the primary address now: that has changed too often of late",
        ))
    }

    /// Stores an address as pending and tells under which id: the one that it has already, on
    /// the profile or from an earlier request, or else `fresh`.
    fn pend(
        &mut self,
        fresh: IdentifierId,
        email: &Email,
        occasion: Occasion<'_>,
    ) -> Result<IdentifierId, Refusal> {
        let now = occasion.now;
        let generation = self.user.email_generation;
        if email.mailbox().is_none() {
            return Err(Refusal::Member(
                "email",
                "can't get mail: the part before the @ must be in ASCII",
            ));
        }
        self.pending
            .retain(|_, pending| pending.generation == generation && now < pending.expires_at);
        let is_it = |other: &Email| other.canonical() == email.canonical();
        let on_profile = self.user.emails.iter().find(|(_, own)| is_it(&own.value));
        let before = self
            .pending
            .iter()
            .find(|(_, pending)| is_it(&pending.email));
        if on_profile.is_none() && self.user.emails.len() >= User::MOST_ADDRESSES {
            return Err(Refusal::Member(
                "email",
                "would be one address too many: drop one first",
            ));
        }
        if before.is_none() && self.pending.len() >= Self::MOST_PENDING {
            return Err(Refusal::Member(
                "email",
                "would be one too many that waits to be proved: drop one first",
            ));
        }
        let id = on_profile
            .map(|(id, _)| *id)
            .or(before.map(|(id, _)| *id))
            .unwrap_or(fresh);
        self.pending.insert(
            id,
            PendingEmail {
                email: email.clone(),
                generation,
                expires_at: now.plus(occasion.lifetimes.link),
            },
        );
        Ok(id)
    }

    /// The identifier that a link is about, when what it does is due; nothing when it is done.
    fn due(&self, link: &Link, now: Timestamp) -> Result<Option<IdentifierId>, Refusal> {
        match self.standing(link, now)? {
            Standing::Due => IdentifierId::parse(&link.subject)
                .map(Some)
                .map_err(|_| Refusal::LinkNotValid),
            Standing::Done => Ok(None),
            Standing::Unproved => Err(Refusal::Unproved),
        }
    }

    /// Puts an address on the profile as proved, and tells which one.
    fn prove(&mut self, id: IdentifierId) -> Result<Email, Refusal> {
        let pending = self.pending.remove(&id);
        let own = self.user.emails.get(&id).map(|own| own.value.clone());
        let email = own
            .or(pending.map(|pending| pending.email))
            .ok_or(Refusal::LinkNotValid)?;
        self.user.prove_email(id, email.clone())?;
        Ok(email)
    }

    fn address_standing(&self, link: &Link, now: Timestamp) -> Option<Standing> {
        let id = IdentifierId::parse(&link.subject).ok()?;
        let is_it = |email: &Email| email.canonical() == link.address;
        let own = self.user.emails.get(&id).filter(|own| is_it(&own.value));
        let is_verified = own.is_some_and(|own| own.verified);
        let is_done = match link.purpose {
            Purpose::VerifyEmail => is_verified,
            _ => is_verified && self.user.primary_email == Some(id),
        };
        if is_done {
            return Some(Standing::Done);
        }
        if link.generation != self.user.email_generation {
            return None;
        }
        if is_verified {
            return Some(Standing::Due);
        }
        let pending = self.pending.get(&id);
        let is_pending =
            pending.is_some_and(|pending| is_it(&pending.email) && self.is_live(pending, now));
        match link.channel {
            _ if !is_pending => None,
            Channel::Mailbox => Some(Standing::Due),
            Channel::PresentAddress | Channel::Sms => Some(Standing::Unproved),
        }
    }

    fn undo_standing(&self, link: &Link, now: Timestamp) -> Option<Standing> {
        let change = self.changes.get(&link.subject)?;
        let old = self.user.emails.get(&change.old)?;
        let is_old = old.verified && old.value.canonical() == link.address;
        if !is_old || change.expires_at <= now {
            return None;
        }
        if !change.is_undone {
            return Some(Standing::Due);
        }
        let holds = self.user.primary_email == Some(change.old);
        holds.then_some(Standing::Done)
    }

    fn reset_standing(&self, link: &Link) -> Option<Standing> {
        let id = IdentifierId::parse(&link.subject).ok()?;
        let (primary, email) = self.primary_email()?;
        let credential = self.user.credential.as_ref()?;
        if primary != id || email.canonical() != link.address {
            return None;
        }
        if link.generation == self.user.email_generation {
            return Some(Standing::Due);
        }
        // The one step since then was this link's own.
        let is_done = link.generation + 1 == self.user.email_generation
            && credential.updated_at >= link.issued_at
            && !credential.force_reset;
        is_done.then_some(Standing::Done)
    }

    /// A link about an address, mailed to it unless told otherwise.
    fn link(
        &self,
        purpose: Purpose,
        id: IdentifierId,
        email: &Email,
        occasion: Occasion<'_>,
    ) -> Link {
        Link {
            purpose,
            channel: Channel::Mailbox,
            subject: id.to_string(),
            address: email.canonical().to_owned(),
            generation: self.user.email_generation,
            issued_at: occasion.now,
            expires_at: occasion.now.plus(occasion.lifetimes.link),
        }
    }

    /// Tells an address and the primary phone, each by a link of its own.
    fn tell_both(
        &mut self,
        to: Recipient,
        link: &Link,
        message: fn(Link) -> Message,
        occasion: Occasion<'_>,
    ) {
        self.tell(to, message(link.clone()), occasion);
        if let Some(phone) = self.primary_phone().map(Recipient::from) {
            let link = Link {
                channel: Channel::Sms,
                ..link.clone()
            };
            self.tell(phone, message(link), occasion);
        }
    }

    fn tell(&mut self, to: Recipient, message: Message, occasion: Occasion<'_>) {
        self.outbox.push(Notification {
            id: NotificationId::of(occasion.operation, self.outbox.len()),
            user_id: self.user.id.clone(),
            to,
            message,
            locale: self.user.claims.text("locale"),
            created_at: occasion.now,
        });
    }
}
