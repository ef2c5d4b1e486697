//! Sessions of signed-in people (email-self-service.md, "Who is calling").

use std::fmt;
use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret as _, SecretBox, SecretString};

use crate::mac::{hmac_sha256, same, sha256};
use crate::user::Place;
use crate::{Epoch, Timestamp, User, UserId};

/// How long a session lives when it is not used.
pub const IDLE_LIFETIME: Duration = Duration::from_hours(14 * 24);
/// How long a session lives at most.
pub const MAX_LIFETIME: Duration = Duration::from_hours(90 * 24);
/// How many live sessions a user has at most.
pub const MAX_SESSIONS: usize = 50;
/// The use of a session is written down at most once in this time.
const WRITTEN_EVERY: Duration = Duration::from_hours(24);

/// Names one session: 32 upper-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionId(String);

impl SessionId {
    const CHARACTERS: usize = 32;

    /// Takes an id as a cookie or a path has it.
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = |b: u8| b.is_ascii_digit() || (b'A'..=b'F').contains(&b);
        (text.len() == Self::CHARACTERS && text.bytes().all(is_hex)).then(|| Self(text.to_owned()))
    }

    /// A new id.
    pub fn issue(random: [u8; 16]) -> Self {
        Self(format!("{:032X}", u128::from_be_bytes(random)))
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The secret that only the signed-in browser knows: 256 random bits.
#[derive(Debug)]
pub struct SessionSecret(SecretBox<[u8; 32]>);

impl SessionSecret {
    /// A new secret.
    pub fn new(random: [u8; 32]) -> Self {
        Self(SecretBox::new(Box::new(random)))
    }

    /// The hash that is stored in place of the secret.
    pub fn hash(&self) -> String {
        sha256(self.0.expose_secret())
    }

    /// The value of the cookie `csrftoken`, HMAC-SHA256(secret, "csrf"). Pages of this service can read
    /// the cookie, and pages of other sites can't.
    pub fn csrf_token(&self) -> String {
        hmac_sha256(self.0.expose_secret(), b"csrf")
    }
}

/// The value of the cookie `sessionid`: user, session and secret, so that one read brings both
/// items.
#[derive(Debug)]
pub struct SessionToken {
    /// The user whom the cookie names. This is not proved yet.
    pub user_id: UserId,
    /// The session that the cookie names. This is not proved yet.
    pub session_id: SessionId,
    /// The secret that proves it.
    pub secret: SessionSecret,
}

impl SessionToken {
    /// Takes a cookie's value.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (user, session, secret) = (parts.next()?, parts.next()?, parts.next()?);
        let secret: [u8; 32] = URL_SAFE_NO_PAD.decode(secret).ok()?.try_into().ok()?;
        parts.next().is_none().then_some(())?;
        Some(Self {
            user_id: UserId::parse(user).ok()?,
            session_id: SessionId::parse(session)?,
            secret: SessionSecret::new(secret),
        })
    }

    /// The cookie's value.
    pub fn cookie(&self) -> SecretString {
        let secret = URL_SAFE_NO_PAD.encode(self.secret.0.expose_secret());
        format!("{}.{}.{secret}", self.user_id, self.session_id).into()
    }
}

/// A session as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Names it.
    pub id: SessionId,
    /// The hash of its secret.
    pub secret_hash: String,
    /// The user's session epoch when it began.
    pub epoch: Epoch,
    /// When it began.
    pub initiated_at: Timestamp,
    /// When its use was written down last.
    pub last_updated: Timestamp,
    /// When it ends unless it is used before.
    pub expires_at: Timestamp,
    /// The IP address of the sign-in.
    pub ip_address: String,
    /// The browser that signed in, as it calls itself.
    pub user_agent: Option<String>,
    /// Where the sign-in came from.
    pub place: Place,
}

impl Session {
    /// Whether the holder of `secret` is signed in as `user` at `now`.
    pub fn admits(&self, secret: &SessionSecret, user: &User, now: Timestamp) -> bool {
        same(&self.secret_hash, &secret.hash())
            && self.is_live(user.session_epoch(), now)
            && !user.is_disabled()
    }

    /// Whether it has neither been ended nor run out, for a user of this session epoch. A disabled
    /// user's sessions are live, too: they hold again once the user is enabled.
    pub fn is_live(&self, epoch: Epoch, now: Timestamp) -> bool {
        self.epoch == epoch && now < self.expires_at && now < self.initiated_at.plus(MAX_LIFETIME)
    }

    /// The live sessions of a user that are too many: the least recently used ones.
    pub fn surplus(mut sessions: Vec<Self>, epoch: Epoch, now: Timestamp) -> Vec<Self> {
        sessions.retain(|session| session.is_live(epoch, now));
        sessions.sort_by(|one, other| {
            let age = |session: &Self| (session.last_updated, session.initiated_at);
            age(one)
                .cmp(&age(other))
                .then_with(|| one.id.cmp(&other.id))
        });
        sessions.truncate(sessions.len().saturating_sub(MAX_SESSIONS));
        sessions
    }

