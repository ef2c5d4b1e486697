//! The users of a directory: as many as are asked for, and the same in each run.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use serde_json::{Value, json};

/// How many clubs there are, and how many members each has, at any number of users.
pub(crate) const CLUBS: u32 = 20;
pub(crate) const MEMBERS: u32 = 10;

/// Every so many users have a phone number.
const WITH_PHONE: u32 = 10;
/// Areas of the United Kingdom, in each of which the numbers from 496 0000 to 496 0999 are kept free for
/// fiction.
const AREAS: [u32; 10] = [113, 114, 116, 117, 118, 121, 131, 141, 151, 161];
const NUMBERS_OF_AN_AREA: usize = 1000;

const GIVEN_NAMES: [&str; 24] = [
    "Ada",
    "Alan",
    "Barbara",
    "Claude",
    "Donald",
    "Edsger",
    "Frances",
    "Grace",
    "Hedy",
    "Ivan",
    "John",
    "Katherine",
    "Leslie",
    "Margaret",
    "Niklaus",
    "Olga",
    "Peter",
    "Radia",
    "Sophie",
    "Tony",
    "Ursula",
    "Vera",
    "Wendy",
    "Yukihiro",
];
const FAMILY_NAMES: [&str; 16] = [
    "Allen",
    "Byron",
    "Codd",
    "Dijkstra",
    "Engelbart",
    "Floyd",
    "Goldberg",
    "Hopper",
    "Iverson",
    "Johnson",
    "Knuth",
    "Lamport",
    "Milner",
    "Naur",
    "Perlman",
    "Wirth",
];
const DOMAINS: [&str; 3] = ["example.com", "example.net", "example.org"];

/// So many users. Ten of them, far from each other in the order of creation, are members of a club: their
/// addresses start alike, and have a domain that no other user has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Crowd {
    users: u32,
}

/// What the addresses of a club's members have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Club(pub(crate) u32);

impl Crowd {
    /// The least number of users that has room for all members.
    pub(crate) const LEAST: u32 = CLUBS * MEMBERS;

    pub(crate) const fn of(users: u32) -> Self {
        Self { users }
    }

    pub(crate) const fn users(self) -> u32 {
        self.users
    }

    /// The id of one of the users, counted from 0 in the order of creation.
    pub(crate) fn id(number: u32) -> String {
        format!("{:016x}", mixed(number))
    }

    /// Writes the users as lines of JSON.
    pub(crate) fn write(self, file: &Path) -> io::Result<()> {
        let mut file = BufWriter::new(File::create(file)?);
        for number in 0..self.users {
            writeln!(file, "{}", self.user(number))?;
        }
        file.flush()
    }

    /// A user as an import has it.
    fn user(self, number: u32) -> Value {
        let [given, family, domain, ..] = mixed(number).to_le_bytes().map(usize::from);
        let given = GIVEN_NAMES[given % GIVEN_NAMES.len()];
        let family = FAMILY_NAMES[family % FAMILY_NAMES.len()];
        let username = format!("{given}.{family}.{number}");
        let email = self.membership(number).unwrap_or_else(|| {
            let domain = DOMAINS[domain % DOMAINS.len()];
            format!("{username}@{domain}")
        });
        let phones: Vec<_> = phone(number)
            .map(|phone| json!({ "phone": phone, "verified": true, "primary": true }))
            .into_iter()
            .collect();
        let time = 1_600_000_000 + 60 * u64::from(number);
        json!({
            "user_id": Self::id(number),
            "creation_time": time,
            "last_updated": time,
            "username": { "username": username },
            "emails": [{ "email": email, "verified": true, "primary": true }],
            "phone_numbers": phones,
            "claims": {
                "name": format!("{given} {family}"), "given_name": given, "family_name": family,
            },
        })
    }

    /// The address of a member.
    fn membership(self, number: u32) -> Option<String> {
        let apart = self.users / Self::LEAST;
        let place = number / apart;
        let is_member = number.is_multiple_of(apart) && place < Self::LEAST;
        is_member.then(|| Club(place % CLUBS).email(place / CLUBS))
    }
}

impl Club {
    /// How the addresses of its members start; other users' start with the same names.
    pub(crate) fn start(self) -> String {
        let number = self.0 as usize;
        let given = GIVEN_NAMES[number % GIVEN_NAMES.len()];
        let family = FAMILY_NAMES[number % FAMILY_NAMES.len()];
        format!("{given}.{family}.club{number}.")
    }

    pub(crate) fn domain(self) -> String {
        format!("club{}.example", self.0)
    }

    /// The address of a member, counted from 0.
    pub(crate) fn email(self, member: u32) -> String {
        format!("{}{member}@{}", self.start(), self.domain())
    }
}

fn phone(number: u32) -> Option<String> {
    let count = (number / WITH_PHONE) as usize;
    let (area, rest) = (AREAS[count % AREAS.len()], count / AREAS.len());
    let is_given = number.is_multiple_of(WITH_PHONE) && rest < NUMBERS_OF_AN_AREA;
    is_given.then(|| format!("+44{area}4960{rest:03}"))
}

/// Another number for each number, far from those of its neighbours: as ids of a directory are, and so
/// that neighbours are no neighbours in an index (the mixing of `SplitMix64`).
fn mixed(number: u32) -> u64 {
    let mut z = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
