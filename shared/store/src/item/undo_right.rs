//! The item of a right to undo a change of the primary address.

use domain::account::UndoRight;
use domain::user::RightBase;
use domain::{ChangeId, Generation, IdentifierId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::user;
use crate::table::{Condition, Item};
use crate::{Cause, StoreError};

/// The start of its sort key. It is the same as the user's own, so that one `Query` reads both.
pub(crate) const SORT_KEY_START: &str = "USER#EMAIL_CHANGE#";

/// As it is stored.
#[derive(Serialize, Deserialize)]
struct UndoRightItem {
    #[serde(rename = "PK")]
    pk: String,
    #[serde(rename = "SK")]
    sk: String,
    email: String,
    kept: Vec<String>,
    made_in: Generation,
    others_set_primary: u64,
    unverified: u64,
    #[serde(default)]
    is_used: bool,
    expires_at: Timestamp,
}

/// Its key.
pub(crate) fn key(owner: &UserId, id: &ChangeId) -> Item {
    user::child_key(owner, &format!("{SORT_KEY_START}{id}"))
}

/// The right is of this generation or an earlier one.
pub(crate) fn is_until(last: u64) -> Condition {
    Condition::at_most("made_in", last)
}

/// The whole item.
pub(crate) fn item(owner: &UserId, id: &ChangeId, right: &UndoRight) -> Result<Item, StoreError> {
    let item = serde_dynamo::to_item(UndoRightItem {
        pk: user::partition_key(owner),
        sk: format!("{SORT_KEY_START}{id}"),
        email: right.email.to_string(),
        kept: right.kept.iter().map(ToString::to_string).collect(),
        made_in: right.made_in,
        others_set_primary: right.base.others_set_primary,
        unverified: right.base.unverified,
        is_used: right.is_used,
        expires_at: right.expires_at,
    });
    Ok(item.map_err(Cause::from)?)
}

/// The right of an item, and its id.
pub(crate) fn from_item(item: Item) -> Result<(ChangeId, UndoRight), StoreError> {
    let unreadable = || Cause::Unreadable("right to undo").unexpected();
    let identifier_id = |text: &str| IdentifierId::parse(text).map_err(|_| unreadable());
    // The cause is left out, because it may quote the item.
    let item: UndoRightItem = serde_dynamo::from_item(item).map_err(|_| unreadable())?;
    let id = item.sk.strip_prefix(SORT_KEY_START);
    let id = id.ok_or_else(unreadable)?.to_owned();
    let kept = item.kept.iter().map(|id| identifier_id(id));
    let right = UndoRight {
        email: identifier_id(&item.email)?,
        kept: kept.collect::<Result<_, _>>()?,
        made_in: item.made_in,
        base: RightBase {
            others_set_primary: item.others_set_primary,
            unverified: item.unverified,
        },
        expires_at: item.expires_at,
        is_used: item.is_used,
    };
    Ok((ChangeId::stored(id), right))
}
