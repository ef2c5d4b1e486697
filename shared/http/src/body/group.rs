//! A group, and a user's place in one (users-api.md, section 4, `Group` and `UserGroup`).

use domain::group::{CountedGroup, Description};
use domain::{Group, Membership};
use serde::Serialize;

/// A group.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields, rename = "Group")
)]
pub struct GroupBody<'a> {
    /// A UUID.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::UuidText"))]
    group_id: String,
    #[serde(rename = "type")]
    kind: GroupKind,
    name: &'a str,
    description: Option<&'a str>,
    /// Whether it takes in every new user.
    is_auto_assigned: bool,
    /// How many users are in it. May trail a write by about a second.
    users_assigned: u64,
    /// Clients are an OAuth server's, which this directory does not have: always 0.
    clients_assigned: u64,
    /// Unix seconds.
    creation_time: i64,
    /// Unix seconds: when the group itself changed last.
    last_updated: i64,
    /// Unix seconds: when a user was assigned last; the creation time while none was. May trail a write
    /// by about a second.
    last_assigned: i64,
}

/// Who made a group: a caller of this API, as all groups here.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
enum GroupKind {
    Custom,
}

impl<'a> GroupBody<'a> {
    /// How `group` is shown.
    pub fn of(counted: &'a CountedGroup) -> Self {
        let group = &counted.group;
        Self {
            group_id: group.id.to_string(),
            kind: GroupKind::Custom,
            name: group.name.as_str(),
            description: group.description.as_ref().map(Description::as_str),
            is_auto_assigned: group.is_auto_assigned,
            users_assigned: counted.assigned.users,
            clients_assigned: 0,
            creation_time: group.creation_time.as_unix(),
            last_updated: group.last_updated.as_unix(),
            last_assigned: counted.last_assigned().as_unix(),
        }
    }
}

/// A user's place in a group.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields, rename = "UserGroup")
)]
pub struct UserGroupBody<'a> {
    /// A UUID.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::UuidText"))]
    group_id: String,
    user_id: &'a str,
    /// Unix seconds: when the user was assigned.
    creation_time: i64,
    /// The group's present name.
    group_name: &'a str,
}

impl<'a> UserGroupBody<'a> {
    /// How a membership of this group is shown.
    pub fn of(membership: &'a Membership, group: &'a Group) -> Self {
        Self {
            group_id: membership.group_id.to_string(),
            user_id: membership.user_id.as_str(),
            creation_time: membership.creation_time.as_unix(),
            group_name: group.name.as_str(),
        }
    }
}
