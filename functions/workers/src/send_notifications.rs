//! Sends the notifications that changes leave in the table (email-self-service.md,
//! "Notifications").

use aws::SendError;
use consumer::{Change, Consumed, Consumer, Fault, Handler, Record, SortKey, Wait, Worker};
use domain::Notification;
use domain::notification::Recipient;
use roster_http::{Action, Need, Partition, PublicUrl, link_url};
use store::{Lease, NOTIFICATION_SORT_KEY, State, StoreError};

use crate::letter::{self, Letter};

/// The records that it waits for, and what it may do.
pub static CONSUMER: Consumer = Consumer {
    name: "send_notifications",
    waits_for: &[Wait {
        changes: &[Change::Insert],
        sort_key: SortKey::StartsWith(NOTIFICATION_SORT_KEY),
    }],
    actions: &[Action::UpdateItem],
    partitions: &[Partition::User],
    needs: &[Need::Mail, Need::LinkKeys, Need::ReservedConcurrency],
    batch_size: 10,
    dead_letters: Some("UnsentNotifications"),
    handler: Handler::Each(|worker, record| Box::pin(send(worker, record))),
};

/// Sends one notification at least once: lease, send, settle. If the function ends between the last
/// two, it may send twice.
async fn send(worker: &Worker, record: Record) -> Result<Consumed, Fault> {
    let key = (record.partition.as_str(), record.sort.as_str());
    let app = &worker.app;
    let (notifications, sender) = (&app.notifications, app.new_operation_id());
    let lease = notifications.lease(key, &sender, app.clock.now());
    let notification = match lease.await.map_err(|error| fault(&error))? {
        Lease::Yours(notification) => notification,
        Lease::Settled => return Ok(Consumed("settled before")),
        // The stream delivers the record again later, and other records until then.
        Lease::Held => return Err(Fault("another sender has the lease".to_owned())),
    };
    match deliver(worker, &notification).await {
        Ok(()) => {
            settle(worker, key, State::Sent).await?;
            Ok(Consumed("sent"))
        }
        Err(Undelivered::ForGood(code)) => {
            // Later notifications must not wait for one that can't be sent.
            settle(worker, key, State::Failed).await?;
            tracing::error!(notification = "failed", code);
            Ok(Consumed("failed"))
        }
        // The message may have been sent. The next sender waits until the lease lapses.
        Err(Undelivered::Perhaps(fault)) => Err(Fault(fault)),
        Err(Undelivered::NotYet(fault)) => {
            // The lease is given back, so that the next delivery need not wait until it lapses.
            let _ = notifications.settle(key, State::Pending).await;
            Err(Fault(fault))
        }
    }
}

/// Why a notification was not delivered, for the log.
enum Undelivered {
    /// It can never be sent.
    ForGood(String),
    /// It may have been sent.
    Perhaps(String),
    /// It was not sent, and may be sent later.
    NotYet(String),
}

impl From<SendError> for Undelivered {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Refused(cause) => Self::ForGood(store::with_sources(&cause)),
            SendError::Unavailable(cause) => Self::NotYet(store::with_sources(&cause)),
            SendError::NoAnswer => Self::Perhaps(error.to_string()),
        }
    }
}

async fn deliver(worker: &Worker, notification: &Notification) -> Result<(), Undelivered> {
    // Links start with the public URL, and every message names its host as the sender.
    let public_url = worker.app.account.public_url.as_ref();
    let public_url = public_url.ok_or_else(|| unavailable("PUBLIC_URL is not set"))?;
    let url = url(worker, notification, public_url).await?;
    let letter = letter::write(notification, public_url.authority(), url.as_deref());
    let courier = worker.courier.as_ref();
    let courier = courier.ok_or_else(|| unavailable("there is no courier"))?;
    match (letter, &notification.to) {
        (Some(Letter::Mail(mail)), Recipient::Email(to)) => courier.mail(to, &mail).await?,
        (Some(Letter::Sms(text)), Recipient::Phone(to)) => courier.sms(to, &text).await?,
        _ => return Err(Undelivered::ForGood("no words for this channel".to_owned())),
    }
    Ok(())
}

fn unavailable(fault: &str) -> Undelivered {
    Undelivered::NotYet(fault.to_owned())
}

fn fault(error: &StoreError) -> Fault {
    Fault(store::with_sources(error))
}

/// The notification's link. It is made now and never stored.
async fn url(
    worker: &Worker,
    notification: &Notification,
    public_url: &PublicUrl,
) -> Result<Option<String>, Undelivered> {
    let Some(link) = notification.message.link() else {
        return Ok(None);
    };
    let keys = worker.app.link_keys.get().await;
    let keys = keys.map_err(|error| unavailable(&store::with_sources(&error)))?;
    Ok(Some(link_url(
        public_url,
        keys,
        link,
        &notification.user_id,
    )))
}

async fn settle(worker: &Worker, key: (&str, &str), state: State) -> Result<(), Fault> {
    let settled = worker.app.notifications.settle(key, state).await;
    settled.map_err(|error| fault(&error))
}
