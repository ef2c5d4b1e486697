//! What the log of changes is made of: attributes of the user's item that say who changed it last, the
//! item that says by whom a user was deleted, and the log's events (users-api.md, calls 60 and 61).

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue as Value;
use domain::event::UNREADABLE;
use domain::{Actor, ChangedBy, Epoch, Event, Timestamp, User, UserId};
use serde::{Deserialize, Serialize};

use super::{layout, user};
use crate::table::{Item, Update, number, number_of};
use crate::write::Write;
use crate::{Cause, StoreError};

/// How many changes of the user the log tells of.
const REVISION: &str = "revision";
/// Who changed the user last.
const CHANGED_BY: &str = "changed_by";
/// When the user was born, where that is not the second of the creation.
pub(crate) const BORN: &str = "born";
/// How the sort keys of events start.
pub(crate) const EVENT_SORT_KEY_START: &str = "EVENT#";
/// How the sort key starts of the item that says by whom a user was deleted.
pub(crate) const DELETION_SORT_KEY_START: &str = "DELETION#";
/// How long that item is kept. A stream keeps its records for a day.
const DELETION_KEPT_FOR: Duration = Duration::from_hours(7 * 24);
/// The greatest revision that sort keys have room for.
pub(crate) const MAX_REVISION: u64 = 999_999_999_999;
/// The list in `by_creation` that has the events of the whole directory.
const FEED: &str = "EVENT";

/// What an update of a user's item is.
#[derive(Clone, Debug)]
pub(crate) enum Move {
    /// A change of the user: version and revision move.
    Change,
    /// An attempt to sign in that has failed: only the version moves. Strangers cause it, so the log
    /// doesn't tell of it.
    Attempt,
    /// A change of what belongs to the user and lies in other items, such as a session: only the
    /// revision moves. The log tells these names of what has changed.
    Beside(Vec<String>),
}

/// Who changed the user, as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct ChangedByItem {
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    call: String,
    at: Timestamp,
    /// What has changed in other items.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    beside: Vec<String>,
}

impl ChangedByItem {
    fn of(by: &ChangedBy, at: Timestamp, beside: Vec<String>) -> Self {
        let (kind, id) = by.actor.parts();
        Self {
            kind: kind.to_owned(),
            id: id.map(str::to_owned),
            call: by.call.clone().into_owned(),
            at,
            beside,
        }
    }

    fn attribute(by: &ChangedBy, at: Timestamp, beside: Vec<String>) -> Result<Value, StoreError> {
        let stored = Self::of(by, at, beside);
        Ok(serde_dynamo::to_attribute_value(stored).map_err(Cause::from)?)
    }

    fn changed_by(self) -> Option<ChangedBy> {
        Some(ChangedBy {
            actor: Actor::restore(&self.kind, self.id)?,
            call: self.call.into(),
        })
    }
}

/// The last change of a user, as the user's item tells it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LastChange {
    /// By whom, and by which call.
    pub(crate) by: ChangedBy,
    /// When.
    pub(crate) at: Timestamp,
    /// What has changed in other items.
    pub(crate) beside: Vec<String>,
}

/// Every update of a user starts here: it is made only where the user is there, it moves what its kind
/// moves, and it says by whom and by which call.
pub(crate) fn update(id: &UserId, moves: Move, write: &Write) -> Result<Update, StoreError> {
    let mut update = Update::of_present(user::key(id));
    if matches!(moves, Move::Change | Move::Attempt) {
        update.increment(&["version"]);
    }
    if matches!(moves, Move::Change | Move::Beside(_)) {
        update.count(&[REVISION]);
    }
    let beside = match moves {
        Move::Beside(beside) => beside,
        Move::Change | Move::Attempt => Vec::new(),
    };
    let by = ChangedByItem::attribute(&write.by, write.now, beside)?;
    update.set(&[CHANGED_BY], by);
    Ok(update)
}

/// The whole item of a new user: the first event of a new log.
pub(crate) fn new_user(user: &User, write: &Write) -> Result<Item, StoreError> {
    let mut item = user::item(user)?;
    item.insert(REVISION.to_owned(), number(1));
    let by = ChangedByItem::attribute(&write.by, write.now, Vec::new())?;
    item.insert(CHANGED_BY.to_owned(), by);
    Ok(item)
}

/// Requires that the user is still this one, and not a later one with the same id.
pub(crate) fn require_same(update: &mut Update, user: &User) {
    let creation = Epoch::first(user.creation_time());
    if user.born() == creation {
        let born = update.path(&[BORN]);
        update.require(format!("attribute_not_exists({born})"));
        update.require_equal(&["creation_time"], number(creation));
    } else {
        update.require_equal(&[BORN], number(user.born()));
    }
}

/// When the user in this item was born, as [`domain::User::born`] has it.
pub(crate) fn born(user: &Item) -> Option<Epoch> {
    let born = number_of(user, BORN).or_else(|| number_of(user, "creation_time"))?;
    Some(Epoch::new(u64::try_from(born).ok()?))
}

/// The revision of the user in this item; 0 where the log does not tell of any change yet.
pub(crate) fn revision(user: &Item) -> u64 {
    number_of(user, REVISION).map_or(0, i64::unsigned_abs)
}

