//! Numbers that only ever grow. Each is a type of its own, so that one can't be used in place of
//! another.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// How often a user was stored: the entity tag. It moves with every stored change, sign-ins
/// included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(u64);

/// Which sessions and devices of a user hold: those of the user's present epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(u64);

/// Which signed links of a user hold: those of the user's present generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(u64);

macro_rules! counter {
    ($name:ident) => {
        impl $name {
            /// Takes the number back from where it was stored or shown.
            pub const fn new(number: u64) -> Self {
                Self(number)
            }

            /// The number.
            pub const fn as_u64(self) -> u64 {
                self.0
            }

            /// The one after it.
            pub const fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

counter!(Version);
counter!(Epoch);
counter!(Generation);

impl Version {
    /// The version of a new user.
    pub const FIRST: Self = Self(1);
}

impl Epoch {
    /// The epoch of a user who is created at this time. It is not zero: sessions and devices of a
    /// deleted user must not fit a user who is created under the same id later.
    pub fn first(created: Timestamp) -> Self {
        Self(seconds(created))
    }
}

impl Generation {
    /// The generation of a user who is created at this time. It is not zero, for the same reason as
    /// [`Epoch::first`].
    pub fn first(created: Timestamp) -> Self {
        Self(seconds(created))
    }
}

fn seconds(time: Timestamp) -> u64 {
    u64::try_from(time.as_unix()).unwrap_or_default()
}
