//! That a user is assigned to a group.

use crate::{Epoch, GroupId, Timestamp, UserId};

/// One user in one group. It holds while both are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Which group.
    pub group_id: GroupId,
    /// Which user.
    pub user_id: UserId,
    /// When the user was assigned.
    pub creation_time: Timestamp,
    /// When the user was born whom it is about: it is not about a later user with the same id.
    pub born: Epoch,
}
