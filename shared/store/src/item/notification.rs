//! The notification item. Its INSERT on the stream is the order to send it, and its state says whether
//! a sender has it.

use std::time::Duration;

use domain::notification::{Message, Notification, NotificationId, Recipient};
use domain::{Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::user;
use crate::table::{Condition, Item};
use crate::{Cause, StoreError};

/// How long the item is kept, so that people can look up what was sent.
const KEPT_FOR: Duration = Duration::from_hours(7 * 24);

/// How the sort keys of notifications start.
pub const NOTIFICATION_SORT_KEY: &str = "NOTIFICATION#";

/// As it is stored.
#[derive(Serialize, Deserialize)]
struct NotificationItem {
    #[serde(rename = "PK")]
    pk: String,
    #[serde(rename = "SK")]
    sk: String,
    to: Recipient,
    message: Message,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<String>,
    created_at: Timestamp,
    expires_at: Timestamp,
    state: State,
}

/// The state of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It waits for a sender, or a sender gave it back.
    Pending,
    /// A sender has a lease on it.
    Sending,
    /// It was sent.
    Sent,
    /// It will never be sent: the service that sends refused it.
    Failed,
}

impl State {
    /// As it is stored.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }
}

/// Its key.
pub(crate) fn key(user_id: &UserId, id: &NotificationId) -> Item {
    user::child_key(user_id, &sort_key(id))
}

fn sort_key(id: &NotificationId) -> String {
    format!("{NOTIFICATION_SORT_KEY}{}", id.as_str())
}

/// The notification is of this time or an earlier one.
pub(crate) fn is_until(last: u64) -> Condition {
    Condition::at_most("created_at", last)
}

/// The whole item.
pub(crate) fn item(notification: &Notification) -> Result<Item, StoreError> {
    let notification = notification.clone();
    let item = serde_dynamo::to_item(NotificationItem {
        pk: user::partition_key(&notification.user_id),
        sk: sort_key(&notification.id),
        to: notification.to,
        message: notification.message,
        locale: notification.locale,
        created_at: notification.created_at,
        expires_at: notification.created_at.plus(KEPT_FOR),
        state: State::Pending,
    });
    Ok(item.map_err(Cause::from)?)
}

/// The notification of an item.
pub(crate) fn from_item(item: Item) -> Result<Notification, StoreError> {
    let unreadable = || Cause::Unreadable("notification").unexpected();
    // The cause is left out, because it may quote the item.
    let item: NotificationItem = serde_dynamo::from_item(item).map_err(|_| unreadable())?;
    let id = item.sk.strip_prefix(NOTIFICATION_SORT_KEY);
    Ok(Notification {
        id: NotificationId::stored(id.ok_or_else(unreadable)?.to_owned()),
        user_id: user::owner_of(&item.pk).ok_or_else(unreadable)?,
        to: item.to,
        message: item.message,
        locale: item.locale,
        created_at: item.created_at,
    })
}
