//! The item of a person's own device.

use domain::device::{Device, DeviceHash};
use domain::{Epoch, Timestamp, UserId};

use crate::item::{key_of, number};
use crate::{Item, StoreError, Users, item, user};

const SORT_KEY_START: &str = "DEVICE#";
/// How many lie with a user: a client that keeps no cookies makes one at each sign-in.
const MAX_DEVICES: usize = 50;

/// Its key.
pub(crate) fn key(owner: &UserId, hash: &DeviceHash) -> Item {
    user::child_key(owner, &format!("{SORT_KEY_START}{hash}"))
}

/// The whole item.
pub(crate) fn item(owner: &UserId, device: &Device, epoch: Epoch) -> Item {
    let mut item = key(owner, &device.hash);
    item.insert("session_epoch".to_owned(), item::integer(epoch));
    let expires_at = device.expires_at.as_unix();
    item.insert("expires_at".to_owned(), item::integer(expires_at));
    item
}

/// Whether an item is of a device that is the user's own in this epoch.
pub(crate) fn is_own(item: &Item, epoch: Epoch, now: Timestamp) -> bool {
    let is_of_epoch =
        number(item, "session_epoch").is_some_and(|own| u64::try_from(own) == Ok(epoch.as_u64()));
    is_of_epoch && number(item, "expires_at").is_some_and(|until| now.as_unix() < until)
}

impl Users {
    /// Drops a user's devices that are void, and then those that signed in the longest ago, where
    /// there are too many: one `Query`, and a deletion for each. A user with few sign-ins isn't looked
    /// at.
    pub async fn drop_surplus_devices(
        &self,
        owner: &UserId,
        epoch: Epoch,
        sign_ins: u64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if sign_ins < MAX_DEVICES as u64 / 2 {
            return Ok(());
        }
        let mut devices = self
            .query_from(user::partition_key(owner), SORT_KEY_START)
            .await?;
        devices.sort_by_key(|item| (is_own(item, epoch, now), number(item, "expires_at")));
        let surplus = devices.len().saturating_sub(MAX_DEVICES);
        for item in devices.iter().take(surplus) {
            self.delete_item(key_of(item)).await?;
        }
        Ok(())
    }
}
