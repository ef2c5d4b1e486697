//! The session item.

use domain::session::{Session, SessionId};
use domain::user::Place;
use domain::{Epoch, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::user;
use crate::table::{Condition, Item};
use crate::{Cause, StoreError};

/// How its sort key starts.
pub(crate) const SORT_KEY_START: &str = "SESSION#";

/// As it is stored.
#[derive(Serialize, Deserialize)]
struct SessionItem {
    #[serde(rename = "PK")]
    pk: String,
    #[serde(rename = "SK")]
    sk: String,
    secret_hash: String,
    epoch: Epoch,
    initiated_at: Timestamp,
    last_updated: Timestamp,
    /// The TTL attribute. Readers compare it themselves, because DynamoDB deletes items late.
    expires_at: Timestamp,
    ip_address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    city: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<String>,
}

/// Its key.
pub(crate) fn key(owner: &UserId, id: &SessionId) -> Item {
    user::child_key(owner, &format!("{SORT_KEY_START}{id}"))
}

/// The session is of this epoch or an earlier one.
pub(crate) fn is_until(last: u64) -> Condition {
    Condition::at_most("epoch", last)
}

/// The whole item.
pub(crate) fn item(session: &Session, owner: &UserId) -> Result<Item, StoreError> {
    let session = session.clone();
    let item = serde_dynamo::to_item(SessionItem {
        pk: user::partition_key(owner),
        sk: format!("{SORT_KEY_START}{}", session.id),
        secret_hash: session.secret_hash,
        epoch: session.epoch,
        initiated_at: session.initiated_at,
        last_updated: session.last_updated,
        expires_at: session.expires_at,
        ip_address: session.ip_address,
        user_agent: session.user_agent,
        city: session.place.city,
        region: session.place.region,
        country: session.place.country,
    });
    Ok(item.map_err(Cause::from)?)
}

/// The session of an item.
pub(crate) fn from_item(item: Item) -> Result<Session, StoreError> {
    let unreadable = || Cause::Unreadable("session").unexpected();
    // The cause is left out, because it may quote the item.
    let item: SessionItem = serde_dynamo::from_item(item).map_err(|_| unreadable())?;
    let id = item.sk.strip_prefix(SORT_KEY_START);
    Ok(Session {
        id: id.and_then(SessionId::parse).ok_or_else(unreadable)?,
        secret_hash: item.secret_hash,
        epoch: item.epoch,
        initiated_at: item.initiated_at,
        last_updated: item.last_updated,
        expires_at: item.expires_at,
        ip_address: item.ip_address,
        user_agent: item.user_agent,
        place: Place {
            city: item.city,
            region: item.region,
            country: item.country,
        },
    })
}
