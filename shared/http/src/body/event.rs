//! An event of the log, as it is shown.

use domain::{Actor, Event};
use serde::Serialize;

/// A change of a user: who, what and when, without any value.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields, rename = "Event")
)]
pub struct EventBody<'a> {
    user_id: &'a str,
    /// Counts the changes of this user from 1, without a gap.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    revision: u64,
    /// Unix seconds.
    at: i64,
    /// The operation id of the call; the name of the consumer where the directory itself acts.
    call: &'a str,
    by: ActorBody<'a>,
    /// Names of members, and after them the ids of those identifiers, sessions and groups that differ;
    /// `unreadable` where the log could not read what has changed.
    changed: &'a [String],
    /// The user was deleted.
    deleted: bool,
}

/// Who made a change.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields, rename = "Actor")
)]
struct ActorBody<'a> {
    #[cfg_attr(feature = "schema", schemars(with = "ActorKind"))]
    kind: &'a str,
    /// Of `key` and `import` the API key's id, of `user` the user's own; null for others.
    id: Option<&'a str>,
}

#[cfg(feature = "schema")]
#[derive(schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
enum ActorKind {
    Key,
    User,
    Link,
    Import,
    System,
}

impl<'a> EventBody<'a> {
    /// What is shown of an event.
    pub fn of(event: &'a Event) -> Self {
        let (kind, id) = event.by.actor.parts();
        let own = matches!(event.by.actor, Actor::User).then(|| event.user_id.as_str());
        Self {
            user_id: event.user_id.as_str(),
            revision: event.revision,
            at: event.at.as_unix(),
            call: &event.by.call,
            by: ActorBody {
                kind,
                id: id.or(own),
            },
            changed: &event.changed,
            deleted: event.deleted,
        }
    }
}
