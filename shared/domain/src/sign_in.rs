//! Signing in: by what an attempt is counted, when a counter is locked, and what the outcome is
//! (email-self-service.md, "Sign-in limits").

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use crate::device::DeviceHash;
use crate::mac::sha256;
use crate::password::PasswordHash;
use crate::user::Place;
use crate::{
    Email, Epoch, Identifier, Kind, OperationId, Phone, Timestamp, User, UserId, Username,
};

/// How long a lock-out lasts.
pub const LOCK_OUT: Duration = Duration::from_mins(15);
/// How long an attempt under way counts as a failure. No function runs longer.
const UNDER_WAY_FOR: Duration = Duration::from_secs(10);
/// When to try again after too many attempts were under way.
const A_MOMENT: Duration = Duration::from_secs(2);
/// How long a failure in a row is remembered.
const IN_A_ROW_FOR: Duration = Duration::from_hours(24);
/// How long the failures of one IP address count, over all identifiers.
const FROM_AN_ADDRESS_FOR: Duration = Duration::from_mins(15);

/// How many failures lead to a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// In a row: an identifier and an IP address together, or a person's own device.
    pub of_a_pair: u64,
    /// Within a quarter of an hour: an IP address, over all identifiers.
    pub of_an_ip_address: u64,
    /// In a row: an account, from anywhere.
    pub of_an_account: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            of_a_pair: 5,
            of_an_ip_address: 100,
            of_an_account: 50,
        }
    }
}

/// An IP address as it is counted: whole, or the /64 network of an IPv6 address, because one customer
/// has all of it.
pub fn counted_address(ip_address: &str) -> String {
    let parsed: Result<IpAddr, _> = ip_address.parse();
    match parsed.map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => address.to_string(),
        Ok(IpAddr::V6(address)) => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            format!("{}/64", Ipv6Addr::from_bits(network))
        }
        Err(_) => ip_address.to_owned(),
    }
}

/// An identifier that was typed, and the IP address that it came from: failures are counted by both
/// together, whether or not a user has the identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentifierAndIp {
    /// The hash of the identifier in its canonical form.
    pub identifier_hash: String,
    /// The IP address, as it is counted.
    pub ip_address: String,
}

/// What an attempt is counted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Counter {
    /// The identifier and the IP address.
    IdentifierAndIp(IdentifierAndIp),
    /// The IP address, as it is counted.
    IpAddress(String),
    /// The user's own device. Its attempts are counted by this counter only, so that strangers can't
    /// keep a user out of the account on the user's own devices.
    Device(DeviceHash),
}

impl Counter {
    /// How many failures lock it.
    pub fn limit(&self, limits: Limits) -> u64 {
        match self {
            Self::IdentifierAndIp(_) | Self::Device(_) => limits.of_a_pair,
            Self::IpAddress(_) => limits.of_an_ip_address,
        }
    }

    /// How long it remembers a failure.
    pub fn remembers_for(&self) -> Duration {
        match self {
            Self::IdentifierAndIp(_) | Self::Device(_) => IN_A_ROW_FOR,
            Self::IpAddress(_) => FROM_AN_ADDRESS_FOR,
        }
    }

    /// The hash in the partition key of its item, in place of the identifier, the IP address or the
    /// device id.
    pub fn hash(&self) -> String {
        match self {
            Self::IdentifierAndIp(own) => own.identifier_hash.clone(),
            Self::IpAddress(address) => sha256(address.as_bytes()),
            Self::Device(hash) => hash.to_string(),
        }
    }
}

/// One attempt as a counter holds it: when it began, and the start of its operation's id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Try(String);

impl Try {
    /// An attempt that begins now.
    pub fn new(operation: &OperationId, now: Timestamp) -> Self {
        const ENOUGH_CHARACTERS: usize = 8;
        let id = operation.as_str();
        let id = id.get(..ENOUGH_CHARACTERS).unwrap_or(id);
        Self(format!("{}.{id}", now.as_unix()))
    }

