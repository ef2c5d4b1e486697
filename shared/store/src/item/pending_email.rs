//! The item of an address that waits to be proved.

use domain::account::PendingEmail;
use domain::{Email, Generation, IdentifierId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::user;
use crate::table::{Condition, Item};
use crate::{Cause, StoreError};

/// The start of its sort key. It is the same as the user's own, so that one `Query` reads both.
pub(crate) const SORT_KEY_START: &str = "USER#PENDING_EMAIL#";

/// As it is stored.
#[derive(Serialize, Deserialize)]
struct PendingEmailItem {
    #[serde(rename = "PK")]
    pk: String,
    #[serde(rename = "SK")]
    sk: String,
    shown: String,
    canonical: String,
    generation: Generation,
    expires_at: Timestamp,
}

/// Its key.
pub(crate) fn key(owner: &UserId, id: IdentifierId) -> Item {
    user::child_key(owner, &format!("{SORT_KEY_START}{id}"))
}

/// The address is of this generation or an earlier one.
pub(crate) fn is_until(last: u64) -> Condition {
    Condition::at_most("generation", last)
}

/// The whole item.
pub(crate) fn item(
    owner: &UserId,
    id: IdentifierId,
    pending: &PendingEmail,
) -> Result<Item, StoreError> {
    let item = serde_dynamo::to_item(PendingEmailItem {
        pk: user::partition_key(owner),
        sk: format!("{SORT_KEY_START}{id}"),
        shown: pending.email.as_str().to_owned(),
        canonical: pending.email.canonical().to_owned(),
        generation: pending.generation,
        expires_at: pending.expires_at,
    });
    Ok(item.map_err(Cause::from)?)
}

/// The pending address of an item, and its id.
pub(crate) fn from_item(item: Item) -> Result<(IdentifierId, PendingEmail), StoreError> {
    let unreadable = || Cause::Unreadable("pending address").unexpected();
    // The cause is left out, because it may quote the item.
    let item: PendingEmailItem = serde_dynamo::from_item(item).map_err(|_| unreadable())?;
    let id = item
        .sk
        .strip_prefix(SORT_KEY_START)
        .map(IdentifierId::parse);
    let id = id.and_then(Result::ok).ok_or_else(unreadable)?;
    let pending = PendingEmail {
        email: Email::restore(item.shown, item.canonical),
        generation: item.generation,
        expires_at: item.expires_at,
    };
    Ok((id, pending))
}
