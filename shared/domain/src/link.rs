//! Signed links (email-self-service.md, "Links"): made, checked, and never stored.
//!
//! A token is `<key id>.<facts>.<mac>`, the facts as base64url JSON. The MAC covers the text
//! before it and the user, and is compared as text: nothing is decoded before that, so one
//! token has one spelling.

use std::time::Duration;

use base64::{
    Engine as _, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD,
};
use secrecy::{ExposeSecret as _, SecretSlice};
use serde::{Deserialize, Serialize};

use crate::account::RESET_LIFETIME;
use crate::mac::{mac, same, sha256};
use crate::{ChangeId, Generation, IdentifierId, Refusal, Timestamp, UserId};

/// What a link does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// Proves an address.
    #[serde(rename = "verify")]
    VerifyEmail,
    /// Makes an address the primary one.
    #[serde(rename = "primary")]
    SetPrimaryEmail,
    /// Takes a change of the primary address back.
    #[serde(rename = "undo")]
    UndoEmailChange,
    /// Sets a new password: in place of one that must be changed, or as the management API lets its
    /// holder do.
    #[serde(rename = "reset")]
    ResetPassword,
}

/// Where a link was sent, and so what its use proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Channel {
    /// To the address that it is about: its use proves that address.
    #[serde(rename = "mailbox")]
    Mailbox,
    /// To the primary address that the user has. It proves no other one.
    #[serde(rename = "present")]
    PresentAddress,
    /// To the primary phone. It proves no address.
    #[serde(rename = "sms")]
    Sms,
    /// To the management API's caller, who hands it over. It proves no address.
    #[serde(rename = "caller")]
    HandedOver,
}

/// Who asked for a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AskedBy {
    /// The person: signed in, or about to be.
    #[default]
    #[serde(rename = "person")]
    Person,
    /// The management API. A link that proves an address proves one that is on the profile, and offers
    /// nothing beyond; one that sets a password may set a first one.
    #[serde(rename = "api")]
    ManagementApi,
}

/// How long a link may live that the management API asks for (users-api.md, calls 15 and 26).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LifetimeBounds {
    usual: Duration,
    max: Duration,
    /// Both bounds in words.
    words: &'static str,
}

impl LifetimeBounds {
    const MIN: Duration = Duration::from_mins(5);

    /// Of a link that proves an address.
    pub const OF_PROOF: Self = Self {
        usual: Duration::from_hours(7 * 24),
        max: Duration::from_hours(30 * 24),
        words: "must be from 300 to 2592000, in seconds",
    };

    /// Of a link that sets a new password.
    pub const OF_RESET: Self = Self {
        usual: RESET_LIFETIME,
        max: Duration::from_hours(7 * 24),
        words: "must be from 300 to 604800, in seconds",
    };

    /// The lifetime that the member `expiry` asks for in seconds, or the usual one.
    pub fn lifetime(self, seconds: Option<i64>) -> Result<Duration, Refusal> {
        let Some(seconds) = seconds else {
            return Ok(self.usual);
        };
        u64::try_from(seconds)
            .ok()
            .map(Duration::from_secs)
            .filter(|lifetime| (Self::MIN..=self.max).contains(lifetime))
            .ok_or(Refusal::Member("expiry", self.words))
    }
}

/// What a link is about. On the wire it is a text: an identifier's is a UUID, the user's one word, and
/// no change's is either.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Subject {
    /// One of the user's identifiers, or one that waits to be proved.
    Identifier(IdentifierId),
    /// A change that can be undone.
    Change(ChangeId),
    /// The user as a whole.
    User,
}

impl Subject {
    /// The user's text: too short for the id of a change.
    const USER: &str = "user";

    /// The identifier, if it is about one.
    pub fn identifier(&self) -> Option<IdentifierId> {
        match self {
            Self::Identifier(id) => Some(*id),
            Self::Change(_) | Self::User => None,
        }
    }

    /// The change, if it is about one.
    pub fn change(&self) -> Option<&ChangeId> {
        match self {
            Self::Identifier(_) | Self::User => None,
            Self::Change(id) => Some(id),
        }
    }
}

