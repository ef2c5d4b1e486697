//! What is wrong with an item.

use std::fmt;

use domain::{GroupId, Identifier, Kind, UserId};

/// An item's key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// `PK`.
    pub partition: String,
    /// `SK`.
    pub sort: String,
}

/// What is wrong with an item: it can't be read, or what belongs to it is not there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The item can't be read, or is of no kind that this code knows.
    Unreadable(Key),
    /// A user has an identifier that is not reserved: another user could get it.
    NotReserved {
        /// The user.
        user: UserId,
        /// The identifier.
        identifier: Identifier,
    },
    /// A user has an identifier that is reserved for another.
    HeldByAnother {
        /// The user.
        user: UserId,
        /// The identifier.
        identifier: Identifier,
        /// Who holds it.
        holder: String,
    },
    /// The reservation of a user's identifier names another identifier id, or lacks what lists find it by.
    ReservedOtherwise {
        /// The user.
        user: UserId,
        /// The identifier.
        identifier: Identifier,
    },
    /// A user is missing from the index of disabled users or of ids, or is in one too many.
    NotListed(UserId),
    /// An identifier is reserved for a user who does not have it, or isn't there: no other can get it.
    ReservedForNone {
        /// The identifier.
        identifier: Identifier,
        /// For whom.
        owner: UserId,
    },
    /// An item hangs on a user who isn't there.
    WithoutUser(Key),
    /// An item hangs on a group that isn't there.
    WithoutGroup(Key),
    /// A membership is about a user who isn't there any more.
    OfFormerUser {
        /// The user.
        user: UserId,
        /// The group.
        group: GroupId,
    },
    /// The group's half of a membership is missing: the user is not in the list of the group.
    NotInGroup {
        /// The user.
        user: UserId,
        /// The group.
        group: GroupId,
    },
    /// The user's half of a membership is missing, or tells of a later user.
    InGroupAlone {
        /// The user.
        user: UserId,
        /// The group.
        group: GroupId,
    },
    /// The name of a group is not reserved, or its reservation lacks what lists find it by.
    NameNotReserved(GroupId),
    /// The name of a group is reserved for another.
    NameHeldByAnother {
        /// The group.
        group: GroupId,
        /// Who holds it.
        holder: String,
    },
    /// A name is reserved for a group that does not have it, or isn't there.
    NameReservedForNone {
        /// The name, folded.
        name: String,
        /// For which group.
        owner: GroupId,
    },
    /// What is left of a deleted group is not taken apart any more.
    EndStopped {
        /// The group.
        group: GroupId,
        /// The step that it waits for.
        step: u64,
    },
}

impl Fault {
    /// Whether it is something too much. What is missing may have to take its place, so these are mended
    /// first.
    pub const fn is_orphan(&self) -> bool {
        matches!(
            self,
            Self::ReservedForNone { .. }
                | Self::NameReservedForNone { .. }
                | Self::WithoutUser(_)
                | Self::WithoutGroup(_)
                | Self::OfFormerUser { .. }
                | Self::InGroupAlone { .. }
        )
    }

    /// Whether it is mended for good only once the stream's consumer goes on.
    pub const fn needs_stream(&self) -> bool {
        matches!(self, Self::EndStopped { .. })
    }

    /// Whether only a person can decide what is right.
    pub const fn needs_person(&self) -> bool {
        matches!(
            self,
            Self::Unreadable(_) | Self::HeldByAnother { .. } | Self::NameHeldByAnother { .. }
        )
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.partition, self.sort)
    }
}

/// An identifier with its kind.
struct Named<'a>(&'a Identifier);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.0.kind {
            Kind::Email => "e-mail address",
            Kind::Phone => "phone number",
            Kind::Username => "username",
        };
        write!(f, "{kind} {}", self.0.canonical)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(key) => write!(f, "{key}: this item can't be read"),
            Self::NotReserved { user, identifier } => {
                write!(f, "user {user}: the {} is not reserved", Named(identifier))
            }
            Self::HeldByAnother {
                user,
                identifier,
                holder,
            } => {
                let identifier = Named(identifier);
                write!(f, "user {user}: the {identifier} is reserved for {holder}")
            }
            Self::ReservedOtherwise { user, identifier } => {
                let identifier = Named(identifier);
                write!(
                    f,
                    "user {user}: the reservation of the {identifier} is not whole"
                )
            }
            Self::NotListed(user) => write!(
                f,
                "user {user}: is missing from an index, or in one too many"
            ),
            Self::ReservedForNone { identifier, owner } => {
                let identifier = Named(identifier);
                write!(
                    f,
                    "the {identifier} is reserved for {owner}, who does not have it"
                )
            }
            Self::WithoutUser(key) => write!(f, "{key}: its user is not there"),
            Self::WithoutGroup(key) => write!(f, "{key}: its group is not there"),
            Self::OfFormerUser { user, group } => {
                write!(
                    f,
                    "user {user}: is a member of group {group} from before the user was deleted"
                )
            }
            Self::NotInGroup { user, group } => {
                write!(
                    f,
                    "user {user}: is a member of group {group}, and missing from its list"
                )
            }
            Self::InGroupAlone { user, group } => {
                write!(
                    f,
                    "user {user}: is in the list of group {group}, and no member of it"
                )
            }
            Self::NameNotReserved(group) => write!(
                f,
                "group {group}: its name is not reserved, or not as a whole"
            ),
            Self::NameHeldByAnother { group, holder } => {
                write!(f, "group {group}: its name is reserved for {holder}")
            }
            Self::NameReservedForNone { name, owner } => {
                write!(
                    f,
                    "the group name {name} is reserved for {owner}, which does not have it"
                )
            }
            Self::EndStopped { group, step } => {
                write!(
                    f,
                    "group {group}: was deleted; the removal of its members has stopped at step {step}"
                )
            }
        }
    }
}
