//! Signing in: the user of an attempt, the counters of attempts, and their outcomes.

mod attempts;
mod blocked_ips;
mod outcome;

pub use outcome::{Entry, SignIn};

use domain::device::DeviceHash;
use domain::sign_in::SignInUser;
use domain::{Epoch, OperationId, Timestamp, UserId};

use crate::StoreError;
use crate::item::{device, sign_in_user, user};
use crate::table::{Table, key_of};

/// How often a write is tried while others change the item.
const MAX_LOOKS: u32 = 10;
/// How many devices of a user are kept: a client that keeps no cookies makes a new one at each sign-in.
const MAX_DEVICES: usize = 50;

/// The items that signing in reads and writes.
#[derive(Clone, Debug)]
pub struct SignIns {
    table: Table,
}

/// The state of the user before a sign-in.
#[derive(Debug)]
pub struct SignInState {
    /// The user.
    pub user: SignInUser,
    /// Whether the attempt comes from one of the user's own devices.
    pub is_own_device: bool,
}

impl SignIns {
    /// Those of this table.
    pub const fn new(table: Table) -> Self {
        Self { table }
    }

    /// The facts of the user that a decision needs, and whether the device is one of the user's own:
    /// one `BatchGetItem`, also where there is no user or no device, so that the time doesn't tell.
    pub async fn state(
        &self,
        id: Option<&UserId>,
        device: Option<&DeviceHash>,
        now: Timestamp,
    ) -> Result<Option<SignInState>, StoreError> {
        let (absent, none) = (absent(), DeviceHash::of_none());
        let (id, hash) = (id.unwrap_or(&absent), device.unwrap_or(&none));
        let keys = [user::key(id), device::key(id, hash)];
        let [user, device] = self.table.get_both(keys, &sign_in_user::ATTRIBUTES).await?;
        let Some(user) = user.map(sign_in_user::from_item).transpose()? else {
            return Ok(None);
        };
        let epoch = user.session_epoch;
        Ok(Some(SignInState {
            user,
            is_own_device: device.is_some_and(|item| device::is_own(&item, epoch, now)),
        }))
    }

    /// Drops a user's devices that are void, and then, where there are too many, those whose last
    /// sign-in is the oldest: one `Query`, and a deletion for each. For a user with few sign-ins there
    /// is no query.
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
            .table
            .query(user::partition_key(owner), device::SORT_KEY_START)
            .await?;
        devices.sort_by_key(|item| (device::is_own(item, epoch, now), device::expires_at(item)));
        let surplus = devices.len().saturating_sub(MAX_DEVICES);
        for item in devices.iter().take(surplus) {
            self.table.delete(key_of(item)).await?;
        }
        Ok(())
    }
}

/// An id that no user has, as long as any other.
fn absent() -> UserId {
    UserId::created_by(&OperationId::stored("none".to_owned()))
}
