//! What people do to their own addresses (email-self-service.md, "The flow").
//!
//! An [`Account`] is a user with what hangs on them: pending addresses, changes that can be
//! undone, and what is to be told. The functions here change it in memory; the store writes what
//! differs afterwards as one transaction.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::address::Tenure;
use crate::device::Device;
use crate::link::{Channel, Link, Purpose, Subject};
use crate::notification::{Message, Notification, NotificationId, Recipient, masked};
use crate::password::PasswordHash;
use crate::user::RightBase;
use crate::{
    Address, Addresses, ChangeId, Code, Email, Generation, IdentifierId, IdentityError,
    OperationId, Part, Phone, Refusal, Timestamp, User,
};

/// An address that somebody wants and has not proved yet. It blocks nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingEmail {
    /// The address.
    pub email: Email,
    /// The user's e-mail generation when it was asked for. Its links are inert in another one.
    pub generation: Generation,
    /// When it lapses, with its links.
    pub expires_at: Timestamp,
}

/// The right of an address to undo a change away from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndoRight {
    /// Whose right it is: the address that was primary.
    pub email: IdentifierId,
    /// The addresses that an undo leaves on the profile, beside those that the management API
    /// vouches for.
    pub kept: Vec<IdentifierId>,
    /// The e-mail generation that the change brought about: tells later changes from earlier ones.
    pub made_in: Generation,
    /// What the management API had done when it was given.
    pub base: RightBase,
    /// Until when it lives.
    pub expires_at: Timestamp,
    /// It was used.
    pub is_used: bool,
}

/// A user and what hangs on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The user.
    pub user: User,
    /// Addresses to be proved, by the identifier id that they will have.
    pub pending: BTreeMap<IdentifierId, PendingEmail>,
    /// Rights to undo a change of the primary address, by the id that their link names.
    pub rights: BTreeMap<ChangeId, UndoRight>,
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
    /// Of a right to undo, and so the time that earns one; zero where there are none.
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

/// What mail to the one proves says nothing of the other.
const OTHER_SPELLING: &str = "is an address of yours already, in another spelling";

impl Account {
    /// How many addresses of one person may be pending.
    pub const MAX_PENDING: usize = 5;
    /// How many rights to undo may live at once. An undo ends later ones in the same transaction,
    /// which the store limits to 100 parts: without this, changes enough would disarm it.
    pub const MAX_RIGHTS: usize = 20;
    /// How often the other addresses are told at most that one was proved.
    const PROOF_TOLD_EVERY: Duration = Duration::from_hours(24);

    /// A user with nothing hanging on them.
    pub fn of(user: User) -> Self {
        Self {
            user,
            pending: BTreeMap::new(),
            rights: BTreeMap::new(),
            outbox: Vec::new(),
            new_device: None,
        }
    }

    /// The pending addresses whose links still hold, less those that are on the profile.
    pub fn live_pending(&self, now: Timestamp) -> impl Iterator<Item = (IdentifierId, &Email)> {
        self.pending
            .iter()
            .filter(move |(id, pending)| {
                self.is_live(pending, now) && !self.user.emails().contains(**id)
            })
            .map(|(id, pending)| (*id, &pending.email))
    }

    /// Refuses what rests on a session of `then`, the user whom it was checked against, when all
    /// sessions have been ended since.
    pub fn refuse_ended_session(&self, then: &User) -> Result<(), Refusal> {
        if self.user.is_disabled() || self.user.session_epoch() != then.session_epoch() {
            return Err(Refusal::SessionEnded);
        }
        Ok(())
    }

