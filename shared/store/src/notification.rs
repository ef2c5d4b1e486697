//! The notification item: its making is the order to send, its state says who sends it.

use std::time::Duration;

use domain::notification::{Message, Notification, NotificationId, Recipient};
use domain::{OperationId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::attempt::Attempts;
use crate::expression::{Placeholders, Update};
use crate::item::{key, text};
use crate::{Item, StoreError, Users, user};

/// How long it is kept, for people who look into what was sent.
const KEPT_FOR: Duration = Duration::from_hours(7 * 24);
/// How long a lease lasts: as long as a sender may run, which is its function's time-out. Another one
/// may take over from then on.
pub const LEASE: Duration = Duration::from_secs(30);

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

/// Where a notification is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody sends it yet, or a sender gave it back.
    Pending,
    /// Somebody sends it.
    Sending,
    /// It was sent.
    Sent,
    /// It will never be sent: the service that sends refused it.
    Failed,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }
}

/// What came of asking for the lease on a notification.
#[derive(Debug)]
pub enum Lease {
    /// The caller has it, and sends the notification.
    Yours(Box<Notification>),
    /// It was sent, was refused, or is gone.
    Settled,
    /// Another sender has it, and may be dead.
    Held,
}

/// The whole item.
pub(crate) fn item(notification: &Notification) -> Result<Item, StoreError> {
    let notification = notification.clone();
    serde_dynamo::to_item(NotificationItem {
        pk: user::partition_key(&notification.user_id),
        sk: format!("{NOTIFICATION_SORT_KEY}{}", notification.id.as_str()),
        to: notification.to,
        message: notification.message,
        locale: notification.locale,
        created_at: notification.created_at,
        expires_at: notification.created_at.plus(KEPT_FOR),
        state: State::Pending,
    })
    .map_err(StoreError::unexpected)
}

fn from_item(item: Item) -> Result<Notification, StoreError> {
    let unreadable = || StoreError::unexpected("notification item: it is not readable");
    // Without the cause, which may quote the item.
    let item: NotificationItem = serde_dynamo::from_item(item).map_err(|_| unreadable())?;
    let user_id = item.pk.strip_prefix("USER#").map(UserId::parse);
    let id = item.sk.strip_prefix(NOTIFICATION_SORT_KEY);
    Ok(Notification {
        id: NotificationId::stored(id.ok_or_else(unreadable)?.to_owned()),
        user_id: user_id.and_then(Result::ok).ok_or_else(unreadable)?,
        to: item.to,
        message: item.message,
        locale: item.locale,
        created_at: item.created_at,
    })
}

impl Users {
    /// Takes the lease on a notification to send it: one conditional `UpdateItem`. Whoever has it
    /// and dies has it until it lapses. `sender` names the attempt, which may not hear that it has
    /// it.
    pub async fn lease_notification(
        &self,
        (partition, sort): (&str, &str),
        sender: &OperationId,
        now: Timestamp,
    ) -> Result<Lease, StoreError> {
        let mut p = Placeholders::default();
        let mut update = Update::default();
        let (state, until) = (p.path(&["state"]), p.path(&["sending_until"]));
        let condition = format!(
            "attribute_exists({}) AND ({state} = {} OR ({state} = {} AND {until} <= {}))",
            p.path(&["PK"]),
            p.text(State::Pending.as_str()),
            p.text(State::Sending.as_str()),
            p.number(now.as_unix()),
        );
        update.set(&state, &p.text(State::Sending.as_str()));
        update.set(&until, &p.number(now.plus(LEASE).as_unix()));
        update.set(&p.path(&["sender"]), &p.text(sender.as_str()));
        let (sending, sender) = (text(State::Sending.as_str()), text(sender.as_str()));
        match self
            .update_if(
                key(partition, sort),
                &condition,
                &update,
                &p,
                Attempts::soon(),
            )
            .await?
        {
            Ok(item) => Ok(Lease::Yours(Box::new(from_item(item)?))),
            Err(Some(item)) if item.get("state") != Some(&sending) => Ok(Lease::Settled),
            Err(Some(item)) if item.get("sender") == Some(&sender) => {
                Ok(Lease::Yours(Box::new(from_item(item)?)))
            }
            Err(Some(_)) => Ok(Lease::Held),
            Err(None) => Ok(Lease::Settled),
        }
    }

    /// Writes down what became of a notification.
    pub async fn settle_notification(
        &self,
        (partition, sort): (&str, &str),
        state: State,
    ) -> Result<(), StoreError> {
        let mut p = Placeholders::default();
        let mut update = Update::default();
        update.set(&p.path(&["state"]), &p.text(state.as_str()));
        update.remove(p.path(&["sending_until"]));
        update.remove(p.path(&["sender"]));
        let is_there = format!("attribute_exists({})", p.path(&["PK"]));
        let key = key(partition, sort);
        self.update_unseen(key, &is_there, &update, &p, Attempts::soon())
            .await
            .map(|_| ())
    }
}
