//! The IP addresses from which signing in as a user has failed, as an administrator sees and
//! unblocks them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

use crate::sign_in::{Counter, IdentifierAndIp, Limits, Tally, counted_address};
use crate::{Timestamp, User};

/// What was counted for one of a user's identifiers and one IP address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedIdentifierAndIp {
    /// The identifier and the address.
    pub pair: IdentifierAndIp,
    /// The failures, and the lock-out.
    pub tally: Tally,
    /// All attempts, since a right password came from there.
    pub attempts: u64,
    /// When the last one was.
    pub last_attempt: Timestamp,
}

/// An IP address with failures that count, or with a lock-out: what was counted for all of a user's
/// identifiers together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockedIp {
    /// The address as it is counted: whole, or the /64 network of an IPv6 address.
    pub ip_address: String,
    /// Failures that count; a lock-out stands for as many as led to it.
    pub failures: u64,
    /// All attempts.
    pub attempts: u64,
    /// When the last one was.
    pub last_attempt: Timestamp,
    /// When the user signed in last, if that was from there.
    pub last_success: Option<Timestamp>,
    /// When the last of the lock-outs ends.
    pub block_until: Option<Timestamp>,
}

impl CountedIdentifierAndIp {
    /// The failures that count, and the end of the lock-out; nothing where there is neither.
    fn blocks(&self, limits: Limits, now: Timestamp) -> Option<(u64, Option<Timestamp>)> {
        let counter = Counter::IdentifierAndIp(self.pair.clone());
        match self.tally.block_until.filter(|until| now < *until) {
            // The failures went when they locked.
            Some(until) => Some((counter.limit(limits), Some(until))),
            None => match self.tally.failures(&counter, now) {
                0 => None,
                failures => Some((failures, None)),
            },
        }
    }
}

impl BlockedIp {
    /// Those of a user, by address.
    pub fn all(
        counted: &[CountedIdentifierAndIp],
        user: &User,
        limits: Limits,
        now: Timestamp,
    ) -> Vec<Self> {
        let mut by_address = BTreeMap::new();
        for one in counted {
            let Some((failures, block_until)) = one.blocks(limits, now) else {
                continue;
            };
            let ip_address = &one.pair.ip_address;
            let of_address = by_address
                .entry(ip_address.clone())
                .or_insert_with(|| Self {
                    ip_address: ip_address.clone(),
                    failures: 0,
                    attempts: 0,
                    last_attempt: one.last_attempt,
                    last_success: last_success(user, ip_address),
                    block_until: None,
                });
            of_address.failures += failures;
            of_address.attempts += one.attempts;
            of_address.last_attempt = of_address.last_attempt.max(one.last_attempt);
            of_address.block_until = of_address.block_until.max(block_until);
        }
        by_address.into_values().collect()
    }
}

/// The user's last success, if it came from this address. Older ones are not kept.
fn last_success(user: &User, ip_address: &str) -> Option<Timestamp> {
    let sign_ins = user.sign_ins();
    let last = sign_ins.last_success_ip.as_deref()?;
    (counted_address(last) == ip_address)
        .then_some(sign_ins.last_success)
        .flatten()
}

/// Which IP addresses an administrator unblocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unblocked {
    /// All of them.
    All,
    /// One, as it is counted.
    One(String),
}

impl Unblocked {
    /// Takes `all`, an IP address, or an IPv6 network as it is shown.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "all" {
            return Some(Self::All);
        }
        let address = match text.strip_suffix("/64") {
            Some(network) => network.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            None => text.parse().ok(),
        };
        address.map(|address| Self::One(counted_address(&address.to_string())))
    }

    /// Whether this address, as it is counted, is among them.
    pub fn includes(&self, ip_address: &str) -> bool {
        match self {
            Self::All => true,
            Self::One(one) => one == ip_address,
        }
    }
}

/// An IP address, or the start of one, that a list is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressStart(String);

impl AddressStart {
    /// As long as an address gets, with its network's length.
    const MAX_CHARACTERS: usize = 49;

