//! Whether what belongs to an item is there, and what would mend it.

use std::collections::HashMap;

use domain::{Group, GroupId, Identifier, Timestamp, User, UserId};

use super::fault::{Fault, Key};
use crate::StoreError;
use crate::item::membership::{self, Stored};
use crate::item::{
    device, group, log, notification, pending_email, reservation, session, undo_right, user,
};
use crate::table::{
    Condition, Item, Partition, Role, Transaction, key_of, key_texts, number, number_of, text,
};

/// An item of the table, as far as something belongs to it.
pub(super) enum Case {
    User(Box<User>),
    /// What hangs on a user, and has no meaning without.
    Child(UserId),
    /// The user's half of a membership.
    OfUser(Stored),
    /// The group's half.
    OfGroup(Stored),
    Reservation {
        identifier: Identifier,
        owner: UserId,
    },
    Group(Box<Group>),
    GroupCounter(GroupId),
    GroupEnd {
        group: GroupId,
        step: u64,
    },
    GroupName {
        name: String,
        owner: GroupId,
    },
    /// It stands for itself.
    Alone,
    Unreadable,
}

/// What is wrong, and what mends it, unless a person must.
pub(super) struct Finding {
    pub(super) fault: Fault,
    pub(super) repair: Option<Transaction>,
}

/// The attributes of other items that a judgement needs.
pub(super) const BESIDE: [&str; 19] = [
    "PK",
    "SK",
    "format",
    "version",
    "born",
    "creation_time",
    "username",
    "emails",
    "phones",
    "owner",
    "identifier_id",
    "prefix",
    "domain",
    "canonical",
    "canonical_name",
    "user_id",
    "group_id",
    "list_sort",
    "step",
];

/// Other items, by their keys.
#[derive(Default)]
pub(super) struct Beside(HashMap<[String; 2], Item>);

impl Beside {
    pub(super) fn new(items: impl IntoIterator<Item = Item>) -> Self {
        let items = items.into_iter();
        Self(items.map(|item| (key_texts(&item), item)).collect())
    }

    fn get(&self, key: &Item) -> Option<&Item> {
        self.0.get(&key_texts(key))
    }
}

/// The sort keys of what hangs on a user, and how they start.
const CHILDREN: [&str; 5] = [
    session::SORT_KEY_START,
    device::SORT_KEY_START,
    pending_email::SORT_KEY_START,
    undo_right::SORT_KEY_START,
    notification::NOTIFICATION_SORT_KEY,
];
/// The same of what stays when the user goes, until it lapses.
const RECORDS: [&str; 2] = [log::EVENT_SORT_KEY_START, log::DELETION_SORT_KEY_START];

impl Case {
    /// What an item is.
    pub(super) fn of(item: &Item) -> Self {
        Self::read(item).unwrap_or(Self::Unreadable)
    }

    fn read(item: &Item) -> Option<Self> {
        let [partition, sort] = key_texts(item);
        let (kind, of) = Partition::of(&partition)?;
        let starts = |starts: &[&str]| starts.iter().any(|start| sort.starts_with(start));
        Some(match kind {
            Partition::User if sort == user::SORT_KEY => {
                Self::User(Box::new(user::from_item(item.clone()).ok()?))
            }
            Partition::User if sort.starts_with(membership::SORT_KEY_START) => {
                Self::OfUser(Stored::from_item(item.clone()).ok()?)
            }
            Partition::User if starts(&CHILDREN) => Self::Child(UserId::parse(of).ok()?),
            Partition::User if starts(&RECORDS) => Self::Alone,
            Partition::Group if sort == group::SORT_KEY => {
                Self::Group(Box::new(group::from_item(item.clone()).ok()?))
            }
            Partition::Group if sort.starts_with(membership::MEMBER_START) => {
                Self::OfGroup(Stored::from_item(item.clone()).ok()?)
            }
            Partition::Group if sort.starts_with(group::COUNTER_START) => {
                Self::GroupCounter(GroupId::parse(of).ok()?)
            }
            Partition::Group if sort == group::DELETION => Self::GroupEnd {
                group: GroupId::parse(of).ok()?,
                step: group::deletion_step(item)?,
            },
            Partition::GroupName => Self::GroupName {
                name: of.to_owned(),
                owner: group::name_owner(item)?,
            },
            Partition::Email | Partition::Phone | Partition::Username => Self::Reservation {
                identifier: reservation::identifier(&partition)?,
                owner: reservation::owner(item)?,
            },
            Partition::AutoGroups
            | Partition::Counted
            | Partition::Counter
            | Partition::Limit
            | Partition::Operation
            | Partition::SignIn => Self::Alone,
            Partition::User | Partition::Group => return None,
        })
    }