    /// The session with a later end, if its use has to be written down again.
    pub fn prolonged(&self, now: Timestamp) -> Option<Self> {
        (self.last_updated.plus(WRITTEN_EVERY) <= now).then(|| Self {
            last_updated: now,
            expires_at: now
                .plus(IDLE_LIFETIME)
                .min(self.initiated_at.plus(MAX_LIFETIME)),
            ..self.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{self, changed};

    const NOW: Timestamp = Timestamp::from_unix(1_700_000_000);
    const DAY: Duration = Duration::from_hours(24);

    fn user() -> User {
        changed(sample::published(), |user| user.disabled = false)
    }

    fn secret() -> SessionSecret {
        SessionSecret::new([7; 32])
    }

    fn session() -> Session {
        Session {
            id: SessionId::issue([1; 16]),
            secret_hash: secret().hash(),
            epoch: Epoch::new(0),
            initiated_at: NOW,
            last_updated: NOW,
            expires_at: NOW.plus(IDLE_LIFETIME),
            ip_address: "192.0.2.1".to_owned(),
            user_agent: None,
            place: Place::default(),
        }
    }

    #[test]
    fn a_cookie_names_user_session_and_secret_and_comes_back_as_it_was() {
        let token = SessionToken {
            user_id: user().id().clone(),
            session_id: SessionId::issue([0xab; 16]),
            secret: secret(),
        };
        let cookie = token.cookie();
        let back = SessionToken::parse(cookie.expose_secret()).unwrap();
        assert_eq!(back.cookie().expose_secret(), cookie.expose_secret());
        assert!(!format!("{token:?}{cookie:?}").contains("7, 7"));
        for bad in ["", "a.b", "a.b.c", &format!("{}.x", cookie.expose_secret())] {
            assert!(SessionToken::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_session_admits_its_secret_in_its_epoch_and_time_only() {
        let (session, user) = (session(), user());
        assert!(session.admits(&secret(), &user, NOW));
        assert!(!session.admits(&SessionSecret::new([8; 32]), &user, NOW));
        assert!(!session.admits(&secret(), &user, NOW.plus(IDLE_LIFETIME)));
        let later_epoch = changed(user.clone(), |user| user.session_epoch = Epoch::new(1));
        assert!(!session.admits(&secret(), &later_epoch, NOW));
        let disabled = changed(user, |user| user.disabled = true);
        assert!(!session.admits(&secret(), &disabled, NOW));
    }

    #[test]
    fn a_used_session_slides_once_a_day_and_ends_after_ninety_days() {
        let mut session = session();
        assert_eq!(
            session.prolonged(NOW.plus(DAY.saturating_sub(Duration::from_secs(1)))),
            None
        );
        let mut now = NOW;
        for _ in 0..89 {
            now = now.plus(DAY);
            session = session.prolonged(now).unwrap();
            assert!(session.admits(&secret(), &user(), now));
        }
        assert_eq!(session.expires_at, NOW.plus(MAX_LIFETIME));
        assert!(!session.admits(&secret(), &user(), now.plus(DAY)));
    }

    #[test]
    fn of_more_live_sessions_than_fifty_the_least_recently_used_are_too_many() {
        let used = |n: u8, last_updated| Session {
            id: SessionId::issue([n; 16]),
            last_updated,
            ..session()
        };
        let ids = |sessions: Vec<Session>| sessions.into_iter().map(|s| s.id).collect::<Vec<_>>();
        let mut sessions: Vec<_> = (0..50)
            .map(|n| used(n, NOW.plus(Duration::from_secs(u64::from(n)))))
            .collect();
        sessions.reverse();
        // Sessions that have ended don't count.
        let ended = Session {
            epoch: Epoch::new(7),
            ..used(90, NOW)
        };
        let expired = Session {
            expires_at: NOW,
            ..used(91, NOW)
        };
        sessions.extend([ended, expired]);
        assert_eq!(
            ids(Session::surplus(sessions.clone(), Epoch::new(0), NOW)),
            []
        );
        sessions.extend([used(100, NOW.plus(DAY)), used(101, NOW.plus(DAY))]);
        let wanted = [0, 1].map(|n| SessionId::issue([n; 16]));
        assert_eq!(ids(Session::surplus(sessions, Epoch::new(0), NOW)), wanted);
    }

    #[test]
    fn a_csrf_token_is_what_others_compute_from_the_secret() {
        // By Python's hmac, from 32 bytes of 7.
        assert_eq!(
            secret().csrf_token(),
            "pOTdqLe4leuVDCOrLDI71KaCICpPmZf6bgNkv5H3iRY"
        );
    }

    #[test]
    fn a_csrf_token_belongs_to_one_secret_and_is_not_its_hash() {
        assert_ne!(
            secret().csrf_token(),
            SessionSecret::new([8; 32]).csrf_token()
        );
        assert_ne!(secret().csrf_token(), secret().hash());
    }
}