    /// Asks to make an address the primary one (flow, 1): once it is proved, or at once where it is
    /// a proved one of the person's own (flow, 2). The primary address in another spelling is
    /// spelled so from then on. The caller has checked the password.
    pub fn request_change(
        &mut self,
        id: IdentifierId,
        email: Email,
        occasion: Occasion<'_>,
    ) -> Result<(), Refusal> {
        let own = self.proved(&email);
        if let Some(id) = own {
            let is_it = |own: &Address<Email>| own.value.is_same_mailbox(&email);
            if !self.user.emails().get(id).is_some_and(is_it) {
                // Mail can't get to the own one; to the other it could, and it isn't proved.
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
        self.refuse_too_many_rights(occasion)?;
        let Some(id) = own else {
            let id = self.pend(id, &email, occasion)?;
            let link = self.link(Purpose::SetPrimaryEmail, id, &email, occasion);
            self.tell_both(
                Recipient::of(&email),
                &link,
                Message::ConfirmChange,
                occasion,
            );
            return Ok(());
        };
        let message = Message::PrimaryEmailChanged {
            new_address: masked(&email),
            undo: None,
        };
        let phone = self.primary_phone().map(Recipient::from);
        let before = self.user.emails().ids().collect();
        self.make_primary(id, before, occasion)?;
        self.tell(phone, message, occasion);
        Ok(())
    }

    /// Asks to add an address, once it is proved (flow, 2).
    pub fn request_email(
        &mut self,
        id: IdentifierId,
        email: Email,
        occasion: Occasion<'_>,
    ) -> Result<(), Refusal> {
        if self.proved(&email).is_some() {
            return Err(Refusal::Member("email", "is an address of yours already"));
        }
        let id = self.pend(id, &email, occasion)?;
        let link = self.link(Purpose::VerifyEmail, id, &email, occasion);
        self.tell_both(Recipient::of(&email), &link, Message::VerifyEmail, occasion);
        Ok(())
    }

    /// How things stand with a link whose signature is good.
    pub fn standing(
        &self,
        link: &Link,
        lifetimes: Lifetimes,
        now: Timestamp,
    ) -> Result<Standing, Refusal> {
        if self.user.is_disabled() {
            return Err(Refusal::LinkNotValid);
        }
        let standing = match link.purpose {
            Purpose::VerifyEmail | Purpose::SetPrimaryEmail => self.address_standing(link, now),
            Purpose::UndoEmailChange => self.undo_standing(link, lifetimes, now),
            Purpose::ResetPassword => self.reset_standing(link),
        };
        standing.ok_or(Refusal::LinkNotValid)
    }

    /// Proves an address by the link that was mailed to it (flow, 2 and 3). It doesn't become the
    /// primary one: nobody has given a password for it.
    pub fn verify(&mut self, link: &Link, occasion: Occasion<'_>) -> Result<(), Refusal> {
        let Some(id) = self.due(link, occasion)? else {
            return Ok(());
        };
        let email = self.prove(id, occasion)?;
        // Never to the address just proved.
        let present = self
            .primary_email()
            .and_then(|(_, email)| Recipient::of(email));
        let link = Link {
            channel: Channel::PresentAddress,
            ..self.link(Purpose::SetPrimaryEmail, id, &email, occasion)
        };
        self.tell_both(present, &link, Message::SetPrimaryEmail, occasion);
        Ok(())
    }

    /// Makes an address the primary one (flow, 3 and 4), and tells those that may undo it.
    pub fn confirm(&mut self, link: &Link, occasion: Occasion<'_>) -> Result<(), Refusal> {
        let Some(id) = self.due(link, occasion)? else {
            return Ok(());
        };
        let before = self.user.emails().ids().collect();
        self.prove(id, occasion)?;
        self.make_primary(id, before, occasion)
    }

    /// Drops the pending address of a link that proves nothing (flow, 3).
    pub fn cancel(&mut self, link: &Link, now: Timestamp) -> Result<(), Refusal> {
        let id = link.subject.identifier().ok_or(Refusal::LinkNotValid)?;
        let generation_holds = link.generation == self.user.email_generation();
        let is_on_profile = self.user.emails().get(id).is_some_and(|own| own.verified);
        if self.user.is_disabled() || !generation_holds || is_on_profile {
            return Err(Refusal::LinkNotValid);
        }
        // A repeat finds nothing to drop, and that is what was asked for.
        self.pending.remove(&id);
        self.pending.retain(|_, pending| now < pending.expires_at);
        Ok(())
    }

    /// Takes a change of the primary address back (flow, 5): the old address is primary again,
    /// what was added since is gone, and so is every session. What the management API has added or
    /// proved stays.
    pub fn undo(
        &mut self,
        link: &Link,
        password: PasswordHash,
        occasion: Occasion<'_>,
    ) -> Result<(), Refusal> {
        if self.standing(link, occasion.lifetimes, occasion.now)? == Standing::Done {
            return Ok(());
        }
        let right = link.subject.change().and_then(|id| self.rights.get(id));
        let right = right.ok_or(Refusal::LinkNotValid)?;
        let (old, kept, made_in) = (right.email, right.kept.clone(), right.made_in);
        let other = self.primary_email().filter(|(id, _)| *id != old);
        let other = other.and_then(|(_, email)| Recipient::of(email));
        self.tell(other, Message::EmailChangeUndone, occasion);
        let user = &mut self.user;
        user.restore_primary_email(old, |id, own| kept.contains(&id) || own.is_managed());
        user.replace_password(password, occasion.now);
        self.pending.clear();
        let user = &self.user;
        // Rights that later changes gave to other addresses go with these changes. Older ones are
        // not this address's to take away.
        self.rights.retain(|_, right| {
            (right.made_in <= made_in || right.email == old) && user.emails().contains(right.email)
        });
        for right in self.rights.values_mut() {
            right.is_used |= right.email == old && right.made_in >= made_in;
        }
        Ok(())
    }

    /// Sends a link that sets a new password to the primary address, if there is one. While an
    /// address has a right to undo, it gets the link of that right in place of the primary one
    /// (flow, 5): whoever moved the primary address must not be the one to set the password.
    pub fn request_reset(&mut self, occasion: Occasion<'_>) {
        let rights = self.live_rights(occasion);
        for (to, link) in &rights {
            let message = Message::ResetByUndo(link.clone());
            self.tell(Some(to.clone()), message, occasion);
        }
        if !rights.is_empty() {
            return;
        }
        let Some((id, email)) = self.primary_email() else {
            return;
        };
        let link = Link {
            expires_at: occasion.now.plus(RESET_LIFETIME),
            ..self.link(Purpose::ResetPassword, id, email, occasion)
        };
        let to = Recipient::of(email);
        self.tell(to, Message::ResetPassword(link), occasion);
    }

    /// Sets a new password in place of one that must be changed.
    pub fn reset_password(
        &mut self,
        link: &Link,
        password: PasswordHash,
        occasion: Occasion<'_>,
    ) -> Result<(), Refusal> {
        if self.standing(link, occasion.lifetimes, occasion.now)? == Standing::Due {
            self.user.replace_password(password, occasion.now);
        }
        Ok(())
    }

    /// Drops a pending address, or one on the profile that is not the primary one, of which the primary
    /// one is told; so is the dropped one, if it was proved.
    pub fn drop_email(&mut self, id: IdentifierId, occasion: Occasion<'_>) -> Result<(), Refusal> {
        let pending = self.pending.remove(&id);
        let Some(own) = self.user.emails().get(id) else {
            let was_live = pending.is_some_and(|pending| self.is_live(&pending, occasion.now));
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
        if self.newest_right(id, occasion).is_some() {
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
            self.tell(to, message.clone(), occasion);
        }
        Ok(())
    }

    /// The primary address.
    pub fn primary_email(&self) -> Option<(IdentifierId, &Email)> {
        self.user.emails().primary_value()
    }

    fn primary_phone(&self) -> Option<&Phone> {
        self.user.phones().primary_value().map(|(_, phone)| phone)
    }

    fn is_live(&self, pending: &PendingEmail, now: Timestamp) -> bool {
        pending.generation == self.user.email_generation() && now < pending.expires_at
    }

    /// The address of the person's own that is proved and the same, in whatever spelling.
    fn proved(&self, email: &Email) -> Option<IdentifierId> {
        let own = self.user.emails().find(email);
        own.filter(|(_, own)| own.verified).map(|(id, _)| id)
    }

    /// Whether the primary address earns a right to undo a change away from it. One that mail
    /// can't get to can't be given a link.
    fn primary_earns_right(&self, occasion: Occasion<'_>) -> bool {
        let undo = occasion.lifetimes.undo;
        let tenure = self.user.emails().tenure();
        let is_mailable = |(_, email): (_, &Email)| email.mailbox().is_some();
        !undo.is_zero()
            && tenure.is_established(occasion.now, undo)
            && self.primary_email().is_some_and(is_mailable)
    }

    /// Used rights count, too: they lie there until they lapse.
    fn refuse_too_many_rights(&self, occasion: Occasion<'_>) -> Result<(), Refusal> {
        let rights = self.rights.values();
        let lifetimes = occasion.lifetimes;
        let count = rights
            .filter(|right| self.holds_right(right, lifetimes, occasion.now))
            .count();
        if count < Self::MAX_RIGHTS || !self.primary_earns_right(occasion) {
            return Ok(());
        }
        Err(Refusal::Member(
            "email",
            "can't become the primary address now: that has changed too often of late",
        ))
    }

    /// Whether a right stands, used or not: it has not lapsed, and the management API has not ended
    /// it.
    fn holds_right(&self, right: &UndoRight, lifetimes: Lifetimes, now: Timestamp) -> bool {
        let own = self.user.emails().get(right.email);
        let is_verified = own.is_some_and(|own| own.verified);
        is_verified
            && !lifetimes.undo.is_zero()
            && now < right.expires_at
            && self.user.right_base(right.email) == Some(right.base)
    }

    /// The right of an address that can still be used and lives longest.
    fn newest_right(
        &self,
        email: IdentifierId,
        occasion: Occasion<'_>,
    ) -> Option<(&ChangeId, &UndoRight)> {
        self.rights
            .iter()
            .filter(|(_, right)| {
                right.email == email
                    && !right.is_used
                    && self.holds_right(right, occasion.lifetimes, occasion.now)
            })
            .max_by_key(|(_, right)| (right.expires_at, right.made_in))
    }

    /// The addresses that have a live right to undo, each with the link of it.
    fn live_rights(&self, occasion: Occasion<'_>) -> Vec<(Recipient, Link)> {
        let own = self.user.emails().iter();
        own.filter_map(|(id, own)| {
            let to = Recipient::of(&own.value)?;
            let (name, right) = self.newest_right(id, occasion)?;
            let link = Link {
                purpose: Purpose::UndoEmailChange,
                channel: Channel::Mailbox,
                subject: Subject::Change(name.clone()),
                address: own.value.canonical().to_owned(),
                generation: right.made_in,
                issued_at: occasion.now,
                expires_at: right.expires_at,
            };
            Some((to, link))
        })
        .collect()
    }

    /// Makes an address the primary one. The one that was is told, and gets a right to undo it if
    /// it earns one; so is every other address with a live right, each with its link. `before` is
    /// what was on the profile before the change.
    fn make_primary(
        &mut self,
        id: IdentifierId,
        mut before: Vec<IdentifierId>,
        occasion: Occasion<'_>,
    ) -> Result<(), Refusal> {
        let new_address = self.user.emails().get(id).ok_or(Refusal::LinkNotValid)?;
        let new_address = masked(&new_address.value);
        let old = self
            .primary_email()
            .map(|(old, email)| (old, Recipient::of(email)));
        self.refuse_too_many_rights(occasion)?;
        let earns_right = self.primary_earns_right(occasion);
        let is_restored = self.newest_right(id, occasion).is_some();
        let tenure = if is_restored {
            Tenure::Restored
        } else {
            Tenure::Since(occasion.now)
        };
        self.user.move_primary_email(id, tenure);
        let Some((old, to)) = old else {
            return Ok(());
        };
        let rights = std::mem::take(&mut self.rights);
        self.rights = rights
            .into_iter()
            .filter(|(_, right)| self.holds_right(right, occasion.lifetimes, occasion.now))
            .collect();
        if let Some(base) = self.user.right_base(old).filter(|_| earns_right) {
            // What came since an earlier right of the same address goes with this one, too.
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
                expires_at: occasion.now.plus(occasion.lifetimes.undo),
                is_used: false,
            };
            self.rights.insert(ChangeId::of(occasion.operation), right);
        }
        let changed = |undo| Message::PrimaryEmailChanged {
            new_address: new_address.clone(),
            undo,
        };
        let own = self.user.emails().get(id);
        let new = own.and_then(|own| Recipient::of(&own.value));
        let mut rights = self.live_rights(occasion);
        rights.retain(|(to, _)| Some(to) != new.as_ref());
        let old_has_right = rights.iter().any(|(other, _)| Some(other) == to.as_ref());
        if !old_has_right {
            self.tell(to, changed(None), occasion);
        }
        for (to, link) in rights {
            self.tell(Some(to), changed(Some(link)), occasion);
        }
        Ok(())
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
                expires_at: now.plus(occasion.lifetimes.link),
            },
        );
        Ok(id)
    }