    /// Takes it back from where it was stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// As it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn began(&self) -> Option<Timestamp> {
        let (seconds, _) = self.0.split_once('.')?;
        seconds.parse().ok().map(Timestamp::from_unix)
    }

    fn is_older_than(&self, age: Duration, now: Timestamp) -> bool {
        self.began().is_none_or(|began| began.plus(age) <= now)
    }
}

/// What a counter holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Attempts that are under way or have failed.
    pub tries: BTreeSet<Try>,
    /// Those that have failed.
    pub failed: BTreeSet<Try>,
    /// Until when it is locked.
    pub block_until: Option<Timestamp>,
}

/// Why a counter takes no further attempt, by what was read of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Full {
    /// It has counted this attempt already.
    Counted,
    /// These attempts fill it up, but don't count any more.
    Lapsed(Vec<Try>),
    /// It is locked until then.
    LockedUntil(Timestamp),
    /// Enough attempts have failed, so it has to be locked.
    ToBeLocked,
    /// Too many attempts are under way.
    UnderWay,
}

impl Tally {
    /// Why the counter refused `this`.
    pub fn refuses(&self, this: &Try, counter: &Counter, limits: Limits, now: Timestamp) -> Full {
        if let Some(until) = self.block_until.filter(|until| now < *until) {
            return Full::LockedUntil(until);
        }
        if self.tries.contains(this) {
            return Full::Counted;
        }
        let has_lapsed = |one: &&Try| {
            let counts_for = if self.failed.contains(*one) {
                counter.remembers_for()
            } else {
                UNDER_WAY_FOR
            };
            one.is_older_than(counts_for, now)
        };
        let lapsed: Vec<_> = self.tries.iter().filter(has_lapsed).cloned().collect();
        if !lapsed.is_empty() {
            Full::Lapsed(lapsed)
        } else if self.is_to_be_locked(counter, limits, now) {
            Full::ToBeLocked
        } else {
            Full::UnderWay
        }
    }

    /// Whether enough attempts have failed to lock the counter.
    pub fn is_to_be_locked(&self, counter: &Counter, limits: Limits, now: Timestamp) -> bool {
        self.failures(counter, now) >= counter.limit(limits)
    }

    /// When the last failure was; of a lock-out, when it began.
    pub fn last_failure(&self) -> Option<Timestamp> {
        let failed = self.failed.iter().filter_map(Try::began).max();
        let locked = self.block_until.map(|until| until.minus(LOCK_OUT));
        failed.max(locked)
    }

    /// How many failures count at `now`, less those that a lock-out holds.
    pub(crate) fn failures(&self, counter: &Counter, now: Timestamp) -> u64 {
        let age = counter.remembers_for();
        let failed = self.failed.iter();
        failed.filter(|one| !one.is_older_than(age, now)).count() as u64
    }
}

/// Whether the password of an attempt may be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The attempt is counted, and its password may be checked.
    Counted,
    /// Too many attempts have failed before.
    LockedUntil(Timestamp),
    /// Too many attempts are under way.
    OneTooMany,
}

impl Admission {
    /// How long to wait; `None` where the password may be checked.
    pub fn wait(self, now: Timestamp) -> Option<Duration> {
        match self {
            Self::Counted => None,
            Self::LockedUntil(until) => Some(now.until(until)),
            Self::OneTooMany => Some(A_MOMENT),
        }
    }
}

/// An identifier as a person typed it to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedIdentifier {
    kind: Kind,
    /// The canonical form; where the text is no identifier of its kind, the text itself.
    canonical: String,
    is_valid: bool,
}

impl TypedIdentifier {
    /// Takes what was typed, less the spaces around it. A text that is not valid belongs to no user,
    /// and its attempts are counted like all others.
    pub fn new(kind: Kind, text: &str) -> Self {
        let text = text.trim();
        let parsed = match kind {
            Kind::Email => Email::parse(text).map(|email| Identifier::from(&email)),
            Kind::Phone => Phone::parse(text).map(|phone| Identifier::from(&phone)),
            Kind::Username => Username::parse(text).map(|username| Identifier::from(&username)),
        };
        Self {
            kind,
            is_valid: parsed.is_ok(),
            canonical: parsed.map_or_else(|_| text.to_owned(), |parsed| parsed.canonical),
        }
    }

