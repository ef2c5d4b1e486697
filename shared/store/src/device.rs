//! The item of a person's own device.

use domain::device::{Device, DeviceHash};
use domain::{Timestamp, UserId};

use crate::item::number;
use crate::{Item, item, user};

const SORT_KEY_START: &str = "DEVICE#";

/// Its key.
pub(crate) fn key(owner: &UserId, hash: &DeviceHash) -> Item {
    user::child_key(owner, &format!("{SORT_KEY_START}{hash}"))
}

/// The whole item.
pub(crate) fn item(owner: &UserId, device: &Device, epoch: u64) -> Item {
    let mut item = key(owner, &device.hash);
    item.insert("session_epoch".to_owned(), item::integer(epoch));
    let expires_at = device.expires_at.as_unix();
    item.insert("expires_at".to_owned(), item::integer(expires_at));
    item
}

/// Whether an item is of a device that is the user's own in this epoch.
pub(crate) fn is_own(item: &Item, epoch: u64, now: Timestamp) -> bool {
    let is_of_epoch =
        number(item, "session_epoch").is_some_and(|own| u64::try_from(own) == Ok(epoch));
    is_of_epoch && number(item, "expires_at").is_some_and(|until| now.as_unix() < until)
}