    /// The keys of the items that a judgement needs.
    pub(super) fn beside(&self) -> Result<Vec<Item>, StoreError> {
        Ok(match self {
            Self::User(user) => {
                let identifiers = user.identifiers().into_keys();
                identifiers.map(|one| reservation::key(&one)).collect()
            }
            Self::Child(owner) | Self::Reservation { owner, .. } => vec![user::key(owner)],
            Self::OfUser(stored) => vec![
                user::key(&stored.membership.user_id),
                group::key(stored.membership.group_id),
                group::deletion_key(stored.membership.group_id),
                stored.group_key(),
            ],
            Self::OfGroup(stored) => vec![
                key_of(&stored.of_user()?),
                group::deletion_key(stored.membership.group_id),
            ],
            Self::Group(group) => vec![key_of(&group::name_item(group)?)],
            Self::GroupCounter(id) => vec![group::key(*id), group::deletion_key(*id)],
            Self::GroupName { owner, .. } => vec![group::key(*owner)],
            Self::GroupEnd { .. } | Self::Alone | Self::Unreadable => Vec::new(),
        })
    }

    /// What is wrong with the item, where these are the items beside it.
    pub(super) fn judge(
        &self,
        item: &Item,
        beside: &Beside,
        now: Timestamp,
    ) -> Result<Vec<Finding>, StoreError> {
        let found = match self {
            Self::User(user) => return of_user(user, item, beside),
            Self::Child(owner) => child(owner, item, beside, now),
            Self::Reservation { identifier, owner } => orphan(identifier, owner, beside),
            Self::OfUser(stored) => of_membership(stored, beside)?,
            Self::OfGroup(stored) => of_list(stored, beside)?,
            Self::Group(group) => of_group(group, beside)?,
            Self::GroupCounter(id) => counter(*id, item, beside),
            Self::GroupEnd { group, step } => Some(stopped(*group, *step)),
            Self::GroupName { name, owner } => name_orphan(name, *owner, item, beside),
            Self::Alone => None,
            Self::Unreadable => Some(Finding {
                fault: Fault::Unreadable(key(item)),
                repair: None,
            }),
        };
        Ok(found.into_iter().collect())
    }
}

fn key(item: &Item) -> Key {
    let [partition, sort] = key_texts(item);
    Key { partition, sort }
}

/// The condition that an item is as it was seen: at this version, or not there.
fn as_seen(item: Option<&Item>) -> Condition {
    let version = item.and_then(|item| number_of(item, "version"));
    version.map_or_else(
        || item.map_or_else(Condition::absent, |_| Condition::exists()),
        |version| Condition::equal("version", number(version)),
    )
}

/// Each identifier of the user must be reserved for them, and each list must have them.
fn of_user(user: &User, item: &Item, beside: &Beside) -> Result<Vec<Finding>, StoreError> {
    let mut found = Vec::new();
    for (identifier, id) in user.identifiers() {
        let wanted = reservation::item(&identifier, id, user.id())?;
        let present = beside.get(&wanted);
        let (user_id, owner) = (user.id().clone(), present.and_then(reservation::owner));
        let mut repair = Transaction::default();
        let fault = match (present, owner) {
            (None, _) => {
                repair.put_if_absent(Role::Related, wanted);
                Fault::NotReserved {
                    user: user_id,
                    identifier,
                }
            }
            (Some(present), Some(owner)) if owner == user_id => {
                if is_whole(present, &wanted) {
                    continue;
                }
                let is_own = Condition::equal(reservation::OWNER, text(&user_id));
                repair.put_if(Role::Related, wanted, is_own);
                Fault::ReservedOtherwise {
                    user: user_id,
                    identifier,
                }
            }
            (Some(present), owner) => {
                let fault = Fault::HeldByAnother {
                    user: user_id,
                    identifier,
                    holder: owner.map_or_else(|| key(present).to_string(), |own| own.to_string()),
                };
                found.push(Finding {
                    fault,
                    repair: None,
                });
                continue;
            }
        };
        repair.check(Role::Related, user::key(user.id()), as_seen(Some(item)));
        found.push(Finding {
            fault,
            repair: Some(repair),
        });
    }
    if let Some(update) = user::relisted(user, item)? {
        let mut repair = Transaction::default();
        repair.update(Role::Related, update);
        found.push(Finding {
            fault: Fault::NotListed(user.id().clone()),
            repair: Some(repair),
        });
    }
    Ok(found)
}

