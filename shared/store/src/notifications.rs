//! Notifications on their way: which sender has one, and what became of it.

use std::time::Duration;

use domain::notification::NotificationId;
use domain::{Account, Notification, OperationId, Timestamp};

use crate::StoreError;
use crate::item::notification::{self, State};
use crate::table::{Attempts, Table, Update, Updated, key, number, text};
use crate::write::Write;

/// How long a lease lasts: as long as a sender may run, which is its function's time-out. After that
/// another sender may take over.
pub const LEASE: Duration = Duration::from_secs(30);

/// The answer to a sender that asks for the lease on a notification.
#[derive(Debug)]
pub enum Lease {
    /// The caller has it, and sends the notification.
    Yours(Box<Notification>),
    /// It was sent, was refused, or is gone.
    Settled,
    /// Another sender has it, and may be dead.
    Held,
}

/// The notifications that the table holds.
#[derive(Clone, Debug)]
pub struct Notifications {
    table: Table,
}

impl Notifications {
    /// The notifications in this table.
    pub const fn new(table: Table) -> Self {
        Self { table }
    }

    /// The first notification of a write. It is in the account that the write has returned; a repeat of
    /// the write reads it from the table: one `GetItem`.
    pub async fn first_of(
        &self,
        account: &Account,
        write: &Write,
    ) -> Result<Option<Notification>, StoreError> {
        if let Some(first) = account.outbox.first() {
            return Ok(Some(first.clone()));
        }
        let (user, operation) = (&account.user, &write.operation);
        if !user.has_seen(operation) {
            return Ok(None);
        }
        let key = notification::key(user.id(), &NotificationId::of(operation, 0));
        let item = self.table.get(key).await?;
        item.map(notification::from_item).transpose()
    }

    /// Takes the lease on a notification to send it: one conditional `UpdateItem`. If the sender dies,
    /// the lease stays until it lapses. `sender` names the attempt: an attempt whose reply was lost
    /// finds by it that it has the lease.
    pub async fn lease(
        &self,
        (partition, sort): (&str, &str),
        sender: &OperationId,
        now: Timestamp,
    ) -> Result<Lease, StoreError> {
        let sending = text(State::Sending.as_str());
        let sender = text(sender.as_str());
        let mut update = Update::of_present(key(partition, sort));
        let (state, until) = (update.path(&["state"]), update.path(&["sending_until"]));
        let is_free = format!(
            "({state} = {} OR ({state} = {} AND {until} <= {}))",
            update.value(text(State::Pending.as_str())),
            update.value(sending.clone()),
            update.value(number(now.as_unix())),
        );
        update.require(is_free);
        update.set(&["state"], sending.clone());
        update.set(&["sending_until"], number(now.plus(LEASE).as_unix()));
        update.set(&["sender"], sender.clone());
        let item = match self.table.update(&update, Attempts::soon()).await? {
            Updated::Written(item) => item,
            Updated::Refused(None) => return Ok(Lease::Settled),
            Updated::Refused(Some(item)) if item.get("state") != Some(&sending) => {
                return Ok(Lease::Settled);
            }
            Updated::Refused(Some(item)) if item.get("sender") == Some(&sender) => item,
            Updated::Refused(Some(_)) => return Ok(Lease::Held),
        };
        Ok(Lease::Yours(Box::new(notification::from_item(item)?)))
    }

    /// Writes down what became of a notification.
    pub async fn settle(
        &self,
        (partition, sort): (&str, &str),
        state: State,
    ) -> Result<(), StoreError> {
        let mut update = Update::of_present(key(partition, sort));
        update.set(&["state"], text(state.as_str()));
        update.remove(&["sending_until"]);
        update.remove(&["sender"]);
        self.table.update_unseen(&update, Attempts::soon()).await?;
        Ok(())
    }
}
