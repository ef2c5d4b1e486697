//! The two items of a membership, which are written and deleted together: one in a partition of the
//! group, one in the user's.
//!
//! A group's users are spread over partitions by a hash of their ids, each in the order of the users'
//! creation, as the list of all users is.

use domain::{Epoch, GroupId, Membership, Timestamp, User, UserId};
use serde::{Deserialize, Serialize};

use super::{layout, user};
use crate::table::{self, Item, Partition};
use crate::{Cause, StoreError};

/// How the sort key in the user's partition starts.
pub(crate) const SORT_KEY_START: &str = "GROUP#";
/// How the sort key in the group's partitions starts.
pub const MEMBER_START: &str = "MEMBER#";
/// The attribute that says which of several users with the same id it is about.
pub(crate) const BORN: &str = "born";

/// As both are stored: they hold the same but for the key.
#[derive(Serialize, Deserialize)]
struct MembershipItem {
    #[serde(rename = "PK")]
    pk: String,
    #[serde(rename = "SK")]
    sk: String,
    user_id: String,
    group_id: String,
    /// Where the user lies among the group's.
    list_sort: String,
    born: Epoch,
    creation_time: Timestamp,
}

/// A membership as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    /// What it says.
    pub(crate) membership: Membership,
    list_sort: String,
}

impl Stored {
    /// The membership of a user who is there.
    pub(crate) fn new(user: &User, group_id: GroupId, now: Timestamp) -> Self {
        Self {
            membership: Membership {
                group_id,
                user_id: user.id().clone(),
                creation_time: now,
                born: user.born(),
            },
            list_sort: user::list_sort(user),
        }
    }

    /// Its item in the user's partition.
    pub(crate) fn of_user(&self) -> Result<Item, StoreError> {
        self.item(key(&self.membership.user_id, self.membership.group_id))
    }

    /// Its item in a partition of the group.
    pub(crate) fn of_group(&self) -> Result<Item, StoreError> {
        self.item(self.group_key())
    }

    /// Its key in a partition of the group.
    pub(crate) fn group_key(&self) -> Item {
        let Membership {
            group_id, user_id, ..
        } = &self.membership;
        let shard = layout::shard(user_id.as_str());
        let partition_key = Partition::Group.key(format!("{group_id}#{shard}"));
        table::key(partition_key, format!("{MEMBER_START}{}", self.list_sort))
    }

    fn item(&self, key: Item) -> Result<Item, StoreError> {
        let text = |name: &str| key.get(name).and_then(|text| text.as_s().ok()).cloned();
        let membership = &self.membership;
        let item = serde_dynamo::to_item(MembershipItem {
            pk: text("PK").unwrap_or_default(),
            sk: text("SK").unwrap_or_default(),
            user_id: membership.user_id.to_string(),
            group_id: membership.group_id.to_string(),
            list_sort: self.list_sort.clone(),
            born: membership.born,
            creation_time: membership.creation_time,
        });
        Ok(item.map_err(Cause::from)?)
    }

    /// The membership of either item.
    pub(crate) fn from_item(item: Item) -> Result<Self, StoreError> {
        let unreadable = || Cause::Unreadable("membership").unexpected();
        // The cause is left out, because it may quote the item.
        let item: MembershipItem = serde_dynamo::from_item(item).map_err(|_| unreadable())?;
        Ok(Self {
            membership: Membership {
                group_id: GroupId::parse(&item.group_id).map_err(|_| unreadable())?,
                user_id: UserId::parse(&item.user_id).map_err(|_| unreadable())?,
                creation_time: item.creation_time,
                born: item.born,
            },
            list_sort: item.list_sort,
        })
    }

    /// Whether it is about this user, and not an earlier one with the same id.
    pub(crate) fn is_of(&self, user: &User) -> bool {
        self.membership.born == user.born()
    }
}

/// The partitions of a group's users.
pub(crate) fn group_partitions(id: GroupId) -> impl Iterator<Item = String> {
    let shards = layout::partitions(&[]).len();
    (0..shards).map(move |shard| Partition::Group.key(format!("{id}#{shard}")))
}

/// When the user was born whom an item of a membership is about; `None` for other items.
pub(crate) fn born_of(item: &Item) -> Option<Epoch> {
    item.get("group_id")?;
    let born = table::number_of(item, BORN)?;
    Some(Epoch::new(u64::try_from(born).ok()?))
}

/// Whose membership an item is.
pub(crate) fn user_of(item: &Item) -> Option<UserId> {
    UserId::parse(item.get("user_id")?.as_s().ok()?).ok()
}

/// Its key in the user's partition.
pub(crate) fn key(user_id: &UserId, group_id: GroupId) -> Item {
    user::child_key(user_id, &format!("{SORT_KEY_START}{group_id}"))
}

#[cfg(test)]
mod tests {
    use domain::sample;

    use super::*;

    #[test]
    fn both_items_say_the_same_of_the_membership() {
        let (user, group) = (sample::published(), sample::group());
        let stored = Stored::new(&user, group.id, Timestamp::from_unix(7));
        for item in [stored.of_user().unwrap(), stored.of_group().unwrap()] {
            let read = Stored::from_item(item).unwrap();
            assert_eq!(read, stored);
            assert!(read.is_of(&user));
        }
        let later = sample::changed(user, |user| user.born = user.born.next());
        assert!(!stored.is_of(&later));
    }

    #[test]
    fn a_groups_users_lie_in_the_order_of_their_creation() {
        let (user, group) = (sample::published(), sample::group());
        let item = Stored::new(&user, group.id, Timestamp::from_unix(7));
        let item = item.of_group().unwrap();
        let text = |name: &str| item[name].as_s().unwrap().clone();
        assert_eq!(text("PK"), format!("GROUP#{}#7", group.id));
        assert_eq!(text("SK"), "MEMBER#001640975400#UOtBaOybB6dTpIJNrnkRw");
    }
}