/// Whether a reservation has all that this code would write. The partitions of the indexes may be those of
/// another layout.
fn is_whole(present: &Item, wanted: &Item) -> bool {
    let is_any = |name: &str| matches!(name, "prefix" | "domain");
    wanted.iter().all(|(name, value)| {
        let own = present.get(name);
        own.is_some_and(|own| own == value || is_any(name))
    })
}

/// What hangs on a user. It lapses by itself where it has a time.
fn child(owner: &UserId, item: &Item, beside: &Beside, now: Timestamp) -> Option<Finding> {
    let user_key = user::key(owner);
    let has_lapsed = number_of(item, "expires_at").is_some_and(|end| end <= now.as_unix());
    if has_lapsed || beside.get(&user_key).is_some() {
        return None;
    }
    let mut repair = Transaction::default();
    repair.delete(Role::Related, key_of(item));
    repair.check(Role::Related, user_key, Condition::absent());
    Some(Finding {
        fault: Fault::WithoutUser(key(item)),
        repair: Some(repair),
    })
}

/// An identifier must be reserved for a user who has it.
fn orphan(identifier: &Identifier, owner: &UserId, beside: &Beside) -> Option<Finding> {
    let user_key = user::key(owner);
    let present = beside.get(&user_key);
    if present.is_some_and(|item| user::may_have(item, identifier)) {
        return None;
    }
    let mut repair = Transaction::default();
    let is_seen = Condition::equal(reservation::OWNER, text(owner));
    repair.delete_if(Role::Related, reservation::key(identifier), is_seen);
    repair.check(Role::Related, user_key, as_seen(present));
    Some(Finding {
        fault: Fault::ReservedForNone {
            identifier: identifier.clone(),
            owner: owner.clone(),
        },
        repair: Some(repair),
    })
}

/// The user's half of a membership: it decides whether the user is in the group.
fn of_membership(stored: &Stored, beside: &Beside) -> Result<Option<Finding>, StoreError> {
    let (user_id, id) = (&stored.membership.user_id, stored.membership.group_id);
    let (user_key, group_key) = (user::key(user_id), group::key(id));
    let (of_user, of_group) = (stored.of_user()?, stored.of_group()?);
    let own = key_of(&of_user);
    let is_seen = || Condition::equal(membership::BORN, number(stored.membership.born));
    let [owner, group, other] = [&user_key, &group_key, &of_group].map(|key| beside.get(key));
    let other_is_seen = other.map(born_as_seen);
    let mut repair = Transaction::default();
    let user = user_id.clone();
    let is_present = owner.is_some_and(|item| log::born(item) == Some(stored.membership.born));
    let fault = if group.is_none() {
        // What is being taken apart is gone soon.
        if beside.get(&group::deletion_key(id)).is_some() {
            return Ok(None);
        }
        repair.check(Role::Related, group_key, Condition::absent());
        Fault::WithoutGroup(key(&of_user))
    } else if !is_present {
        repair.check(Role::Related, user_key, as_seen(owner));
        Fault::OfFormerUser { user, group: id }
    } else if other.and_then(membership::born_of) != Some(stored.membership.born) {
        repair.check(Role::Related, user_key, as_seen(owner));
        repair.check(Role::Related, group_key, Condition::exists());
        repair.check(Role::Related, own, is_seen());
        let is_missing = other_is_seen.unwrap_or_else(Condition::absent);
        repair.put_if(Role::Related, of_group, is_missing);
        let fault = Fault::NotInGroup { user, group: id };
        return Ok(Some(Finding {
            fault,
            repair: Some(repair),
        }));
    } else {
        return Ok(None);
    };
    repair.delete_if(Role::Related, own, is_seen());
    if let Some(is_seen) = other_is_seen {
        repair.delete_if(Role::Related, key_of(&of_group), is_seen);
    }
    Ok(Some(Finding {
        fault,
        repair: Some(repair),
    }))
}

