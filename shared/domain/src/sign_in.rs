//! Signing in: whom an attempt is counted against, when it is locked out, what it comes to
//! (email-self-service.md, "Sign-in limits").

use std::time::Duration;

use crate::mac::sha256;
use crate::user::Place;
use crate::{Email, Identifier, Kind, Phone, Timestamp, User, Username};

/// How long a pair or an account stays locked.
pub const LOCK_OUT: Duration = Duration::from_mins(15);
/// For how long an address that signed in is not locked out with the account.
pub const KNOWN_FOR: Duration = Duration::from_hours(30 * 24);

/// How many failures in a row lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// An identifier and an IP address together.
    pub of_a_pair: u64,
    /// An account, from anywhere.
    pub of_an_account: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            of_a_pair: 5,
            of_an_account: 50,
        }
    }
}

/// Who tries, from where: what failures are counted by, whether or not anybody has the identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The hash of the identifier in its canonical form.
    pub identifier_hash: String,
    /// The IP address.
    pub ip_address: String,
}

/// An identifier as somebody typed it to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedIdentifier {
    kind: Kind,
    /// The canonical form; where the text is no identifier of its kind, the text itself.
    canonical: String,
    is_valid: bool,
}

impl TypedIdentifier {
    /// Takes what was typed. What is not valid is nobody's, and is otherwise treated alike.
    pub fn new(kind: Kind, text: &str) -> Self {
        let parsed = match kind {
            Kind::Email => Email::parse(text).map(|email| Identifier::from(&email)),
            Kind::Phone => Phone::parse(text).map(|phone| Identifier::from(&phone)),
            Kind::Username => Username::parse(text).map(|username| Identifier::from(&username)),
        };
        Self {
            kind,
            is_valid: parsed.is_ok(),
            canonical: parsed.map_or_else(|_| text.trim().to_owned(), |parsed| parsed.canonical),
        }
    }

    /// The identifier, if it is one.
    pub fn identifier(&self) -> Option<Identifier> {
        self.is_valid.then(|| Identifier {
            kind: self.kind,
            canonical: self.canonical.clone(),
        })
    }

    /// What its attempts from `ip_address` are counted by.
    pub fn pair(&self, ip_address: &str) -> Pair {
        Pair::of(self.kind, &self.canonical, ip_address)
    }
}

impl Pair {
    fn of(kind: Kind, canonical: &str, ip_address: &str) -> Self {
        Self {
            identifier_hash: sha256(format!("{kind:?}\0{canonical}").as_bytes()),
            ip_address: ip_address.to_owned(),
        }
    }

    /// What a signed-in user's tries at the password are counted by: the same as those at
    /// signing in with the primary address, or else with any identifier.
    pub fn of_user(user: &User, ip_address: &str) -> Self {
        let primary = user.primary_email.and_then(|id| user.emails.get(&id));
        let identifier = primary
            .map(|email| Identifier::from(&email.value))
            .or_else(|| user.identifiers().into_keys().next());
        match identifier {
            Some(identifier) => Self::of(identifier.kind, &identifier.canonical, ip_address),
            None => Self::of(Kind::Username, user.id.as_str(), ip_address),
        }
    }
}

/// Where a request comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// The IP address.
    pub ip_address: String,
    /// The browser, as it calls itself.
    pub user_agent: Option<String>,
    /// Where that is, if somebody trustworthy told.
    pub place: Place,
}

/// What an attempt with a password comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No, and no word about why.
    Refused,
    /// The password is right, and must be changed first.
    MustChangePassword,
    /// Yes.
    Welcome,
}

/// Judges an attempt. `is_known` says that the IP address signed in as this user lately: a
/// lock-out of the account, which anybody can bring about, doesn't hold for it.
pub fn judge(
    user: Option<&User>,
    password_is_right: bool,
    is_known: bool,
    now: Timestamp,
) -> Verdict {
    match user {
        Some(user)
            if password_is_right && !user.disabled && (is_known || !user.is_blocked(now)) =>
        {
            match &user.credential {
                Some(credential) if credential.force_reset => Verdict::MustChangePassword,
                _ => Verdict::Welcome,
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
    /// The account is locked: only the attempt counts.
    WhileLocked,
}

impl Failure {
    /// What one more failure does to `user`, as it was read.
    pub fn of(user: &User, limits: Limits, now: Timestamp) -> Self {
        let locks = |failures: u64| {
            let are_too_many = failures >= limits.of_an_account;
            are_too_many.then(|| now.plus(LOCK_OUT))
        };
        match user.sign_ins.block_until {
            Some(_) if user.is_blocked(now) => Self::WhileLocked,
            Some(_) => Self::FirstAgain { locks: locks(1) },
            None => Self::OneMore {
                locks: locks(user.sign_ins.failures + 1),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    const NOW: Timestamp = Timestamp::from_unix(1_700_000_000);

    fn user() -> User {
        let mut user = sample::published();
        user.disabled = false;
        user.sign_ins.block_until = None;
        user.sign_ins.failures = 0;
        user
    }

    #[test]
    fn spellings_of_one_identifier_are_counted_together() {
        let pair = |kind, text| TypedIdentifier::new(kind, text).pair("192.0.2.1");
        assert_eq!(
            pair(Kind::Email, " Grace@Example.ORG"),
            pair(Kind::Email, "grace@example.org")
        );
        assert_ne!(pair(Kind::Email, "x"), pair(Kind::Username, "x"));
        assert_ne!(pair(Kind::Email, "x"), pair(Kind::Email, "y"));
        assert_eq!(TypedIdentifier::new(Kind::Email, "x").identifier(), None);
    }

    #[test]
    fn only_the_right_password_of_an_enabled_unlocked_user_is_welcome() {
        assert_eq!(judge(Some(&user()), true, false, NOW), Verdict::Welcome);
        assert_eq!(judge(Some(&user()), false, true, NOW), Verdict::Refused);
        assert_eq!(judge(None, true, true, NOW), Verdict::Refused);
        let disabled = User {
            disabled: true,
            ..user()
        };
        assert_eq!(judge(Some(&disabled), true, true, NOW), Verdict::Refused);
        let mut locked = user();
        locked.sign_ins.block_until = Some(NOW.plus(LOCK_OUT));
        assert_eq!(judge(Some(&locked), true, false, NOW), Verdict::Refused);
        assert_eq!(judge(Some(&locked), true, true, NOW), Verdict::Welcome);
        let mut forced = user();
        forced.credential.as_mut().unwrap().force_reset = true;
        assert_eq!(
            judge(Some(&forced), true, false, NOW),
            Verdict::MustChangePassword
        );
    }

    #[test]
    fn the_fiftieth_failure_locks_and_the_next_one_after_it_counts_as_the_first() {
        let limits = Limits::default();
        let mut user = user();
        user.sign_ins.failures = 48;
        let one_more = |locks| Failure::OneMore { locks };
        assert_eq!(Failure::of(&user, limits, NOW), one_more(None));
        user.sign_ins.failures = 49;
        let until = NOW.plus(LOCK_OUT);
        assert_eq!(Failure::of(&user, limits, NOW), one_more(Some(until)));
        user.sign_ins.block_until = Some(until);
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