impl From<String> for Subject {
    fn from(text: String) -> Self {
        match IdentifierId::parse(&text) {
            _ if text == Self::USER => Self::User,
            Ok(id) => Self::Identifier(id),
            Err(_) => Self::Change(ChangeId::stored(text)),
        }
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        match subject {
            Subject::Identifier(id) => id.to_string(),
            Subject::Change(id) => id.to_string(),
            Subject::User => Subject::USER.to_owned(),
        }
    }
}

/// What a link says. Its members' names are short, because it travels by SMS, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// What it does.
    #[serde(rename = "p")]
    pub purpose: Purpose,
    /// Where it was sent.
    #[serde(rename = "c")]
    pub channel: Channel,
    /// What it is about.
    #[serde(rename = "s")]
    pub subject: Subject,
    /// Who asked for it.
    #[serde(rename = "b", default, skip_serializing_if = "is_default")]
    pub asked_by: AskedBy,
    /// The address that it is about, in its canonical form; empty where it is about none.
    #[serde(rename = "a")]
    pub address: String,
    /// The user's e-mail generation when it was made.
    #[serde(rename = "g")]
    pub generation: Generation,
    /// When it was made.
    #[serde(rename = "i")]
    pub issued_at: Timestamp,
    /// From when on it is not valid any more.
    #[serde(rename = "x")]
    pub expires_at: Timestamp,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a link key must be base64 of at least 32 bytes")]
pub struct InvalidKey;

/// One key.
#[derive(Debug)]
struct Key {
    /// The start of a hash of the key. It says which key signed, and tells no more about the key.
    id: String,
    secret: SecretSlice<u8>,
}

/// The present key, which signs, and the one before it, whose links still hold.
#[derive(Debug)]
pub struct Keys {
    current: Key,
    previous: Option<Key>,
}

/// How long a link page's form can be sent (email-self-service.md, "Links").
pub const FORM_LIFETIME: Duration = Duration::from_mins(10);

impl Key {
    const MIN_BYTES: usize = 32;
    const ID_CHARACTERS: usize = 8;

    fn parse(text: &str) -> Result<Self, InvalidKey> {
        let secret = STANDARD.decode(text.trim()).map_err(|_| InvalidKey)?;
        if secret.len() < Self::MIN_BYTES {
            return Err(InvalidKey);
        }
        let mut id = sha256(&secret);
        id.truncate(Self::ID_CHARACTERS);
        Ok(Self {
            id,
            secret: secret.into(),
        })
    }

    fn mac(&self, label: &str, parts: [&str; 3]) -> String {
        let [first, second, third] = parts.map(str::as_bytes);
        mac(
            self.secret.expose_secret(),
            &[label.as_bytes(), first, second, third],
        )
    }
}

impl Keys {
    /// Takes the keys as the commands of docs/operating.md store them: base64 of at least 32 random bytes.
    pub fn parse(current: &str, previous: Option<&str>) -> Result<Self, InvalidKey> {
        Ok(Self {
            current: Key::parse(current)?,
            previous: previous.map(Key::parse).transpose()?,
        })
    }

    /// The token of a link: the contract's `signed_email`.
    pub fn sign(&self, link: &Link, user: &UserId) -> String {
        let facts = serde_json::to_vec(link).expect("a link is JSON");
        let text = format!("{}.{}", self.current.id, URL_SAFE_NO_PAD.encode(facts));
        let mac = self.current.mac("link", [&text, user.as_str(), ""]);
        format!("{text}.{mac}")
    }

    /// The link of a token, if this service signed it, for this user and purpose, and it holds at
    /// `now`.
    pub fn check(
        &self,
        token: &str,
        user: &UserId,
        purpose: Purpose,
        now: Timestamp,
    ) -> Option<Link> {
        let (text, signature) = token.rsplit_once('.')?;
        let (key_id, facts) = text.split_once('.')?;
        let key = self.key(key_id)?;
        if !same(signature, &key.mac("link", [text, user.as_str(), ""])) {
            return None;
        }
        let facts = URL_SAFE_NO_PAD.decode(facts).ok()?;
        let link: Link = serde_json::from_slice(&facts).ok()?;
        let holds = link.purpose == purpose && link.issued_at <= now && now < link.expires_at;
        holds.then_some(link)
    }