/// The last change of the user in this item, or the deletion that an item tells of. `None` where newer
/// code has written it in a way that this code does not know.
pub(crate) fn last_change(item: &Item) -> Option<LastChange> {
    let stored = item.get(CHANGED_BY)?.clone();
    let mut stored: ChangedByItem = serde_dynamo::from_attribute_value(stored).ok()?;
    Some(LastChange {
        at: stored.at,
        beside: std::mem::take(&mut stored.beside),
        by: stored.changed_by()?,
    })
}

/// The item that says by whom a user was deleted.
pub(crate) fn deletion(id: &UserId, born: Epoch, write: &Write) -> Result<Item, StoreError> {
    let mut item = user::child_key(id, &deletion_sort_key(born));
    let by = ChangedByItem::attribute(&write.by, write.now, Vec::new())?;
    item.insert(CHANGED_BY.to_owned(), by);
    let expires_at = write.now.plus(DELETION_KEPT_FOR).as_unix();
    item.insert("expires_at".to_owned(), number(expires_at));
    Ok(item)
}

/// The sort key of the item that says by whom the user was deleted who was born then.
pub(crate) fn deletion_sort_key(born: Epoch) -> String {
    format!("{DELETION_SORT_KEY_START}{:012}", born.as_u64())
}

/// As an event is stored.
#[derive(Serialize, Deserialize)]
struct EventItem {
    #[serde(rename = "PK")]
    pk: String,
    #[serde(rename = "SK")]
    sk: String,
    by: ChangedByItem,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    changed: Vec<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    deleted: bool,
    /// The partition in `by_creation`.
    list_shard: String,
    /// The sort key in `by_creation`: when the log wrote it.
    list_sort: String,
    expires_at: Timestamp,
}

/// The sort key of an event. The events of one log lie in the order of their revisions.
pub(crate) fn event_sort_key(born: Epoch, revision: u64) -> String {
    format!("{}{revision:012}", events_start(born))
}

/// The partitions in `by_creation` of the events of the whole directory.
pub(crate) fn feed_partitions() -> Vec<String> {
    layout::partitions(&[FEED])
}

/// The start of the sort keys in `by_creation` of the events that were written at this time. It is
/// greater than that of all events before it.
pub(crate) fn feed_start(written_at: Timestamp) -> String {
    format!("{:012}#", written_at.as_unix())
}

/// The key of the event that has this sort key in `by_creation`.
pub(crate) fn key_in_feed(position: &str) -> Option<Item> {
    let mut parts = position.splitn(4, '#');
    let (_, user_id, born, revision) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let born = Epoch::new(born.parse().ok()?);
    let sort_key = event_sort_key(born, revision.parse().ok()?);
    Some(user::child_key(&UserId::parse(user_id).ok()?, &sort_key))
}

/// When the log began that an event is of.
pub(crate) fn born_of_event(event: &Item) -> Option<Epoch> {
    let sort_key = event.get("SK")?.as_s().ok()?;
    let (born, _) = sort_key
        .strip_prefix(EVENT_SORT_KEY_START)?
        .split_once('#')?;
    Some(Epoch::new(born.parse().ok()?))
}

/// The start of the sort keys of all events of a log.
pub(crate) fn events_start(born: Epoch) -> String {
    format!("{EVENT_SORT_KEY_START}{:012}#", born.as_u64())
}

/// The whole item of an event of the log that began at `born`, as the log writes it at `written_at`.
pub(crate) fn event(
    event: &Event,
    born: Epoch,
    written_at: Timestamp,
    kept_for: Duration,
) -> Result<Item, StoreError> {
    let item = EventItem {
        pk: user::partition_key(&event.user_id),
        sk: event_sort_key(born, event.revision),
        by: ChangedByItem::of(&event.by, event.at, Vec::new()),
        changed: event.changed.clone(),
        deleted: event.deleted,
        list_shard: layout::partition(&[FEED], event.user_id.as_str()),
        list_sort: format!(
            "{}{}#{:012}#{:012}",
            feed_start(written_at),
            event.user_id,
            born.as_u64(),
            event.revision
        ),
        expires_at: written_at.plus(kept_for),
    };
    Ok(serde_dynamo::to_item(item).map_err(Cause::from)?)
}

/// The event of an item.
pub(crate) fn event_from_item(item: Item) -> Result<Event, StoreError> {
    let unreadable = || Cause::Unreadable("event").unexpected();
    let item: EventItem = serde_dynamo::from_item(item).map_err(|_| unreadable())?;
    let revision = item
        .sk
        .rsplit('#')
        .next()
        .and_then(|text| text.parse().ok());
    let (at, call) = (item.by.at, item.by.call.clone());
    let mut changed = item.changed;
    // Newer code may have written who it was in a way that this code does not know. The event is told
    // nonetheless: readers go on from it.
    let by = item.by.changed_by().unwrap_or_else(|| {
        changed.push(UNREADABLE.to_owned());
        ChangedBy {
            actor: Actor::System,
            call: call.into(),
        }
    });
    Ok(Event {
        user_id: user::owner_of(&item.pk).ok_or_else(unreadable)?,
        revision: revision.ok_or_else(unreadable)?,
        at,
        by,
        changed,
        deleted: item.deleted,
    })
}
