//! What people are told: facts only. Texts and links are made when it is sent.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::link::Link;
use crate::mac::sha256;
use crate::{Email, OperationId, Phone, Timestamp, UserId};

/// Names one notification: it follows from the operation that gave rise to it, so that a repeat of
/// the operation doesn't notify twice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NotificationId(String);

impl NotificationId {
    /// The `number`-th notification of an operation.
    pub fn of(operation: &OperationId, number: usize) -> Self {
        Self(format!("{}.{number}", operation.as_str()))
    }

    /// Takes the id back from where it was stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The id as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who or what notifications are counted for, hour by hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimitKey(String);

impl RateLimitKey {
    /// How many an hour (email-self-service.md, "Notifications").
    pub const MAX_AN_HOUR: u64 = 5;
    const SECONDS_OF_AN_HOUR: i64 = 60 * 60;

    /// One user's requests.
    pub fn for_user(id: &UserId) -> Self {
        Self(sha256(format!("user\0{id}").as_bytes()))
    }

    /// Requests about one address, by all users.
    pub fn for_address(email: &Email) -> Self {
        Self(sha256(format!("address\0{}", email.canonical()).as_bytes()))
    }

    /// What stands for it in the table.
    pub fn hash(&self) -> &str {
        &self.0
    }

    /// Which hour it is.
    pub const fn hour(now: Timestamp) -> i64 {
        now.as_unix().div_euclid(Self::SECONDS_OF_AN_HOUR)
    }

    /// How long the hour still lasts.
    pub fn until_next_hour(now: Timestamp) -> Duration {
        let next = (Self::hour(now) + 1) * Self::SECONDS_OF_AN_HOUR;
        now.until(Timestamp::from_unix(next))
    }
}

/// Where a notification goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Recipient {
    /// By e-mail, to this mailbox.
    #[serde(rename = "email")]
    Email(String),
    /// By SMS, to the number in E.164.
    #[serde(rename = "sms")]
    Phone(String),
}

impl Recipient {
    /// The mailbox of an address; nothing where mail can't get to it.
    pub fn of(email: &Email) -> Option<Self> {
        email.mailbox().map(Self::Email)
    }
}

impl From<&Phone> for Recipient {
    fn from(phone: &Phone) -> Self {
        Self::Phone(phone.as_str().to_owned())
    }
}

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// Somebody who knows the password wants this address to be the primary one.
    ConfirmChange(Link),
    /// Somebody wants to add this address.
    VerifyEmail(Link),
    /// A proved address may become the primary one.
    SetPrimaryEmail(Link),
    /// The primary address has changed.
    PrimaryEmailChanged {
        /// The new one, all but unreadable: it is not the reader's.
        new_address: String,
        /// How to take it back, where that is possible.
        undo: Option<Link>,
    },
    /// The change to this address was taken back.
    EmailChangeUndone,
    /// An address was proved and is on the profile.
    EmailAdded {
        /// The address, all but unreadable.
        address: String,
    },
    /// A proved address was dropped from the profile.
    EmailDropped {
        /// The address, all but unreadable.
        address: String,
    },
    /// The password must be changed.
    ResetPassword(Link),
    /// The password must be changed, and the reader's right to undo a change of the primary address
    /// is the way to do it.
    ResetByUndo(Link),
}

impl Message {
    /// The link that it holds.
    pub fn link(&self) -> Option<&Link> {
        match self {
            Self::ConfirmChange(link)
            | Self::VerifyEmail(link)
            | Self::SetPrimaryEmail(link)
            | Self::ResetPassword(link)
            | Self::ResetByUndo(link) => Some(link),
            Self::PrimaryEmailChanged { undo, .. } => undo.as_ref(),
            Self::EmailChangeUndone | Self::EmailAdded { .. } | Self::EmailDropped { .. } => None,
        }
    }
}

/// Something to tell one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Names it.
    pub id: NotificationId,
    /// Whom it is about.
    pub user_id: UserId,
    /// Where it goes.
    pub to: Recipient,
    /// What it tells.
    pub message: Message,
    /// The user's `locale` claim, which chooses the language.
    pub locale: Option<String>,
    /// When it came about.
    pub created_at: Timestamp,
}

/// An address that its reader can recognise if it is theirs, and not learn if it isn't.
pub(crate) fn masked(email: &Email) -> String {
    let (local, domain) = email.as_str().rsplit_once('@').unwrap_or_default();
    let first: String = local.chars().take(1).collect();
    format!("{first}…@{domain}")
}
