//! What follows from one change: decided from the images alone.

use domain::event::{UNREADABLE, changed};
use domain::{Actor, ChangedBy, Epoch, Event, Generation, GroupId, Timestamp, User, UserId};

use super::{Applying, ItemChange};
use crate::item::counter::Counter;
use crate::item::log::LastChange;
use crate::item::membership::{self, Stored};
use crate::item::{counted, group, log, user};
use crate::table::{Item, number_of};
use crate::{Cause, StoreError};

/// What follows from one change.
#[derive(Debug, Default)]
pub(super) struct Effect {
    /// The item that is written once: the event, or that the change was counted.
    pub(super) once: Option<Item>,
    /// How a counter moves with it.
    pub(super) count: Option<Count>,
    /// The user who is new, and can be read.
    pub(super) new_user: Option<User>,
    /// What comes after that.
    pub(super) then: Then,
}

/// How a counter moves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Count {
    pub(super) of: Counter,
    pub(super) by: i64,
    /// When the user was assigned who is counted.
    pub(super) last: Option<Timestamp>,
}

/// What comes after an event.
#[derive(Debug, Default)]
pub(super) enum Then {
    /// Nothing.
    #[default]
    Nothing,
    /// All that hung on the user is deleted.
    Erase(Deleted),
    /// Some of what is left of a deleted group is deleted.
    TakeApart {
        /// The group.
        group_id: GroupId,
        /// Which step it is.
        step: u64,
    },
}

/// A deleted user, as far as it tells what hung on them from what hangs on a later user with the same
/// id.
#[derive(Debug)]
pub(super) struct Deleted {
    pub(super) id: UserId,
    pub(super) born: Epoch,
    pub(super) session_epoch: Epoch,
    pub(super) email_generation: Generation,
    pub(super) at: Timestamp,
}

/// Where it is written down by whom a user was deleted; `None` where the item is no user.
pub(super) fn deletion_key(change: &ItemChange, old: &Item) -> Option<Item> {
    let id = owner(change)?;
    let born = log::born(old)?;
    Some(user::child_key(&id, &log::deletion_sort_key(born)))
}

/// Whether a user is gone with this change.
pub(super) fn is_deletion(change: &ItemChange) -> bool {
    owner(change).is_some() && change.new.is_none()
}

fn owner(change: &ItemChange) -> Option<UserId> {
    (change.sort == user::SORT_KEY).then(|| user::owner_of(&change.partition))?
}

/// What follows from a change. `deletion` is what was written down of the deletion that the change is.
pub(super) fn of(
    change: &ItemChange,
    deletion: Option<LastChange>,
    applying: &Applying,
) -> Result<Effect, StoreError> {
    if let Some(id) = owner(change) {
        return of_user(change, id, deletion, applying);
    }
    let image = change.new.as_ref().or(change.old.as_ref());
    let Some(image) = image else {
        return Ok(Effect::default());
    };
    if change.sort == group::DELETION {
        return Ok(of_deletion(image));
    }
    if change.sort.starts_with(membership::MEMBER_START) {
        return Ok(of_member(change, image, applying));
    }
    Ok(Effect::default())
}

/// The next step of the end of a group.
fn of_deletion(order: &Item) -> Effect {
    let (id, step) = (group::id_of(order), group::deletion_step(order));
    let then = id
        .zip(step)
        .map(|(group_id, step)| Then::TakeApart { group_id, step });
    Effect {
        then: then.unwrap_or_default(),
        ..Effect::default()
    }
}

/// A user has come into a group, or has left it.
fn of_member(change: &ItemChange, image: &Item, applying: &Applying) -> Effect {
    let Ok(Stored { membership, .. }) = Stored::from_item(image.clone()) else {
        return Effect::default();
    };
    let is_new = change.new.is_some();
    Effect {
        once: Some(counted::item(&change.id, applying.now)),
        count: Some(Count {
            of: Counter::OfGroup(membership.group_id),
            by: if is_new { 1 } else { -1 },
            last: is_new.then_some(membership.creation_time),
        }),
        ..Effect::default()
    }
}

fn of_user(
    change: &ItemChange,
    id: UserId,
    deletion: Option<LastChange>,
    applying: &Applying,
) -> Result<Effect, StoreError> {
    let image = change.new.as_ref().or(change.old.as_ref());
    let born = image.and_then(log::born).unwrap_or(Epoch::new(0));
    let mut effect = Effect::default();
    let (told, users) = match (&change.old, &change.new) {
        (None, None) => return Ok(effect),
        (None, Some(new)) => {
            effect.new_user = user::from_item(new.clone()).ok();
            (told(&id, None, new, change.at), 1)
        }
        (Some(old), Some(new)) if log::revision(old) == log::revision(new) => return Ok(effect),
        (Some(old), Some(new)) => (told(&id, Some(old), new, change.at), 0),
        (Some(old), None) => {
            // Who deletes a user past the calls leaves no word.
            let by_hand = || LastChange {
                by: by_the_log(),
                at: change.at,
                beside: Vec::new(),
            };
            let LastChange { by, at, .. } = deletion.unwrap_or_else(by_hand);
            let number = |name| number_of(old, name).map_or(0, i64::unsigned_abs);
            effect.then = Then::Erase(Deleted {
                id: id.clone(),
                born,
                session_epoch: Epoch::new(number("session_epoch")),
                email_generation: Generation::new(number("email_generation")),
                // The deletion may have waited for others, so the stream's time counts where it is later.
                at: at.max(change.at),
            });
            let event = Event {
                user_id: id,
                revision: log::revision(old) + 1,
                at,
                by,
                changed: Vec::new(),
                deleted: true,
            };
            (event, -1)
        }
    };
    effect.once = Some(log::event(&told, born, applying.now, applying.kept_for)?);
    effect.count = (users != 0).then_some(Count {
        of: Counter::Users,
        by: users,
        last: None,
    });
    Ok(effect)
}

