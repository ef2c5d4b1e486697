//! Names that Roster gives to things.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::Timestamp;

/// Why a text is not an id of the expected form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// Not 1…64 of `A-Za-z0-9_-`, or one of [`UserId::RESERVED`].
    #[error(
        "must be 1 to 64 of the characters A-Z, a-z, 0-9, _ and -, and not \"groups\" or \"import\""
    )]
    User,
    /// Not a UUID in its hyphenated form.
    #[error("must be a UUID, such as 6cec8047-6149-4d9b-8d99-91c83c22a9dc")]
    Identifier,
    /// Not base64url.
    #[error("must be base64url: 1 to 1364 of the characters A-Z, a-z, 0-9, _ and -")]
    Passkey,
}

/// Names one user. Case-sensitive; issued with 21 characters, imported with 1…64.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(String);

impl UserId {
    /// What no user is called: paths below `/api/users/` go on so.
    pub const RESERVED: [&str; 2] = ["groups", "import"];
    /// Length of the ids that Roster issues: 126 bits.
    const ISSUED: usize = 21;

    /// Takes an id as a path or an import has it.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        if Self::is_start(text) && !Self::RESERVED.contains(&text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId::User)
        }
    }

    /// Whether ids can start so.
    pub fn is_start(text: &str) -> bool {
        (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
    }

    /// The id of the user that `operation` creates.
    ///
    /// It follows from the operation, so that a create whose reply was lost finds its own user
    /// when it is repeated. An operation without an `Idempotency-Key` is random, and so is its id.
    pub fn created_by(operation: &OperationId) -> Self {
        let digest = Sha256::new_with_prefix(b"user\0")
            .chain_update(operation.as_str())
            .finalize();
        let mut text = URL_SAFE_NO_PAD.encode(digest);
        text.truncate(Self::ISSUED);
        Self(text)
    }

    /// The id as it stands in paths and bodies.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names one e-mail, phone number or username of a user: a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentifierId(Uuid);

impl IdentifierId {
    /// Takes a hyphenated UUID in either case; it is shown in lower case.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        hyphenated(text).map(Self)
    }

    /// A new id: UUID version 7 (RFC 9562), so that ids sort in the order of their issue.
    pub fn issue(now: Timestamp, random: [u8; 10]) -> Self {
        let millis = u64::try_from(now.as_unix()).unwrap_or_default() * 1000;
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }
}

impl fmt::Display for IdentifierId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// A UUID in its hyphenated form, in either case.
fn hyphenated(text: &str) -> Result<Uuid, InvalidId> {
    const HYPHENATED: usize = 36;
    match Uuid::try_parse(text) {
        Ok(uuid) if text.len() == HYPHENATED => Ok(uuid),
        _ => Err(InvalidId::Identifier),
    }
}

/// Names one group: a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(Uuid);

impl GroupId {
    /// Takes a hyphenated UUID in either case; it is shown in lower case.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        hyphenated(text).map(Self)
    }

    /// The id of the group that `operation` creates: UUID version 8 (RFC 9562), of a hash.
    ///
    /// It follows from the operation for the same reason as [`UserId::created_by`]. No time is in it,
    /// because a repeat comes at another time.
    pub fn created_by(operation: &OperationId) -> Self {
        let digest = Sha256::new_with_prefix(b"group\0")
            .chain_update(operation.as_str())
            .finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// Names one passkey: `WebAuthn`'s credential id, in base64url without padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyId(String);

impl PasskeyId {
    /// The longest id that `WebAuthn` allows (section 4, "Credential ID": 1,023 bytes), encoded.
    const MAX_CHARACTERS: usize = 1364;

    /// Takes an id as a path has it.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let is_base64url = (1..=Self::MAX_CHARACTERS).contains(&text.len())
            && text.len() % 4 != 1
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        if is_base64url {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId::Passkey)
        }
    }

    /// The id as it stands in paths and bodies.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Names one attempt to change something. All repeats of the attempt have the same id.
///
/// Every write stores it with its effect. A repeat that finds its id stored knows that the change has
/// happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OperationId(String);