    /// The identifier, if it is one.
    pub fn identifier(&self) -> Option<Identifier> {
        self.is_valid.then(|| Identifier {
            kind: self.kind,
            canonical: self.canonical.clone(),
        })
    }

    /// The counter of its attempts from `ip_address`.
    pub fn pair(&self, ip_address: &str) -> IdentifierAndIp {
        IdentifierAndIp::of(self.kind, &self.canonical, ip_address)
    }
}

impl IdentifierAndIp {
    fn of(kind: Kind, canonical: &str, ip_address: &str) -> Self {
        Self {
            identifier_hash: sha256(format!("{kind:?}\0{canonical}").as_bytes()),
            ip_address: counted_address(ip_address),
        }
    }

    /// What attempts at this identifier from `ip_address` are counted by.
    pub fn of_identifier(identifier: &Identifier, ip_address: &str) -> Self {
        Self::of(identifier.kind, &identifier.canonical, ip_address)
    }

    /// What counts a signed-in user's tries at the password: the counter of sign-ins with the primary
    /// address, or else with any of the identifiers.
    pub fn of_user(user: &User, ip_address: &str) -> Self {
        let primary = user.emails().primary_value();
        let identifier = primary
            .map(|(_, email)| Identifier::from(email))
            .or_else(|| user.identifiers().into_keys().next());
        match identifier {
            Some(identifier) => Self::of_identifier(&identifier, ip_address),
            None => Self::of(Kind::Username, user.id().as_str(), ip_address),
        }
    }
}

/// Where a request comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// The IP address, as it is shown.
    pub ip_address: String,
    /// The browser, as it calls itself.
    pub user_agent: Option<String>,
    /// Where the visitor is, if CloudFront tells it.
    pub place: Place,
}

/// The facts of a user that decide on an attempt. The others are not read: their size must not show in
/// the time of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInUser {
    /// Names the user.
    pub id: UserId,
    /// May not sign in.
    pub disabled: bool,
    /// The password's hash, if the user has one that is known.
    pub hash: Option<PasswordHash>,
    /// Whether the password must be changed.
    pub force_reset: bool,
    /// The epoch that sessions and devices must have.
    pub session_epoch: Epoch,
    /// Sign-ins that succeeded.
    pub successes: u64,
    /// Failures in a row.
    pub failures: u64,
    /// When the lock-out ends.
    pub block_until: Option<Timestamp>,
}

impl From<&User> for SignInUser {
    fn from(user: &User) -> Self {
        let sign_ins = user.sign_ins();
        Self {
            id: user.id().clone(),
            disabled: user.is_disabled(),
            hash: user.password_hash().cloned(),
            force_reset: user.credential().is_some_and(|own| own.force_reset),
            session_epoch: user.session_epoch(),
            successes: sign_ins.successes,
            failures: sign_ins.failures,
            block_until: sign_ins.block_until,
        }
    }
}

impl SignInUser {
    /// Whether the lock-out lasts at `now`.
    pub fn is_blocked(&self, now: Timestamp) -> bool {
        self.block_until.is_some_and(|until| until > now)
    }
}

/// The outcome of an attempt with a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The person is not signed in. The answer doesn't say why.
    Refused,
    /// The password is right, and must be changed first.
    MustChangePassword,
    /// The person may sign in.
    Welcome,
}

/// Judges an attempt. A lock-out of the account doesn't hold for the user's own devices, because any
/// stranger can cause one.
pub fn judge(
    user: Option<&SignInUser>,
    password_is_right: bool,
    is_own_device: bool,
    now: Timestamp,
) -> Verdict {
    match user {
        Some(user)
            if password_is_right && !user.disabled && (is_own_device || !user.is_blocked(now)) =>
        {
            if user.force_reset {
                Verdict::MustChangePassword
            } else {
                Verdict::Welcome
            }
        }
        _ => Verdict::Refused,
    }
}

