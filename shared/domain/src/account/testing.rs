//! A person, and what the tests of all steps do with the person.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::account::{Account, ChangeContext, Lifetimes, LinkStatus};
use crate::link::Link;
use crate::notification::{Message, Recipient};
use crate::password::PasswordHash;
use crate::{Address, Addresses, Email, IdentifierId, OperationId, Refusal, Timestamp, sample};

pub(super) const NOW: Timestamp = Timestamp::from_unix(1_700_000_000);
pub(super) const HOUR: Duration = Duration::from_hours(1);
/// How long a right to undo lives.
pub(super) const UNDO: Duration = Duration::from_hours(72);
/// How long links and pending addresses live.
pub(super) const WEEK: Duration = Duration::from_hours(7 * 24);
/// The primary address, which the management API has set.
pub(super) const A: &str = "ada@example.org";
/// Another one, proved.
pub(super) const B: &str = "ada.byron@example.org";
/// An address that no user has.
pub(super) const NEW: &str = "countess@example.com";
/// The primary phone number.
pub(super) const PHONE: &str = "+441514960815";

/// What was told, and to whom.
pub(super) type Told = Vec<(Recipient, Message)>;

/// The sample person, with nothing hanging on them.
pub(super) fn ada() -> Account {
    Account::of(sample::person().user)
}

pub(super) fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

/// A new identifier id.
pub(super) fn fresh(n: u8) -> IdentifierId {
    IdentifierId::issue(NOW, [n; 10])
}

pub(super) fn hash() -> PasswordHash {
    PasswordHash::restore("$argon2id$another".to_owned())
}

/// The id of an address on the profile.
pub(super) fn id(account: &Account, text: &str) -> IdentifierId {
    let own = account.user.emails().find(&email(text));
    own.unwrap_or_else(|| panic!("{text} is not there")).0
}

/// The address that is the primary one.
pub(super) fn primary(account: &Account) -> Option<&str> {
    account.primary_email().map(|(_, email)| email.as_str())
}

/// Does something to the account at this time, and returns the result and the notifications.
pub(super) fn at<T>(
    account: &mut Account,
    now: Timestamp,
    change: impl FnOnce(&mut Account, ChangeContext<'_>) -> T,
) -> (T, Told) {
    let generation = account.user.email_generation().as_u64();
    let operation = OperationId::of(&[&generation.to_be_bytes()]);
    let context = ChangeContext {
        now,
        operation: &operation,
        lifetimes: Lifetimes::default(),
    };
    account.outbox.clear();
    let outcome = change(account, context);
    let told = account.outbox.iter();
    let told = told.map(|told| (told.to.clone(), told.message.clone()));
    (outcome, told.collect())
}

/// Asks for this address as the primary one, and returns the notifications.
pub(super) fn request_change(account: &mut Account, text: &str, now: Timestamp) -> Told {
    let (outcome, told) = at(account, now, |account, context| {
        account.request_change(fresh(1), email(text), context)
    });
    outcome.unwrap();
    told
}

/// Asks to add this address, and returns the links that were sent by mail and by SMS.
pub(super) fn request_email(account: &mut Account, text: &str, now: Timestamp) -> [Link; 2] {
    let (outcome, told) = at(account, now, |account, context| {
        account.request_email(fresh(2), email(text), context)
    });
    outcome.unwrap();
    [text, PHONE].map(|to| link(&told, to).unwrap())
}

/// The recipients of notifications.
pub(super) fn recipients(told: &Told) -> Vec<&str> {
    let to = told.iter().map(|(to, _)| match to {
        Recipient::Email(text) | Recipient::Phone(text) => text.as_str(),
    });
    to.collect()
}

/// The link that was sent to a recipient.
pub(super) fn link(told: &Told, to: &str) -> Option<Link> {
    let at = recipients(told).iter().position(|told| *told == to)?;
    told[at].1.link().cloned()
}

pub(super) fn status(
    account: &Account,
    link: &Link,
    now: Timestamp,
) -> Result<LinkStatus, Refusal> {
    account.link_status(link, Lifetimes::default(), now)
}

/// What a refused change says about a member.
pub(super) fn said<T>(outcome: Result<T, Refusal>) -> &'static str {
    match outcome {
        Err(Refusal::Member(_, words)) => words,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was not refused"),
    }
}

/// Changes an address of the profile in a way that no call does.
pub(super) fn change_email(
    account: &mut Account,
    text: &str,
    change: impl FnOnce(&mut Address<Email>),
) {
    let id = id(account, text);
    account.user = sample::changed(account.user.clone(), |user| {
        let own = user.emails.iter().map(|(id, own)| (id, own.clone()));
        let mut own: BTreeMap<_, _> = own.collect();
        change(own.get_mut(&id).unwrap());
        user.emails = Addresses::restore(own, user.emails.primary()).unwrap();
    });
}

/// Leaves the user without a primary address.
pub(super) fn forget_primary(account: &mut Account) {
    account.user = sample::changed(account.user.clone(), |user| {
        let own = user.emails.iter().map(|(id, own)| (id, own.clone()));
        user.emails = Addresses::restore(own.collect(), None).unwrap();
    });
}

/// Makes older links inert, as the management API does.
pub(super) fn move_generation(account: &mut Account) {
    account.user.end_links();
}