    /// The identifier that a link is about, when what it does is due; nothing when it is done.
    fn due(&self, link: &Link, occasion: Occasion<'_>) -> Result<Option<IdentifierId>, Refusal> {
        match self.standing(link, occasion.lifetimes, occasion.now)? {
            Standing::Due => link
                .subject
                .identifier()
                .map(Some)
                .ok_or(Refusal::LinkNotValid),
            Standing::Done => Ok(None),
            Standing::Unproved => Err(Refusal::Unproved),
        }
    }

    /// Puts an address on the profile as proved, and tells which one. The other proved addresses
    /// are told, once a day at most; the primary one gets word of its own.
    fn prove(&mut self, id: IdentifierId, occasion: Occasion<'_>) -> Result<Email, Refusal> {
        let pending = self.pending.remove(&id);
        let own = self.user.emails().get(id);
        if let Some(own) = own.filter(|own| own.verified) {
            return Ok(own.value.clone());
        }
        // The spelling that the link was mailed to.
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
            .is_some_and(|then| occasion.now < then.plus(Self::PROOF_TOLD_EVERY));
        if others.is_empty() || is_told_lately {
            return Ok(email);
        }
        self.user.set_proof_told_at(occasion.now);
        let message = Message::EmailAdded {
            address: masked(&email),
        };
        for to in others {
            self.tell(Some(to), message.clone(), occasion);
        }
        Ok(email)
    }