    /// Takes what consists of an address's characters.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = |b: u8| b.is_ascii_hexdigit() || matches!(b, b'.' | b':' | b'/');
        (text.len() <= Self::MAX_CHARACTERS && text.bytes().all(fits))
            .then(|| Self(text.to_ascii_lowercase()))
    }

    /// Whether this address, as it is counted, starts so; of a whole address, whether it is counted so.
    pub fn matches(&self, ip_address: &str) -> bool {
        match Unblocked::parse(&self.0) {
            Some(whole) => whole.includes(ip_address),
            None => ip_address.starts_with(&self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{self, changed};
    use crate::sign_in::{LOCK_OUT, Try, TypedIdentifier};
    use crate::{Kind, OperationId};

    const NOW: Timestamp = Timestamp::from_unix(1_700_000_000);

    fn ago(seconds: i64) -> Timestamp {
        Timestamp::from_unix(NOW.as_unix() - seconds)
    }

    fn counted(name: &str, ip_address: &str, failed: &[i64]) -> CountedIdentifierAndIp {
        let failed: Vec<Try> = failed
            .iter()
            .zip(0..)
            .map(|(seconds, n)| Try::new(&OperationId::random([n; 16]), ago(*seconds)))
            .collect();
        CountedIdentifierAndIp {
            pair: TypedIdentifier::new(Kind::Username, name).pair(ip_address),
            tally: Tally {
                tries: failed.iter().cloned().collect(),
                failed: failed.into_iter().collect(),
                block_until: None,
            },
            attempts: 7,
            last_attempt: ago(60),
        }
    }

    fn all(counted: &[CountedIdentifierAndIp]) -> Vec<BlockedIp> {
        BlockedIp::all(counted, &sample::published(), Limits::default(), NOW)
    }

    #[test]
    fn what_is_counted_for_several_identifiers_is_shown_together() {
        let mut locked = counted("other", "192.0.2.1", &[]);
        locked.tally.block_until = Some(NOW.plus(LOCK_OUT));
        locked.last_attempt = ago(5);
        let shown = all(&[
            counted("ada", "192.0.2.1", &[10, 20]),
            locked,
            counted("ada", "2001:db8:1:2::7", &[30]),
        ]);
        let of_one = BlockedIp {
            ip_address: "192.0.2.1".to_owned(),
            failures: 2 + 5,
            attempts: 14,
            last_attempt: ago(5),
            last_success: None,
            block_until: Some(NOW.plus(LOCK_OUT)),
        };
        let of_network = BlockedIp {
            ip_address: "2001:db8:1:2::/64".to_owned(),
            failures: 1,
            attempts: 7,
            last_attempt: ago(60),
            last_success: None,
            block_until: None,
        };
        assert_eq!(shown, [of_one, of_network]);
    }

    #[test]
    fn what_counts_no_more_is_not_shown() {
        let mut over = counted("ada", "192.0.2.1", &[]);
        over.tally.block_until = Some(NOW);
        let mut under_way = counted("ada", "192.0.2.2", &[1]);
        under_way.tally.failed.clear();
        let old = counted("ada", "192.0.2.3", &[24 * 60 * 60]);
        assert_eq!(all(&[over, under_way, old]), []);
        let [young] = all(&[counted("ada", "192.0.2.3", &[24 * 60 * 60 - 1])])
            .try_into()
            .unwrap();
        assert_eq!(young.failures, 1);
    }

    #[test]
    fn the_last_success_shows_at_the_address_that_it_came_from() {
        let user = changed(sample::published(), |user| {
            user.sign_ins.last_success = Some(ago(100));
            user.sign_ins.last_success_ip = Some("2001:db8:1:2::1".to_owned());
        });
        let counted = [
            counted("ada", "2001:db8:1:2::7", &[10]),
            counted("ada", "192.0.2.1", &[10]),
        ];
        let shown = BlockedIp::all(&counted, &user, Limits::default(), NOW);
        let successes: Vec<_> = shown.iter().map(|one| one.last_success).collect();
        assert_eq!(successes, [None, Some(ago(100))]);
    }

    #[test]
    fn an_address_is_unblocked_as_it_is_counted() {
        let one = |text: &str| Some(Unblocked::One(text.to_owned()));
        for (text, parsed) in [
            ("all", Some(Unblocked::All)),
            ("192.0.2.1", one("192.0.2.1")),
            ("::ffff:192.0.2.1", one("192.0.2.1")),
            ("2001:DB8:1:2:3::4", one("2001:db8:1:2::/64")),
            ("2001:db8:1:2::/64", one("2001:db8:1:2::/64")),
            ("", None),
            ("ALL", None),
            ("192.0.2.1/64", None),
            ("192.0.2", None),
            ("2001:db8::/32", None),
            ("example.org", None),
        ] {
            assert_eq!(Unblocked::parse(text), parsed, "{text}");
        }
        assert!(Unblocked::All.includes("192.0.2.1"));
        assert!(!Unblocked::One("192.0.2.1".to_owned()).includes("192.0.2.11"));
    }

    #[test]
    fn a_list_is_filtered_by_the_start_of_an_address_or_by_one() {
        for (filter, ip_address, matches) in [
            ("", "192.0.2.1", true),
            ("192.0.", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.10", false),
            ("2.0", "192.0.2.1", false),
            ("2001:DB8", "2001:db8:1:2::/64", true),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", true),
            ("::ffff:192.0.2.1", "192.0.2.1", true),
            ("all", "192.0.2.1", false),
        ] {
            let filter = AddressStart::parse(filter);
            let shown = filter.is_some_and(|filter| filter.matches(ip_address));
            assert_eq!(shown, matches, "{ip_address}");
        }
        assert_eq!(AddressStart::parse("host"), None);
        assert_eq!(AddressStart::parse(&"1".repeat(50)), None);
    }
}
