//! The items of a group: its own facts, the reservation of its name, its counters, and the order to take
//! apart what is left of it. And the one item that has the groups that take in every new user.

use domain::group::{Assigned, Description, GroupName, MAX_AUTO_ASSIGNED};
use domain::user::Operations;
use domain::{Group, GroupId, OperationId, Timestamp, Version};
use serde::{Deserialize, Serialize};

use super::{counter, layout, reservation};
use crate::table::{self, Item, Partition, Update, number, number_of, texts_of};
use crate::{Cause, StoreError};

/// The sort key of the group. Those of its counters come before it.
pub(crate) const SORT_KEY: &str = "GROUP";
/// How the sort keys of its counters start: a number from 0 to 7 follows. Their attributes are `count`
/// and `last_assigned`; the consumer of the stream keeps them.
pub(crate) const COUNTER_START: &str = "COUNTER#";
/// The sort key of the order to take apart what is left of a deleted group.
pub const DELETION: &str = "DELETION";
/// The attribute with the step that the order waits for.
const STEP: &str = "step";

/// The list of all groups in `by_creation`.
const LIST: &str = "GROUP";
/// The list of groups by the start of their names in `by_prefix`.
const NAME_LIST: &str = "GROUP_NAME";
/// The attribute with the groups that take in every new user.
const AUTO_GROUPS: &str = "groups";

/// As it is stored.
#[derive(Serialize, Deserialize)]
struct GroupItem {
    #[serde(rename = "PK")]
    pk: String,
    #[serde(rename = "SK")]
    sk: String,
    /// The partition in `by_creation`.
    list_shard: String,
    /// The sort key in `by_creation`.
    list_sort: String,
    /// As typed.
    name: String,
    /// Folded.
    canonical_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    is_auto_assigned: bool,
    creation_time: Timestamp,
    last_updated: Timestamp,
    version: Version,
    /// Newest first, filled up as a user's.
    operations: Vec<String>,
}

/// The reservation of a group's name, as it is stored.
#[derive(Serialize)]
struct NameItem {
    #[serde(rename = "PK")]
    pk: String,
    #[serde(rename = "SK")]
    sk: &'static str,
    /// Whose name it is.
    owner: String,
    /// `by_prefix`'s partition: kind, first character, and one of some shards.
    prefix: String,
    /// The sort key of that index.
    canonical: String,
}

/// The group's partition.
pub(crate) fn partition_key(id: GroupId) -> String {
    Partition::Group.key(id)
}

/// The group's key.
pub(crate) fn key(id: GroupId) -> Item {
    table::key(partition_key(id), SORT_KEY)
}

/// Which group has this key.
pub(crate) fn id_of(item: &Item) -> Option<GroupId> {
    let partition_key = item.get("PK")?.as_s().ok()?;
    let id = partition_key.strip_prefix(Partition::Group.prefix())?;
    GroupId::parse(id).ok()
}

/// The whole item of a group.
pub(crate) fn item(group: &Group) -> Result<Item, StoreError> {
    let operations = group.operations.iter();
    let mut operations: Vec<_> = operations.map(|id| id.as_str().to_owned()).collect();
    operations.resize_with(Operations::KEPT, String::new);
    let item = serde_dynamo::to_item(GroupItem {
        pk: partition_key(group.id),
        sk: SORT_KEY.to_owned(),
        list_shard: layout::partition(&[LIST], &group.id.to_string()),
        list_sort: layout::list_sort(group.creation_time, group.id),
        name: group.name.as_str().to_owned(),
        canonical_name: group.name.canonical().to_owned(),
        description: group
            .description
            .as_ref()
            .map(|text| text.as_str().to_owned()),
        is_auto_assigned: group.is_auto_assigned,
        creation_time: group.creation_time,
        last_updated: group.last_updated,
        version: group.version,
        operations,
    });
    Ok(item.map_err(Cause::from)?)
}

/// The group of an item.
pub(crate) fn from_item(item: Item) -> Result<Group, StoreError> {
    let unreadable = || Cause::Unreadable("group").unexpected();
    let id = id_of(&item).ok_or_else(unreadable)?;
    // The cause is left out, because it may quote the item.
    let item: GroupItem = serde_dynamo::from_item(item).map_err(|_| unreadable())?;
    let operations = item.operations.into_iter().filter(|id| !id.is_empty());
    Ok(Group {
        id,
        name: GroupName::restore(item.name, item.canonical_name),
        description: item.description.map(Description::restore),
        is_auto_assigned: item.is_auto_assigned,
        creation_time: item.creation_time,
        last_updated: item.last_updated,
        version: item.version,
        operations: Operations::restore(operations.map(OperationId::stored).collect()),
    })
}

/// What a group's counters say together.
pub(crate) fn assigned(counters: &[Item]) -> Assigned {
    Assigned {
        users: counter::sum(counters),
        last: counter::last_assigned(counters),
    }
}

/// The key of a name's reservation.
pub(crate) fn name_key(name: &GroupName) -> Item {
    let partition_key = Partition::GroupName.key(name.canonical());
    table::key(partition_key, reservation::SORT_KEY)
}