impl OperationId {
    /// The operation of a request without an `Idempotency-Key`: a repeat by the client is a new
    /// operation.
    pub fn random(bytes: [u8; 16]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The operation of a request with an `Idempotency-Key`: it follows from `parts`, which are
    /// the caller's key and its id, method, path, body and the header (users-api.md, "Preconditions and
    /// retries"). 128 bits of a SHA-256 over the parts, each with its length before it.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(URL_SAFE_NO_PAD.encode(&hash.finalize()[..16]))
    }

    /// Takes the id back from where it was stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The id as it is stored: 22 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Names a change of the primary address that can be undone: the operation that made it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChangeId(String);

impl ChangeId {
    /// The change that this operation makes.
    pub fn of(operation: &OperationId) -> Self {
        Self(operation.as_str().to_owned())
    }

    /// Takes the id back from where it was stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for ChangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_id_is_1_to_64_url_safe_characters_and_never_a_word_that_paths_go_on_with() {
        assert!(UserId::parse("UOtBaOybB6dTpIJNrnkRw").is_ok());
        assert!(UserId::parse("a").is_ok());
        assert!(UserId::parse(&"a".repeat(64)).is_ok());
        assert!(UserId::parse("Groups").is_ok() && UserId::parse("imports").is_ok());
        for bad in [
            "",
            "groups",
            "import",
            "a/b",
            "a b",
            "é",
            "a%2Fb",
            &"a".repeat(65),
        ] {
            assert_eq!(UserId::parse(bad), Err(InvalidId::User), "{bad}");
        }
    }

    #[test]
    fn an_issued_user_id_has_21_characters_and_follows_from_its_operation() {
        let operation = OperationId::random([7; 16]);
        let id = UserId::created_by(&operation);
        assert_eq!(id.as_str().len(), 21);
        assert!(UserId::parse(id.as_str()).is_ok());
        assert_eq!(id, UserId::created_by(&operation));
        assert_ne!(id, UserId::created_by(&OperationId::random([8; 16])));
    }

    #[test]
    fn an_identifier_id_is_a_hyphenated_uuid() {
        let id = "6CEC8047-6149-4d9b-8d99-91c83c22a9dc";
        assert_eq!(
            IdentifierId::parse(id).map(|id| id.to_string()),
            Ok(id.to_lowercase())
        );
        for bad in [
            "",
            "6cec804761494d9b8d9991c83c22a9dc",
            "1",
            "{6cec8047-6149-4d9b-8d99-91c83c22a9dc}",
        ] {
            assert_eq!(
                IdentifierId::parse(bad),
                Err(InvalidId::Identifier),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_group_id_follows_from_the_operation_that_creates_the_group() {
        let operation = OperationId::random([7; 16]);
        let id = GroupId::created_by(&operation);
        assert_eq!(GroupId::parse(&id.to_string()), Ok(id));
        assert_eq!(id, GroupId::created_by(&operation));
        assert_ne!(id, GroupId::created_by(&OperationId::random([8; 16])));
        assert_eq!(id.to_string().as_bytes()[14], b'8');
    }

    #[test]
    fn a_passkey_id_is_base64url() {
        for good in [
            "sM5X24vn_R3YqFvk8o5Hf7l3E1fMeyKnssiAgCYxouA",
            "AA",
            "AAA",
            "-_-_",
        ] {
            assert_eq!(PasskeyId::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "A",
            "AAAAA",
            "AA==",
            "A+/A",
            "A A",
            "é",
            &"A".repeat(1366),
        ] {
            assert_eq!(PasskeyId::parse(bad), Err(InvalidId::Passkey), "{bad}");
        }
    }

    #[test]
    fn identifier_ids_sort_in_the_order_of_their_issue() {
        let first = IdentifierId::issue(Timestamp::from_unix(1_640_975_400), [0xff; 10]);
        let second = IdentifierId::issue(Timestamp::from_unix(1_640_975_401), [0; 10]);
        assert!(first < second);
    }

    #[test]
    fn parts_of_an_operation_do_not_run_into_each_other() {
        assert_ne!(
            OperationId::of(&[b"ab", b"c"]),
            OperationId::of(&[b"a", b"bc"])
        );
    }
}