/// The event of a user's item that is there after the change.
fn told(id: &UserId, old: Option<&Item>, new: &Item, at: Timestamp) -> Event {
    let read = |item: &Item| user::from_item(item.clone());
    let names = || -> Result<Vec<String>, StoreError> {
        let before: Option<User> = old.map(read).transpose()?;
        Ok(changed(before.as_ref(), &read(new)?))
    };
    let last = log::last_change(new).ok_or_else(|| Cause::Unreadable("change").unexpected());
    let (by, at, changed) = match (last, names()) {
        (Ok(last), Ok(mut names)) => {
            names.extend(last.beside);
            (last.by, last.at, names)
        }
        (Ok(last), Err(_)) => (last.by, last.at, vec![UNREADABLE.to_owned()]),
        (Err(_), _) => (by_the_log(), at, vec![UNREADABLE.to_owned()]),
    };
    Event {
        user_id: id.clone(),
        revision: log::revision(new),
        at,
        by,
        changed,
        deleted: false,
    }
}

/// The log itself, where it does not know who has made a change.
pub(super) fn by_the_log() -> ChangedBy {
    ChangedBy {
        actor: Actor::System,
        call: "apply_changes".into(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::{OperationId, Rule, rule, sample};
    use tokio::time::Instant;

    use super::*;
    use crate::table::{number, text};
    use crate::write::{Precondition, Write};

    const NOW: Timestamp = Timestamp::from_unix(1_640_975_500);

    fn applying() -> Applying {
        Applying {
            kept_for: Duration::from_hours(48),
            now: NOW,
            deadline: Instant::now(),
        }
    }

    fn write() -> Write {
        Write {
            by: ChangedBy {
                actor: Actor::Key("k3y".to_owned()),
                call: "disable_user".into(),
            },
            operation: OperationId::of(&[b"x"]),
            is_named: false,
            precondition: Precondition::None,
            now: NOW,
            deadline: Instant::now(),
        }
    }

    fn stored(user: &User, revision: u64) -> Item {
        let mut item = log::new_user(user, &write()).unwrap();
        item.insert("revision".to_owned(), number(revision));
        item
    }

    fn change(old: Option<Item>, new: Option<Item>) -> ItemChange {
        ItemChange {
            id: "1".to_owned(),
            partition: user::partition_key(sample::published().id()),
            sort: user::SORT_KEY.to_owned(),
            old,
            new,
            at: Timestamp::from_unix(1),
        }
    }

    fn told(change: &ItemChange) -> Event {
        let effect = of(change, None, &applying()).unwrap();
        log::event_from_item(effect.once.unwrap()).unwrap()
    }

    fn after(rule: &Rule) -> User {
        let mut user = sample::published();
        rule.apply(&mut user).unwrap();
        user
    }

    #[test]
    fn a_change_is_told_by_whom_and_by_the_names_of_what_differs() {
        let (before, after) = (sample::published(), after(&rule::enable()));
        let event = told(&change(Some(stored(&before, 4)), Some(stored(&after, 5))));
        assert_eq!(event.revision, 5);
        assert_eq!((event.by, event.at), (write().by, NOW));
        assert_eq!(event.changed, ["disabled"]);
    }

    #[test]
    fn a_write_that_moves_no_revision_is_not_told() {
        let (before, after) = (sample::published(), after(&rule::enable()));
        let same = change(Some(stored(&before, 4)), Some(stored(&after, 4)));
        assert!(of(&same, None, &applying()).unwrap().once.is_none());
    }

    #[test]
    fn what_can_not_be_read_is_told_as_such_and_holds_nothing_up() {
        let mut newer = stored(&sample::published(), 5);
        newer.insert("format".to_owned(), number(99));
        let event = told(&change(
            Some(stored(&sample::published(), 4)),
            Some(newer.clone()),
        ));
        assert_eq!((event.revision, event.by), (5, write().by));
        assert_eq!(event.changed, [UNREADABLE]);

        newer.insert("changed_by".to_owned(), text("in another way"));
        let event = told(&change(None, Some(newer)));
        assert_eq!(event.by, by_the_log());
        assert_eq!(event.changed, [UNREADABLE]);
    }

    #[test]
    fn a_user_who_is_gone_is_told_by_whom_or_by_the_log_itself() {
        let gone = change(Some(stored(&sample::published(), 4)), None);
        let event = told(&gone);
        assert_eq!((event.revision, event.deleted), (5, true));
        assert_eq!((event.by, event.at), (by_the_log(), gone.at));
        let deletion = LastChange {
            by: write().by,
            at: NOW,
            beside: Vec::new(),
        };
        let effect = of(&gone, Some(deletion), &applying()).unwrap();
        assert_eq!(effect.count.unwrap().by, -1);
        let event = log::event_from_item(effect.once.unwrap()).unwrap();
        assert_eq!((event.by, event.at), (write().by, NOW));
    }

    #[test]
    fn users_who_are_older_than_the_log_are_told_too() {
        let old = user::item(&sample::published()).unwrap();
        let event = told(&change(Some(old), Some(stored(&after(&rule::enable()), 1))));
        assert_eq!(
            (event.revision, event.changed),
            (1, vec!["disabled".to_owned()])
        );
    }
}
