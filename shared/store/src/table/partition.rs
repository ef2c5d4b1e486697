//! The kinds of partition that the table has.

use std::fmt::Display;

/// What a partition of the table is about. It is the start of the partition's key.
///
/// A role is allowed the kinds that its function touches (`dynamodb:LeadingKeys`), so a function that
/// reads users can't read failed sign-ins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Partition {
    /// Which groups take in every new user.
    AutoGroups,
    /// That a change was counted.
    Counted,
    /// The number of users.
    Counter,
    /// A reservation of an e-mail address.
    Email,
    /// A group, and its users.
    Group,
    /// A reservation of a group's name.
    GroupName,
    /// Limits on notifications: of a user or an address within an hour.
    Limit,
    /// An operation that a client named. Functions also read an absent one to connect.
    Operation,
    /// A reservation of a phone number.
    Phone,
    /// Failed sign-ins.
    SignIn,
    /// A user, and all that hangs on the user.
    User,
    /// A reservation of a username.
    Username,
}

impl Partition {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::AutoGroups,
        Self::Counted,
        Self::Counter,
        Self::Email,
        Self::Group,
        Self::GroupName,
        Self::Limit,
        Self::Operation,
        Self::Phone,
        Self::SignIn,
        Self::User,
        Self::Username,
    ];

    /// How the partition keys of the kind start.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::AutoGroups => "AUTO_GROUPS#",
            Self::Counted => "COUNTED#",
            Self::Counter => "COUNTER#",
            Self::Email => "EMAIL#",
            Self::Group => "GROUP#",
            Self::GroupName => "GROUP_NAME#",
            Self::Limit => "LIMIT#",
            Self::Operation => "OPERATION#",
            Self::Phone => "PHONE#",
            Self::SignIn => "SIGN_IN#",
            Self::User => "USER#",
            Self::Username => "USERNAME#",
        }
    }

    /// The kind of a partition, and what it is of.
    pub(crate) fn of(key: &str) -> Option<(Self, &str)> {
        let mut kinds = Self::ALL.iter();
        kinds.find_map(|kind| Some((*kind, key.strip_prefix(kind.prefix())?)))
    }

    /// The partition key of one partition of the kind.
    pub(crate) fn key(self, of: impl Display) -> String {
        format!("{}{of}", self.prefix())
    }
}