/// What a failed attempt does to the user's counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// One more in a row.
    OneMore {
        /// Until when it locks the account, if it does.
        locks: Option<Timestamp>,
    },
    /// The first since a lock-out passed.
    FirstAgain {
        /// Until when it locks the account, if it does.
        locks: Option<Timestamp>,
    },
    /// The account is locked already: the attempt is counted, the failure is not.
    WhileLocked,
    /// The attempt came from the user's own device, and the device's counter has the failure: here only
    /// the attempt is counted.
    AtHome,
}

impl Failure {
    /// What one more failure from another device does to `user`, as it was read.
    pub fn of(user: &SignInUser, limits: Limits, now: Timestamp) -> Self {
        let locks = |failures: u64| {
            let are_too_many = failures >= limits.of_an_account;
            are_too_many.then(|| now.plus(LOCK_OUT))
        };
        match user.block_until {
            Some(_) if user.is_blocked(now) => Self::WhileLocked,
            Some(_) => Self::FirstAgain { locks: locks(1) },
            None => Self::OneMore {
                locks: locks(user.failures + 1),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    const NOW: Timestamp = Timestamp::from_unix(1_700_000_000);

    fn user() -> SignInUser {
        SignInUser {
            disabled: false,
            failures: 0,
            block_until: None,
            ..SignInUser::from(&sample::published())
        }
    }

    fn pair() -> Counter {
        Counter::IdentifierAndIp(TypedIdentifier::new(Kind::Username, "ada").pair("192.0.2.1"))
    }

    fn limits(of_a_pair: u64) -> Limits {
        Limits {
            of_a_pair,
            ..Limits::default()
        }
    }

    /// An attempt that began so many seconds ago.
    fn ago(seconds: i64, n: u8) -> Try {
        let began = Timestamp::from_unix(NOW.as_unix() - seconds);
        Try::new(&OperationId::random([n; 16]), began)
    }

    fn tally(under_way: &[Try], failed: &[Try]) -> Tally {
        Tally {
            tries: under_way.iter().chain(failed).cloned().collect(),
            failed: failed.iter().cloned().collect(),
            block_until: None,
        }
    }

    #[test]
    fn spellings_of_one_identifier_are_counted_together() {
        let pair = |kind, text| TypedIdentifier::new(kind, text).pair("192.0.2.1");
        assert_eq!(
            pair(Kind::Email, " Grace@Example.ORG"),
            pair(Kind::Email, "grace@example.org")
        );
        assert_eq!(pair(Kind::Username, "ada "), pair(Kind::Username, "Ada"));
        assert_ne!(pair(Kind::Email, "x"), pair(Kind::Username, "x"));
        assert_ne!(pair(Kind::Email, "x"), pair(Kind::Email, "y"));
        assert_eq!(TypedIdentifier::new(Kind::Email, "x").identifier(), None);
    }

    #[test]
    fn spaces_around_a_username_are_dropped() {
        let typed = |text| TypedIdentifier::new(Kind::Username, text).identifier();
        let ada = typed("ada");
        assert!(ada.is_some());
        for spaced in ["ada ", " ada", "\tada\n", "\u{a0}ada\u{3000}"] {
            assert_eq!(typed(spaced), ada, "{spaced:?}");
        }
        assert_eq!(typed("a da"), None);
    }

    #[test]
    fn an_ipv4_address_counts_whole_and_an_ipv6_address_by_its_64() {
        for (address, counted) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
            ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
            ("somewhere", "somewhere"),
        ] {
            assert_eq!(counted_address(address), counted);
        }
    }

    #[test]
    fn attempts_under_way_are_in_the_way_for_ten_seconds_and_lock_nothing() {
        let refuses = |tally: &Tally| tally.refuses(&ago(0, 9), &pair(), limits(2), NOW);
        let full = tally(&[ago(9, 1), ago(0, 2)], &[]);
        assert_eq!(refuses(&full), Full::UnderWay);
        let one_failed = tally(&[ago(9, 1)], &[ago(60, 2)]);
        assert_eq!(refuses(&one_failed), Full::UnderWay);
        let one_crashed = tally(&[ago(10, 1), ago(9, 2)], &[]);
        assert_eq!(refuses(&one_crashed), Full::Lapsed(vec![ago(10, 1)]));
        assert_eq!(
            Admission::OneTooMany.wait(NOW),
            Some(Duration::from_secs(2))
        );
    }

    #[test]
    fn as_many_failures_as_the_limit_are_to_lock() {
        let failed = [ago(86_399, 1), ago(0, 2)];
        let full = tally(&[], &failed);
        assert!(full.is_to_be_locked(&pair(), limits(2), NOW));
        assert!(!full.is_to_be_locked(&pair(), limits(3), NOW));
        let refuses = |tally: &Tally| tally.refuses(&ago(0, 9), &pair(), limits(2), NOW);
        assert_eq!(refuses(&full), Full::ToBeLocked);
        let until = NOW.plus(LOCK_OUT);
        let locked = Tally {
            block_until: Some(until),
            ..Tally::default()
        };
        assert_eq!(refuses(&locked), Full::LockedUntil(until));
        // A repeat of an attempt that was counted is recognised.
        assert_eq!(
            full.refuses(&failed[1], &pair(), limits(2), NOW),
            Full::Counted
        );
    }

    #[test]
    fn failures_in_a_row_are_forgotten_after_a_day_those_of_an_ip_address_after_a_quarter_of_an_hour()
     {
        let address = Counter::IpAddress("192.0.2.1".to_owned());
        for (counter, seconds) in [(pair(), 86_400), (address, 900)] {
            let limits = Limits {
                of_an_ip_address: 1,
                ..limits(1)
            };
            let refuses = |ago: Try| {
                tally(&[], &[ago]).refuses(&Try::stored(String::new()), &counter, limits, NOW)
            };
            assert_eq!(refuses(ago(seconds - 1, 1)), Full::ToBeLocked);
            assert_eq!(
                refuses(ago(seconds, 1)),
                Full::Lapsed(vec![ago(seconds, 1)])
            );
        }
    }

    #[test]
    fn only_the_right_password_of_an_enabled_unlocked_user_is_welcome() {
        assert_eq!(judge(Some(&user()), true, false, NOW), Verdict::Welcome);
        assert_eq!(judge(Some(&user()), false, true, NOW), Verdict::Refused);
        assert_eq!(judge(None, true, true, NOW), Verdict::Refused);
        let disabled = SignInUser {
            disabled: true,
            ..user()
        };
        assert_eq!(judge(Some(&disabled), true, true, NOW), Verdict::Refused);
        let locked = SignInUser {
            block_until: Some(NOW.plus(LOCK_OUT)),
            ..user()
        };
        assert_eq!(judge(Some(&locked), true, false, NOW), Verdict::Refused);
        assert_eq!(judge(Some(&locked), true, true, NOW), Verdict::Welcome);
        let forced = SignInUser {
            force_reset: true,
            ..user()
        };
        assert_eq!(
            judge(Some(&forced), true, false, NOW),
            Verdict::MustChangePassword
        );
    }

    #[test]
    fn the_fiftieth_failure_locks_and_the_next_one_after_it_counts_as_the_first() {
        let limits = Limits::default();
        let mut user = user();
        user.failures = 48;
        let one_more = |locks| Failure::OneMore { locks };
        assert_eq!(Failure::of(&user, limits, NOW), one_more(None));
        user.failures = 49;
        let until = NOW.plus(LOCK_OUT);
        assert_eq!(Failure::of(&user, limits, NOW), one_more(Some(until)));
        user.block_until = Some(until);
        assert_eq!(Failure::of(&user, limits, NOW), Failure::WhileLocked);
        let first_again = |locks| Failure::FirstAgain { locks };
        assert_eq!(Failure::of(&user, limits, until), first_again(None));
        let strict = Limits {
            of_an_account: 1,
            ..limits
        };
        let later = until.plus(LOCK_OUT);
        assert_eq!(Failure::of(&user, strict, until), first_again(Some(later)));
    }
}