    fn address_standing(&self, link: &Link, now: Timestamp) -> Option<Standing> {
        let id = link.subject.identifier()?;
        let is_it = |email: &Email| email.canonical() == link.address;
        let own = self.user.emails().get(id).filter(|own| is_it(&own.value));
        let is_verified = own.is_some_and(|own| own.verified);
        let is_done = match link.purpose {
            Purpose::VerifyEmail => is_verified,
            _ => is_verified && self.user.emails().is_primary(id),
        };
        if is_done {
            return Some(Standing::Done);
        }
        if link.generation != self.user.email_generation() {
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

    fn undo_standing(&self, link: &Link, lifetimes: Lifetimes, now: Timestamp) -> Option<Standing> {
        let right = self.rights.get(link.subject.change()?)?;
        let old = self.user.emails().get(right.email)?;
        if old.value.canonical() != link.address || !self.holds_right(right, lifetimes, now) {
            return None;
        }
        if !right.is_used {
            return Some(Standing::Due);
        }
        let holds = self.user.emails().is_primary(right.email);
        holds.then_some(Standing::Done)
    }

    fn reset_standing(&self, link: &Link) -> Option<Standing> {
        let id = link.subject.identifier()?;
        let (primary, email) = self.primary_email()?;
        let credential = self.user.credential()?;
        if primary != id || email.canonical() != link.address {
            return None;
        }
        if link.generation == self.user.email_generation() {
            return Some(Standing::Due);
        }
        // The one step since then was this link's own.
        let is_done = link.generation.next() == self.user.email_generation()
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
            subject: Subject::Identifier(id),
            address: email.canonical().to_owned(),
            generation: self.user.email_generation(),
            issued_at: occasion.now,
            expires_at: occasion.now.plus(occasion.lifetimes.link),
        }
    }

    /// Tells an address, if there is one that mail can get to, and the primary phone, each by a link
    /// of its own.
    fn tell_both(
        &mut self,
        to: Option<Recipient>,
        link: &Link,
        message: fn(Link) -> Message,
        occasion: Occasion<'_>,
    ) {
        self.tell(to, message(link.clone()), occasion);
        let link = Link {
            channel: Channel::Sms,
            ..link.clone()
        };
        let phone = self.primary_phone().map(Recipient::from);
        self.tell(phone, message(link), occasion);
    }

    /// Tells a recipient. An address without a mailbox is none.
    fn tell(&mut self, to: Option<Recipient>, message: Message, occasion: Occasion<'_>) {
        let Some(to) = to else { return };
        self.outbox.push(Notification {
            id: NotificationId::of(occasion.operation, self.outbox.len()),
            user_id: self.user.id().clone(),
            to,
            message,
            locale: self.user.claims().text("locale"),
            created_at: occasion.now,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::Source;
    use crate::{AddressKind, rule, sample};

    const NOW: Timestamp = Timestamp::from_unix(1_700_000_000);
    const HOUR: Duration = Duration::from_hours(1);
    const UNDO: Duration = Duration::from_hours(72);

    /// A person whose primary address the management API has set, with another proved one.
    fn ada() -> Account {
        Account::of(sample::person().user)
    }

    fn id(account: &Account, email: &str) -> IdentifierId {
        account
            .proved(&Email::parse(email).unwrap())
            .unwrap_or_else(|| panic!("{email} is not proved"))
    }

    /// Does something to the account at this time, and tells to whom it was told, and how.
    fn at(
        account: &mut Account,
        now: Timestamp,
        change: impl Fn(&mut Account, Occasion<'_>),
    ) -> Vec<(Recipient, Message)> {
        let operation = OperationId::of(&[&account.user.email_generation().as_u64().to_be_bytes()]);
        let occasion = Occasion {
            now,
            operation: &operation,
            lifetimes: Lifetimes::default(),
        };
        account.outbox.clear();
        change(account, occasion);
        account
            .outbox
            .iter()
            .map(|told| (told.to.clone(), told.message.clone()))
            .collect()
    }

    /// Makes an own, proved address the primary one.
    fn move_to(account: &mut Account, email: &str, now: Timestamp) -> Vec<(Recipient, Message)> {
        let email = Email::parse(email).unwrap();
        let fresh = IdentifierId::issue(now, [1; 10]);
        at(account, now, |account, occasion| {
            account
                .request_change(fresh, email.clone(), occasion)
                .unwrap();
        })
    }

    /// The link that the last change told an address.
    fn link(told: &[(Recipient, Message)], to: &str) -> Option<Link> {
        let to = Recipient::Email(to.to_owned());
        let (_, message) = told.iter().find(|(told, _)| *told == to)?;
        message.link().cloned()
    }

    fn standing(account: &Account, link: &Link, now: Timestamp) -> Result<Standing, Refusal> {
        account.standing(link, Lifetimes::default(), now)
    }

    /// A user one of whose addresses is another one.
    fn with_email(user: User, id: IdentifierId, change: impl FnOnce(&mut Address<Email>)) -> User {
        sample::changed(user, |user| {
            let mut own: BTreeMap<_, _> = user
                .emails
                .iter()
                .map(|(id, own)| (id, own.clone()))
                .collect();
            change(own.get_mut(&id).unwrap());
            user.emails = Addresses::restore(own, user.emails.primary()).unwrap();
        })
    }

    const EMAIL: AddressKind = AddressKind::Email;
    const A: &str = "ada@example.org";
    const B: &str = "ada.byron@example.org";

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

    #[test]
    fn only_an_established_address_gets_a_right() {
        let mut account = ada();
        let told = move_to(&mut account, B, NOW);
        assert!(link(&told, A).is_some());
        // B became primary an hour ago: A, whose right lives, is restored.
        let told = move_to(&mut account, A, NOW.plus(HOUR));
        assert_eq!(link(&told, B), None);
        assert_eq!(account.user.emails().tenure(), Tenure::Restored);
        assert_eq!(account.rights.len(), 1);
        let told = move_to(&mut account, B, NOW.plus(2 * HOUR));
        assert!(link(&told, A).is_some());
        assert_eq!(account.rights.len(), 2);
    }

    #[test]
    fn a_later_right_of_an_address_keeps_no_more_than_the_earlier_one() {
        let mut account = ada();
        move_to(&mut account, B, NOW);
        let planted = IdentifierId::issue(NOW, [2; 10]);
        let email = Email::parse("planted@example.net").unwrap();
        account.user.prove_email(planted, email).unwrap();
        move_to(&mut account, A, NOW.plus(HOUR));
        let told = move_to(&mut account, B, NOW.plus(2 * HOUR));
        let later = link(&told, A).unwrap();
        assert!(
            !account.rights[later.subject.change().unwrap()]
                .kept
                .contains(&planted)
        );
    }

    #[test]
    fn the_management_api_ends_rights_by_another_primary_address_or_by_doubt() {
        let mut account = ada();
        let (a, b) = (id(&account, A), id(&account, B));
        let undo = link(&move_to(&mut account, B, NOW), A).unwrap();
        assert_eq!(standing(&account, &undo, NOW), Ok(Standing::Due));
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
                Ok(Standing::Due)
            };
            assert_eq!(standing(&account, &undo, NOW), wanted, "{rule:?}");
        }
        // For good, whatever comes after.
        rule::set_primary(EMAIL, a)
            .apply(&mut account.user)
            .unwrap();
        assert_eq!(standing(&account, &undo, NOW), Err(Refusal::LinkNotValid));

        let mut account = ada();
        let undo = link(&move_to(&mut account, B, NOW), A).unwrap();
        rule::unverify(EMAIL, a).apply(&mut account.user).unwrap();
        rule::verify(EMAIL, a, Source::API)
            .apply(&mut account.user)
            .unwrap();
        assert_eq!(standing(&account, &undo, NOW), Err(Refusal::LinkNotValid));
    }

    #[test]
    fn an_address_that_mail_can_not_get_to_gets_neither_mail_nor_right() {
        let mut account = ada();
        let a = id(&account, A);
        let unreachable = Email::parse("straße@example.org").unwrap();
        assert_eq!(Recipient::of(&unreachable), None);
        account.user = with_email(account.user, a, |own| own.value = unreachable.clone());
        let told = move_to(&mut account, B, NOW);
        assert!(
            matches!(told.as_slice(), [(Recipient::Phone(_), _)]),
            "{told:?}"
        );
        assert!(account.rights.is_empty());
    }

    #[test]
    fn a_mailbox_that_only_folds_into_an_own_address_is_not_taken_for_it() {
        let mut account = ada();
        let b = id(&account, B);
        for verified in [true, false] {
            account.user = with_email(account.user, b, |own| {
                own.value = Email::parse("straße@example.org").unwrap();
                own.verified = verified;
            });
            let before = account.clone();
            at(&mut account, NOW, |account, occasion| {
                let mailbox = Email::parse("strasse@example.org").unwrap();
                let fresh = IdentifierId::issue(NOW, [1; 10]);
                for refused in [
                    account.request_change(fresh, mailbox.clone(), occasion),
                    account.request_email(fresh, mailbox.clone(), occasion),
                ] {
                    assert!(
                        matches!(refused, Err(Refusal::Member("email", _))),
                        "{refused:?}"
                    );
                }
            });
            assert_eq!(account, before);
        }
    }

    #[test]
    fn a_forced_change_goes_to_the_address_with_the_right_for_as_long_as_it_lives() {
        let mut account = ada();
        move_to(&mut account, B, NOW);
        let reset = |account: &mut Account, now| {
            let told = at(account, now, |account, occasion| {
                account.request_reset(occasion);
            });
            let [(to, message)] = told.as_slice() else {
                panic!("{told:?}");
            };
            (to.clone(), message.link().unwrap().purpose)
        };
        let mail = |email: &str| Recipient::Email(email.to_owned());
        let last = NOW.plus(UNDO.saturating_sub(Duration::from_secs(1)));
        assert_eq!(
            reset(&mut account, last),
            (mail(A), Purpose::UndoEmailChange)
        );
        assert_eq!(
            reset(&mut account, NOW.plus(UNDO)),
            (mail(B), Purpose::ResetPassword)
        );
    }

    #[test]
    fn a_respelled_address_keeps_its_id_and_moves_no_generation() {
        let mut account = ada();
        let before = (
            account.user.emails().primary(),
            account.user.email_generation(),
        );
        let told = move_to(&mut account, "Ada@Example.ORG", NOW);
        assert_eq!(told, []);
        assert_eq!(
            (
                account.user.emails().primary(),
                account.user.email_generation()
            ),
            before
        );
        assert_eq!(
            account.primary_email().unwrap().1.as_str(),
            "Ada@Example.ORG"
        );
        assert_eq!(account.rights, BTreeMap::new());
    }
}