/// The reservation of a group's name.
pub(crate) fn name_item(group: &Group) -> Result<Item, StoreError> {
    let canonical = group.name.canonical();
    let item = serde_dynamo::to_item(NameItem {
        pk: Partition::GroupName.key(canonical),
        sk: reservation::SORT_KEY,
        owner: group.id.to_string(),
        prefix: layout::partition(&[NAME_LIST, first(canonical)], canonical),
        canonical: canonical.to_owned(),
    });
    Ok(item.map_err(Cause::from)?)
}

/// Whose name an item reserves.
pub(crate) fn name_owner(item: &Item) -> Option<GroupId> {
    let owner = item.get(reservation::OWNER)?.as_s().ok()?;
    GroupId::parse(owner).ok()
}

/// Whether the group in this item has this name, folded.
pub(crate) fn has_name(group: &Item, name: &str) -> bool {
    let own = group.get("canonical_name").and_then(|own| own.as_s().ok());
    own.is_some_and(|own| own == name)
}

/// The first character of a text.
fn first(text: &str) -> &str {
    let end = text.chars().next().map_or(0, char::len_utf8);
    &text[..end]
}

/// The partitions of all groups in `by_creation`.
pub(crate) fn list_partitions() -> Vec<String> {
    layout::partitions(&[LIST])
}

/// The partitions in `by_prefix` of the names that start so.
pub(crate) fn name_partitions(start: &str) -> Vec<String> {
    layout::partitions(&[NAME_LIST, first(start)])
}

/// The order to take apart what is left of a group: its memberships and counters. The consumer of the
/// stream carries it out in bounded steps; `step` is the first.
pub(crate) fn deletion(id: GroupId, now: Timestamp) -> Item {
    let mut item = deletion_key(id);
    item.insert("started_at".to_owned(), number(now.as_unix()));
    item.insert(STEP.to_owned(), number(0));
    item
}

/// The order's key.
pub(crate) fn deletion_key(id: GroupId) -> Item {
    table::key(partition_key(id), DELETION)
}

/// Which step an order waits for.
pub(crate) fn deletion_step(order: &Item) -> Option<u64> {
    u64::try_from(number_of(order, STEP)?).ok()
}

/// Lets an order wait for the step after this one.
pub(crate) fn next_step(id: GroupId, step: u64) -> Update {
    let mut update = Update::of(deletion_key(id));
    update.require_equal(&[STEP], number(step));
    update.set(&[STEP], number(step + 1));
    update
}

/// Puts a group among those that take in every new user, where there is room for it.
pub(crate) fn take_in(id: GroupId) -> Update {
    let mut update = Update::of(auto_groups_key());
    let groups = update.path(&[AUTO_GROUPS]);
    let most = update.value(number(MAX_AUTO_ASSIGNED));
    update.require(format!(
        "(attribute_not_exists({groups}) OR size({groups}) < {most})"
    ));
    update.add(AUTO_GROUPS, [id]);
    update
}

/// Takes a group out of those.
pub(crate) fn leave_out(id: GroupId) -> Update {
    let mut update = Update::of(auto_groups_key());
    update.take(AUTO_GROUPS, [id]);
    update
}

/// The groups that take in every new user.
pub(crate) fn auto_groups(item: &Item) -> Vec<GroupId> {
    let ids = texts_of(item, AUTO_GROUPS).into_iter();
    ids.filter_map(|id| GroupId::parse(&id).ok()).collect()
}

/// The key of the item that has them.
pub(crate) fn auto_groups_key() -> Item {
    table::key(Partition::AutoGroups.key("ALL"), "AUTO_GROUPS")
}

#[cfg(test)]
mod tests {
    use domain::sample;

    use super::*;

    #[test]
    fn a_group_comes_back_as_it_was_stored() {
        let group = sample::group();
        assert_eq!(from_item(item(&group).unwrap()).unwrap(), group);
        let bare = Group {
            description: None,
            ..group
        };
        let stored = item(&bare).unwrap();
        assert!(!stored.contains_key("description"));
        assert_eq!(from_item(stored).unwrap(), bare);
    }

    #[test]
    fn counters_are_added_up_and_never_fall_below_zero() {
        let counter = |count: i64, last: Option<i64>| {
            let mut item = Item::from([("count".to_owned(), number(count))]);
            item.extend(last.map(|last| ("last_assigned".to_owned(), number(last))));
            item
        };
        assert_eq!(assigned(&[]), Assigned::default());
        let all = assigned(&[counter(3, Some(7)), counter(-1, Some(9)), counter(0, None)]);
        let wanted = Assigned {
            users: 2,
            last: Some(Timestamp::from_unix(9)),
        };
        assert_eq!(all, wanted);
        assert_eq!(assigned(&[counter(-1, None)]).users, 0);
    }

    #[test]
    fn a_name_lies_under_its_first_character() {
        let mut group = sample::group();
        group.name = GroupName::parse("\u{c4}rzte").unwrap();
        let item = name_item(&group).unwrap();
        let prefix = item["prefix"].as_s().unwrap();
        assert!(prefix.starts_with("1#GROUP_NAME#\u{e4}#"), "{prefix}");
        assert!(name_partitions("\u{e4}rz").contains(prefix));
        assert_eq!(name_owner(&item), Some(group.id));
    }
}