    /// The nonce that a link's page gives its form. It proves that the page was shown, and when.
    pub fn form_nonce(&self, token: &str, user: &UserId, now: Timestamp) -> String {
        let shown_at = now.as_unix().to_string();
        let mac = self.current.mac("form", [token, user.as_str(), &shown_at]);
        format!("{shown_at}.{mac}")
    }

    /// Whether `nonce` comes from this link's page, shown no longer ago than [`FORM_LIFETIME`].
    pub fn holds_form_nonce(
        &self,
        nonce: &str,
        token: &str,
        user: &UserId,
        now: Timestamp,
    ) -> bool {
        let Some((shown_at, signature)) = nonce.split_once('.') else {
            return false;
        };
        let is_ours = [Some(&self.current), self.previous.as_ref()]
            .into_iter()
            .flatten()
            .any(|key| {
                same(
                    signature,
                    &key.mac("form", [token, user.as_str(), shown_at]),
                )
            });
        let is_recent = shown_at.parse().is_ok_and(|shown_at| {
            let shown_at = Timestamp::from_unix(shown_at);
            shown_at <= now && now < shown_at.plus(FORM_LIFETIME)
        });
        is_ours && is_recent
    }

    fn key(&self, id: &str) -> Option<&Key> {
        [Some(&self.current), self.previous.as_ref()]
            .into_iter()
            .flatten()
            .find(|key| key.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix(1_700_000_000);
    const WEEK: Duration = Duration::from_hours(7 * 24);

    fn key(byte: u8) -> String {
        STANDARD.encode([byte; 32])
    }

    fn keys() -> Keys {
        Keys::parse(&key(1), None).unwrap()
    }

    fn user() -> UserId {
        UserId::parse("UOtBaOybB6dTpIJNrnkRw").unwrap()
    }

    fn link(n: u64) -> Link {
        Link {
            purpose: Purpose::VerifyEmail,
            channel: Channel::Mailbox,
            subject: Subject::from("6cec8047-6149-4d9b-8d99-91c83c22a9dc".to_owned()),
            asked_by: AskedBy::Person,
            address: format!("grace{n}@example.org"),
            generation: Generation::new(n),
            issued_at: NOW,
            expires_at: NOW.plus(WEEK),
        }
    }

    fn check(token: &str) -> Option<Link> {
        keys().check(token, &user(), Purpose::VerifyEmail, NOW)
    }

    #[test]
    fn a_link_says_what_was_signed() {
        let of_management = Link {
            subject: Subject::User,
            asked_by: AskedBy::ManagementApi,
            ..link(2)
        };
        for link in [link(1), of_management] {
            assert_eq!(check(&keys().sign(&link, &user())), Some(link));
        }
    }

    #[test]
    fn a_subject_is_an_identifier_a_change_or_the_user_and_one_text() {
        let id = "6cec8047-6149-4d9b-8d99-91c83c22a9dc";
        for (text, is_identifier, is_change) in [
            (id, true, false),
            ("sample", false, true),
            ("", false, true),
            ("user", false, false),
        ] {
            let subject = Subject::from(text.to_owned());
            assert_eq!(subject.identifier().is_some(), is_identifier, "{text}");
            assert_eq!(subject.change().is_some(), is_change, "{text}");
            assert_eq!(String::from(subject), text);
        }
    }

    #[test]
    fn a_link_of_the_management_api_lives_for_five_minutes_at_least_and_a_month_or_a_week_at_most()
    {
        const DAY: i64 = 24 * 60 * 60;
        for (bounds, usual, max) in [
            (LifetimeBounds::OF_PROOF, 7 * DAY, 30 * DAY),
            (LifetimeBounds::OF_RESET, 60 * 60, 7 * DAY),
        ] {
            let seconds = |asked| {
                let lifetime = bounds.lifetime(asked)?;
                Ok(i64::try_from(lifetime.as_secs()).unwrap())
            };
            assert_eq!(seconds(None), Ok(usual));
            for good in [300, max] {
                assert_eq!(seconds(Some(good)), Ok(good));
            }
            for bad in [i64::MIN, -300, 0, 299, max + 1, i64::MAX] {
                let Err(Refusal::Member(member, words)) = seconds(Some(bad)) else {
                    panic!("{bad} was taken");
                };
                assert_eq!(member, "expiry");
                assert!(words.contains(&max.to_string()), "{words}");
            }
        }
    }

    #[test]
    fn each_flipped_bit_of_200_links_makes_them_not_valid() {
        for n in 0..200 {
            let token = keys().sign(&link(n), &user());
            for place in 0..token.len() * 8 {
                let mut flipped = token.clone().into_bytes();
                flipped[place / 8] ^= 1 << (place % 8);
                // What is not UTF-8 is refused before the token is checked.
                if let Ok(flipped) = String::from_utf8(flipped) {
                    assert_eq!(check(&flipped), None, "{n} {place}");
                }
            }
        }
    }

    #[test]
    fn a_truncated_padded_or_foreign_token_is_not_valid() {
        let token = keys().sign(&link(1), &user());
        for length in 0..token.len() {
            assert_eq!(check(&token[..length]), None, "{length}");
        }
        for padded in [
            format!("{token}="),
            format!("{token}A"),
            format!(" {token}"),
            format!("{token}."),
            format!(".{token}"),
        ] {
            assert_eq!(check(&padded), None, "{padded}");
        }
        let others = Keys::parse(&key(2), None).unwrap();
        assert_eq!(check(&others.sign(&link(1), &user())), None);
    }

    #[test]
    fn a_link_is_for_one_user_one_purpose_and_its_time() {
        let token = keys().sign(&link(1), &user());
        let other = UserId::parse("UOtBaOybB6dTpIJNrnkRx").unwrap();
        let verify = Purpose::VerifyEmail;
        assert_eq!(keys().check(&token, &other, verify, NOW), None);
        for purpose in [
            Purpose::SetPrimaryEmail,
            Purpose::UndoEmailChange,
            Purpose::ResetPassword,
        ] {
            assert_eq!(keys().check(&token, &user(), purpose, NOW), None);
        }
        let at = |seconds| Timestamp::from_unix(NOW.as_unix() + seconds);
        let week = i64::try_from(WEEK.as_secs()).unwrap();
        assert!(
            keys()
                .check(&token, &user(), verify, at(week - 1))
                .is_some()
        );
        assert_eq!(keys().check(&token, &user(), verify, at(week)), None);
        assert_eq!(keys().check(&token, &user(), verify, at(-1)), None);
    }

    #[test]
    fn the_previous_keys_links_hold_and_the_present_key_signs() {
        let rotated = Keys::parse(&key(2), Some(&key(1))).unwrap();
        let old = keys().sign(&link(1), &user());
        assert_eq!(
            rotated.check(&old, &user(), Purpose::VerifyEmail, NOW),
            Some(link(1))
        );
        assert_eq!(check(&rotated.sign(&link(1), &user())), None);
    }

    #[test]
    fn a_key_is_base64_of_32_bytes_and_does_not_print() {
        for bad in [
            "",
            "short",
            &STANDARD.encode([1; 31]),
            "not base64 at all!!",
        ] {
            assert_eq!(Keys::parse(bad, None).err(), Some(InvalidKey), "{bad}");
        }
        assert!(Keys::parse(&format!("{}\n", key(1)), None).is_ok());
        assert!(!format!("{:?}", keys()).contains("1, 1"));
    }

    #[test]
    fn a_forms_nonce_is_for_one_link_and_ten_minutes() {
        let (keys, user) = (keys(), user());
        let nonce = keys.form_nonce("token", &user, NOW);
        let later = |duration| NOW.plus(duration);
        assert!(keys.holds_form_nonce(&nonce, "token", &user, NOW));
        assert!(!keys.holds_form_nonce(&nonce, "another", &user, NOW));
        assert!(!keys.holds_form_nonce(&nonce, "token", &user, later(FORM_LIFETIME)));
        assert!(!keys.holds_form_nonce(&nonce, "token", &user, Timestamp::from_unix(0)));
        let moved = nonce.replacen("17", "18", 1);
        assert!(!keys.holds_form_nonce(&moved, "token", &user, NOW.plus(WEEK)));
    }
}
