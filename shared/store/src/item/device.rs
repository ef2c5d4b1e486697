//! The item of a person's own device.

use domain::device::{Device, DeviceHash};
use domain::{Epoch, Timestamp, UserId};

use super::user;
use crate::table::{Condition, Item, number, number_of};

/// How its sort key starts.
pub(crate) const SORT_KEY_START: &str = "DEVICE#";

/// Its key.
pub(crate) fn key(owner: &UserId, hash: &DeviceHash) -> Item {
    user::child_key(owner, &format!("{SORT_KEY_START}{hash}"))
}

/// The device is of this epoch or an earlier one.
pub(crate) fn is_until(last: u64) -> Condition {
    Condition::at_most("session_epoch", last)
}

/// The whole item.
pub(crate) fn item(owner: &UserId, device: &Device, epoch: Epoch) -> Item {
    let mut item = key(owner, &device.hash);
    item.insert("session_epoch".to_owned(), number(epoch));
    let expires_at = device.expires_at.as_unix();
    item.insert("expires_at".to_owned(), number(expires_at));
    item
}

/// Whether an item is of a device that is the user's own in this epoch.
pub(crate) fn is_own(item: &Item, epoch: Epoch, now: Timestamp) -> bool {
    let is_of_epoch = number_of(item, "session_epoch")
        .is_some_and(|own| u64::try_from(own) == Ok(epoch.as_u64()));
    is_of_epoch && expires_at(item).is_some_and(|until| now.as_unix() < until)
}

/// Until when the device is remembered.
pub(crate) fn expires_at(item: &Item) -> Option<i64> {
    number_of(item, "expires_at")
}
