//! What is asked of a directory.

use std::fmt::{self, Display, Formatter};

use processes::Call;
use rand::RngExt as _;
use rand::rngs::StdRng;

use crate::crowd::{CLUBS, Club, Crowd, MEMBERS};
use crate::site::{Site, get};

/// Users on a page.
const SIZE: u32 = 10;
const PAGE: u32 = 50;

/// A kind of request whose time must not depend on the number of users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Row {
    Get,
    Cursor,
    Number,
    Prefix,
    Exact,
    Domain,
}

impl Row {
    pub(crate) const ALL: [Self; 6] = [
        Self::Get,
        Self::Cursor,
        Self::Number,
        Self::Prefix,
        Self::Exact,
        Self::Domain,
    ];

    /// A request of this kind.
    pub(crate) fn call(self, site: &Site, random: &mut StdRng) -> Call {
        let mut any = |count: u32| random.random_range(..count);
        let club = Club(any(CLUBS));
        get(&match self {
            Self::Get => format!("/api/users/{}", Crowd::id(any(site.crowd.users()))),
            Self::Cursor => {
                let cursor = any(u32::try_from(site.cursors.len()).unwrap_or(u32::MAX));
                let cursor = &site.cursors[cursor as usize];
                format!("/api/users?size={SIZE}&cursor={cursor}")
            }
            Self::Number => format!("/api/users?size={SIZE}&page={PAGE}"),
            Self::Prefix => format!("/api/users?filter=email:{}*", club.start()),
            Self::Exact => format!("/api/users?filter=email:{}", club.email(any(MEMBERS))),
            Self::Domain => format!("/api/users?filter=domain:{}", club.domain()),
        })
    }

    /// How many users the right answer lists; none where it is a user.
    pub(crate) fn listed(self) -> Option<u32> {
        match self {
            Self::Get => None,
            Self::Cursor | Self::Number => Some(SIZE),
            Self::Prefix | Self::Domain => Some(MEMBERS),
            Self::Exact => Some(1),
        }
    }
}

impl Display for Row {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Get => "get a user",
            Self::Cursor => "a page by cursor, in the middle",
            Self::Number => "page 50 of 10 by number",
            Self::Prefix => "filter by the start of an address",
            Self::Exact => "filter by an address",
            Self::Domain => "filter by a domain",
        })
    }
}
