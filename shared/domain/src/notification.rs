//! What people are told. Only facts are stored: texts and links are made when the message is sent.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::link::Link;
use crate::mac::sha256;
use crate::{Email, OperationId, Phone, Timestamp, UserId};

/// Names one notification. It follows from the operation that caused it, so that a repeat of the
/// operation doesn't notify twice.
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

/// What notifications are counted by, hour by hour: a user or an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimitKey(String);

impl RateLimitKey {
    /// How many notifications are allowed in an hour (email-self-service.md, "Notifications").
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

    /// The hash that stands for it in the table.
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
    /// The mailbox of an address; `None` where the address has none.
    pub fn of(email: &Email) -> Option<Self> {
        email.mailbox().map(Self::Email)
    }
}

impl From<&Phone> for Recipient {
    fn from(phone: &Phone) -> Self {
        Self::Phone(phone.as_str().to_owned())
    }
}

/// What a notification tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// A request with the right password asks to make this address the primary one.
    ConfirmChange(Link),
    /// A request asks to add this address.
    VerifyEmail(Link),
    /// A proved address may become the primary one.
    SetPrimaryEmail(Link),
    /// The primary address has changed.
    PrimaryEmailChanged {
        /// The new address, masked: the reader doesn't own it.
        new_address: String,
        /// How to take it back, where that is possible.
        undo: Option<Link>,
    },
    /// The change to this address was taken back.
    EmailChangeUndone,
    /// An address was proved and is on the profile.
    EmailAdded {
        /// The address, masked.
        address: String,
    },
    /// A proved address was dropped from the profile.
    EmailDropped {
        /// The address, masked.
        address: String,
    },
    /// The password must be changed.
    ResetPassword(Link),
    /// The password must be changed. The reader changes it by a right to undo a change of the primary
    /// address.
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
    /// The notification's id.
    pub id: NotificationId,
    /// The user that it is about.
    pub user_id: UserId,
    /// Where it goes.
    pub to: Recipient,
    /// What it tells.
    pub message: Message,
    /// The user's `locale` claim, which chooses the language.
    pub locale: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An address of which most is hidden: its owner can recognise it, and another reader can't learn it.
pub(crate) fn masked(email: &Email) -> String {
    let (local, domain) = email.as_str().rsplit_once('@').unwrap_or_default();
    let first: String = local.chars().take(1).collect();
    format!("{first}…@{domain}")
}