/// The group's half of a membership has no meaning without the user's, which must tell of the same user in
/// the same place of the list.
fn of_list(stored: &Stored, beside: &Beside) -> Result<Option<Finding>, StoreError> {
    let (user, group) = (
        stored.membership.user_id.clone(),
        stored.membership.group_id,
    );
    let of_user = stored.of_user()?;
    let present = beside.get(&of_user);
    let says_the_same = present.is_some_and(|present| {
        let said = [membership::BORN, "list_sort"];
        said.iter()
            .all(|name| present.get(*name) == of_user.get(*name))
    });
    let is_ending = beside.get(&group::deletion_key(group)).is_some();
    if is_ending || says_the_same {
        return Ok(None);
    }
    let is_seen = Condition::equal(membership::BORN, number(stored.membership.born));
    let mut repair = Transaction::default();
    repair.delete_if(Role::Related, stored.group_key(), is_seen);
    let is_other = present.map_or_else(Condition::absent, born_as_seen);
    repair.check(Role::Related, key_of(&of_user), is_other);
    Ok(Some(Finding {
        fault: Fault::InGroupAlone { user, group },
        repair: Some(repair),
    }))
}

/// The condition that a half of a membership is about the user about whom it was seen to be.
fn born_as_seen(half: &Item) -> Condition {
    let born = membership::born_of(half);
    born.map_or_else(Condition::exists, |born| {
        Condition::equal(membership::BORN, number(born))
    })
}

/// The name of a group must be reserved for it, and lists must find the group by it.
fn of_group(group: &Group, beside: &Beside) -> Result<Option<Finding>, StoreError> {
    let wanted = group::name_item(group)?;
    let mut repair = Transaction::default();
    if let Some(present) = beside.get(&wanted) {
        let holder = group::name_owner(present);
        if holder != Some(group.id) {
            let holder = holder.map_or_else(|| key(present).to_string(), |own| own.to_string());
            let fault = Fault::NameHeldByAnother {
                group: group.id,
                holder,
            };
            return Ok(Some(Finding {
                fault,
                repair: None,
            }));
        }
        if is_whole(present, &wanted) {
            return Ok(None);
        }
        let is_own = Condition::equal(reservation::OWNER, text(group.id));
        repair.put_if(Role::Related, wanted, is_own);
    } else {
        repair.put_if_absent(Role::Related, wanted);
    }
    let is_seen = Condition::equal("version", number(group.version));
    repair.check(Role::Related, group::key(group.id), is_seen);
    Ok(Some(Finding {
        fault: Fault::NameNotReserved(group.id),
        repair: Some(repair),
    }))
}

/// A counter without its group counts for none.
fn counter(id: GroupId, item: &Item, beside: &Beside) -> Option<Finding> {
    let group_key = group::key(id);
    let is_ending = beside.get(&group::deletion_key(id)).is_some();
    if is_ending || beside.get(&group_key).is_some() {
        return None;
    }
    let mut repair = Transaction::default();
    repair.delete(Role::Related, key_of(item));
    repair.check(Role::Related, group_key, Condition::absent());
    Some(Finding {
        fault: Fault::WithoutGroup(key(item)),
        repair: Some(repair),
    })
}

/// Two looks at the same step tell that the end of a group has stopped. Whoever moves the step on starts
/// it again, by the stream.
fn stopped(group: GroupId, step: u64) -> Finding {
    let mut repair = Transaction::default();
    repair.update(Role::Related, group::next_step(group, step));
    Finding {
        fault: Fault::EndStopped { group, step },
        repair: Some(repair),
    }
}

/// A name must be reserved for a group that has it.
fn name_orphan(name: &str, owner: GroupId, item: &Item, beside: &Beside) -> Option<Finding> {
    let group_key = group::key(owner);
    let present = beside.get(&group_key);
    if present.is_some_and(|group| group::has_name(group, name)) {
        return None;
    }
    let mut repair = Transaction::default();
    let is_seen = Condition::equal(reservation::OWNER, text(owner));
    repair.delete_if(Role::Related, key_of(item), is_seen);
    repair.check(Role::Related, group_key, as_seen(present));
    Some(Finding {
        fault: Fault::NameReservedForNone {
            name: name.to_owned(),
            owner,
        },
        repair: Some(repair),
    })
}
