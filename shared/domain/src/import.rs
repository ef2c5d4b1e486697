//! Users whom an import brings: any user that the directory shows, of either model, and beside it the
//! hash of the password.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::address::{Address, AddressValue, Addresses, Primary, Tenure};
use crate::external::{Authenticator, Connection, ExternalProvider, Idp};
use crate::json::{self, Object};
use crate::password::PasswordHash;
use crate::user::{Credential, Operations, Passkey, Place, ProfileUsername, SignIns, Source};
use crate::{
    Code, Email, Epoch, Generation, IdentifierId, IdentityError, JsonObject, Kind, OperationId,
    PasskeyId, Phone, Refusal, Timestamp, User, UserFacts, UserId, Username, Version,
};

/// By this a repeat of an import recognises a user whom the same line has made, whatever happened to the
/// user since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportDigest(String);

impl ImportDigest {
    /// Of a line's JSON text: 128 bits of its SHA-256. White space between tokens does not count, so that
    /// a line is the same as an element of an array.
    pub fn of(line: &str) -> Self {
        let digest = Sha256::new_with_prefix(b"import\0")
            .chain_update(json::compact(line))
            .finalize();
        Self(URL_SAFE_NO_PAD.encode(&digest[..16]))
    }

    /// Takes the digest back from where it was stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The digest as it is stored: 22 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A user as an import has it. Every member may be absent. What the directory computes from others
/// (`blocked`, an identifier's `idps` and `authenticators`) is not among them, and is ignored.
#[derive(Debug, Deserialize)]
pub struct ImportedUser {
    /// The user's id.
    pub user_id: Option<String>,
    creation_time: Option<Timestamp>,
    last_updated: Option<Timestamp>,
    disabled: Option<bool>,
    username: Option<Object<ImportedUsername>>,
    emails: Option<Vec<Object<ImportedAddress>>>,
    phone_numbers: Option<Vec<Object<ImportedAddress>>>,
    passkeys: Option<Vec<Object<Passkey>>>,
    connections: Option<Vec<Object<Connection>>>,
    external_providers: Option<Vec<Object<ImportedProvider>>>,
    /// `external_providers` under its older name.
    idps: Option<Vec<Object<ImportedProvider>>>,
    claims: Option<Box<RawValue>>,
    public_data: Option<Box<RawValue>>,
    private_data: Option<Box<RawValue>>,
    /// Counts only where there is no hash.
    has_password: Option<bool>,
    password_hash: Option<SecretString>,
    password_hash_algorithm: Option<String>,
    password_updated_at: Option<Timestamp>,
    force_password_reset: Option<bool>,
    failure_count: Option<u64>,
    block_until: Option<Timestamp>,
    sign_in_attempts_count: Option<u64>,
    /// `sign_in_attempts_count` under its older name.
    sign_in_count: Option<u64>,
    last_sign_in_attempt: Option<Timestamp>,
    last_sign_in_attempt_ip: Option<String>,
    /// `last_sign_in_attempt_ip` under its older name.
    last_sign_in_ip: Option<String>,
    sign_in_success_count: Option<u64>,
    last_sign_in_success: Option<Timestamp>,
    last_sign_in_success_ip: Option<String>,
    last_activity: Option<Timestamp>,
    last_known_city: Option<String>,
    last_known_region: Option<String>,
    last_known_country: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ImportedUsername {
    id: Option<String>,
    username: Option<String>,
    source: Option<String>,
}

/// An e-mail address or a phone number.
#[derive(Debug, Deserialize)]
struct ImportedAddress {
    id: Option<String>,
    /// Of an e-mail address.
    email: Option<String>,
    /// Of a phone number.
    phone: Option<String>,
    primary: Option<bool>,
    verified: Option<bool>,
    source: Option<String>,
    verification_source: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ImportedProvider {
    authenticator: Authenticator,
    provider_user_id: String,
    claims: Option<Box<RawValue>>,
}

/// When a user is imported, and what the line does not say.
pub struct ImportContext<'a> {
    /// The user's id: the line's, or one that is issued for it.
    pub id: UserId,
    /// The operation that imports the user.
    pub operation: OperationId,
    /// What the line is recognised by.
    pub digest: ImportDigest,
    /// The moment of the import.
    pub now: Timestamp,
    /// Issues the ids of identifiers that have none.
    pub new_identifier_id: &'a dyn Fn() -> IdentifierId,
}

/// What a line gives, or why it is refused: the first member that no user could have, or every rule that
/// is broken.
type Checked<T> = Result<T, Refusal>;

impl ImportedUser {
    /// How many passkeys a user can have (users-api.md, "Limits").
    const MAX_PASSKEYS: usize = 40;

    /// The user, as the line has it. Where it says nothing, the directory's own defaults hold.
    ///
    /// What hangs on a user begins now, never at a time of the line: nothing that hung on another user
    /// with this id fits the new one.
    pub fn into_user(self, context: ImportContext<'_>) -> Checked<User> {
        let mut broken = Broken::default();
        let ImportContext {
            id,
            operation,
            digest,
            now,
            new_identifier_id,
        } = context;
        let username = self
            .username
            .map(|Object(username)| username.into_username(new_identifier_id, &mut broken))
            .transpose()?
            .flatten();
        let emails = addresses(
            self.emails.unwrap_or_default(),
            "emails",
            |given| Email::parse(given.email.as_deref().unwrap_or_default()),
            new_identifier_id,
            &mut broken,
        )?;
        let phones = addresses(
            self.phone_numbers.unwrap_or_default(),
            "phone_numbers",
            |given| Phone::parse(given.phone.as_deref().unwrap_or_default()),
            new_identifier_id,
            &mut broken,
        )?;
        let hash = self.password_hash.and_then(|hash| {
            let algorithm = self.password_hash_algorithm.as_deref();
            broken.keep(PasswordHash::parse_imported(
                hash.expose_secret(),
                algorithm,
            ))
        });
        let passkeys = passkeys(self.passkeys.unwrap_or_default())?;
        let creation_time = time("creation_time", self.creation_time)?.unwrap_or(now);
        let password_updated_at = time("password_updated_at", self.password_updated_at)?;
        let has_password = hash.is_some() || self.has_password == Some(true);
        let user = User::restore(UserFacts {
            creation_time,
            last_updated: time("last_updated", self.last_updated)?.unwrap_or(creation_time),
            version: Version::FIRST,
            born: Epoch::first(now),
            session_epoch: Epoch::first(now),
            email_generation: Generation::first(now),
            disabled: self.disabled.unwrap_or(false),
            sessions_revoked: false,
            username,
            emails,
            primary_emails_set: 0,
            proof_told_at: None,
            phones,
            passkeys,
            connections: connections(self.connections.unwrap_or_default(), &id)?,
            external_providers: self
                .external_providers
                .or(self.idps)
                .unwrap_or_default()
                .into_iter()
                .map(|Object(provider)| provider.into_provider())
                .collect::<Result<_, _>>()?,
            claims: object("claims", self.claims)?,
            public_data: object("public_data", self.public_data)?,
            private_data: object("private_data", self.private_data)?,
            credential: has_password.then(|| Credential {
                hash,
                updated_at: password_updated_at.unwrap_or(now),
                force_reset: self.force_password_reset.unwrap_or(false),
            }),
            sign_ins: SignIns {
                attempts: count(
                    "sign_in_attempts_count",
                    self.sign_in_attempts_count.or(self.sign_in_count),
                )?,
                last_attempt: time("last_sign_in_attempt", self.last_sign_in_attempt)?,
                last_attempt_ip: line(
                    "last_sign_in_attempt_ip",
                    self.last_sign_in_attempt_ip.or(self.last_sign_in_ip),
                )?,
                successes: count("sign_in_success_count", self.sign_in_success_count)?,
                last_success: time("last_sign_in_success", self.last_sign_in_success)?,
                last_success_ip: line("last_sign_in_success_ip", self.last_sign_in_success_ip)?,
                last_activity: time("last_activity", self.last_activity)?,
                failures: count("failure_count", self.failure_count)?,
                block_until: time("block_until", self.block_until)?,
            },
            last_known: Place {
                city: line("last_known_city", self.last_known_city)?,
                region: line("last_known_region", self.last_known_region)?,
                country: line("last_known_country", self.last_known_country)?,
            },
            operations: Operations::restore(vec![operation]),
            import_digest: Some(digest),
            id,
        });
        broken.refuse()?;
        user.refuse_without_identifier()?;
        Ok(user)
    }
}

/// The rules that a line breaks, each once.
#[derive(Default)]
struct Broken(Vec<IdentityError>);

impl Broken {
    fn add(&mut self, error: IdentityError) {
        if !self.0.contains(&error) {
            self.0.push(error);
        }
    }

    fn keep<T>(&mut self, result: Result<T, IdentityError>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    fn refuse(self) -> Checked<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(Refusal::Rules(self.0))
    }
}

impl ImportedUsername {
    fn into_username(
        self,
        new_id: &dyn Fn() -> IdentifierId,
        broken: &mut Broken,
    ) -> Checked<Option<ProfileUsername>> {
        let value = Username::parse(self.username.as_deref().unwrap_or_default());
        let source = carried("username", self.source)?;
        Ok(broken.keep(value).map(|value| ProfileUsername {
            id: carried_id(self.id.as_deref()).unwrap_or_else(new_id),
            value,
            source,
        }))
    }
}

impl ImportedProvider {
    fn into_provider(self) -> Checked<ExternalProvider> {
        Ok(ExternalProvider {
            authenticator: self.authenticator,
            provider_user_id: line("external_providers", Some(self.provider_user_id))?
                .unwrap_or_default(),
            claims: object("external_providers", self.claims)?,
        })
    }
}

/// The addresses of one kind, each in the place where the line has it. Ids are issued where the line has
/// none, in the same order.
fn addresses<T: AddressValue>(
    given: Vec<Object<ImportedAddress>>,
    member: &'static str,
    parse: impl Fn(&ImportedAddress) -> Result<T, IdentityError>,
    new_id: &dyn Fn() -> IdentifierId,
    broken: &mut Broken,
) -> Checked<Addresses<T>> {
    if given.len() > Addresses::<T>::MAX {
        return Err(T::KIND.too_many().into());
    }
    let ids: Vec<_> = given
        .iter()
        .map(|Object(address)| carried_id(address.id.as_deref()))
        .collect();
    let mut issued: Vec<_> = ids
        .iter()
        .filter(|id| id.is_none())
        .map(|_| new_id())
        .collect();
    issued.sort();
    let mut issued = issued.into_iter();
    let (mut own, mut primary) = (BTreeMap::new(), None);
    for (Object(address), id) in given.into_iter().zip(ids) {
        let Some(id) = id.or_else(|| issued.next()) else {
            continue;
        };
        let value = parse(&address);
        let is_verified = address.verified.unwrap_or(false);
        if address.primary == Some(true) {
            if !is_verified {
                broken.add(T::KIND.not_verified());
            }
            let tenure = Tenure::Managed;
            if primary.replace(Primary { id, tenure }).is_some() {
                return Err(Refusal::Member(member, "must have at most one primary one"));
            }
        }
        let proved_by = carried(member, address.verification_source)?;
        let verification_source = is_verified.then_some(proved_by);
        let source = carried(member, address.source)?;
        let Some(value) = broken.keep(value) else {
            continue;
        };
        let address = Address::of_source(value, source, verification_source);
        if own.insert(id, address).is_some() {
            return Err(Refusal::Member(member, "must have each id once"));
        }
    }
    // Without those that are not valid, which may be the primary one.
    let primary = primary.filter(|primary| own.get(&primary.id).is_some_and(|own| own.verified));
    let addresses = Addresses::restore(own, primary);
    Ok(addresses.unwrap_or_else(|_| {
        broken.add(Kind::from(T::KIND).duplicate());
        Addresses::default()
    }))
}

fn passkeys(given: Vec<Object<Passkey>>) -> Checked<Vec<Passkey>> {
    if given.len() > ImportedUser::MAX_PASSKEYS {
        let description = "A user may have at most 40 passkeys.";
        return Err(IdentityError::new(Code::UserTooLarge, description).into());
    }
    let passkeys: Vec<_> = given.into_iter().map(|Object(passkey)| passkey).collect();
    for (n, passkey) in passkeys.iter().enumerate() {
        if PasskeyId::parse(&passkey.passkey_id).is_err() {
            return Err(Refusal::Member(
                "passkeys",
                "must each have a passkey_id in base64url, of at most 1364 characters",
            ));
        }
        // It is shown as a UUID, and strict clients read it as one.
        if IdentifierId::parse(&passkey.aa_guid).is_err() {
            return Err(Refusal::Member(
                "passkeys",
                "must each have an aa_guid that is a UUID",
            ));
        }
        let others = &passkeys[..n];
        if others
            .iter()
            .any(|other| other.passkey_id == passkey.passkey_id)
        {
            return Err(Refusal::Member(
                "passkeys",
                "must have each passkey_id once",
            ));
        }
    }
    Ok(passkeys)
}

/// Those that are stored: the directory itself is shown with each user, and not among them.
fn connections(given: Vec<Object<Connection>>, own_id: &UserId) -> Checked<Vec<Connection>> {
    let is_own = |connection: &Connection| {
        connection.idp == Idp::Monocloud && connection.connection_id == own_id.as_str()
    };
    let given = given.into_iter().map(|Object(connection)| connection);
    let kept = given.filter(|connection| !is_own(connection));
    kept.map(|connection| {
        line("connections", Some(connection.connection_id.clone()))?;
        Ok(connection)
    })
    .collect()
}

/// The id of an identifier, where the line has one that is well-formed.
fn carried_id(text: Option<&str>) -> Option<IdentifierId> {
    IdentifierId::parse(text?).ok()
}

fn carried(member: &'static str, source: Option<String>) -> Checked<Source> {
    let source = line(member, source)?;
    Ok(source.map_or(Source::IMPORT, Source::carried))
}

fn object(member: &'static str, value: Option<Box<RawValue>>) -> Checked<JsonObject> {
    let Some(value) = value else {
        return Ok(JsonObject::empty());
    };
    JsonObject::parse(value.get()).map_err(|invalid| Refusal::Member(member, invalid.reason()))
}

/// A count that every reader of JSON knows exactly, and that has room for more.
fn count(member: &'static str, count: Option<u64>) -> Checked<u64> {
    const MAX: u64 = (1 << 53) - 1;
    match count.unwrap_or_default() {
        count if count > MAX => Err(Refusal::Member(member, "must be at most 9007199254740991")),
        count => Ok(count),
    }
}

/// A text of one line, such as a name or an address of a network.
fn line(member: &'static str, text: Option<String>) -> Checked<Option<String>> {
    const MAX_CHARACTERS: usize = 256;
    let is_line = |text: &String| {
        text.chars().count() <= MAX_CHARACTERS && !text.chars().any(char::is_control)
    };
    if text.as_ref().is_none_or(is_line) {
        return Ok(text);
    }
    let reason = "must have at most 256 characters, none of them a control character";
    Err(Refusal::Member(member, reason))
}

/// A time from 1970 to 9999. Milliseconds in the place of seconds are past that.
fn time(member: &'static str, time: Option<Timestamp>) -> Checked<Option<Timestamp>> {
    const END: i64 = 253_402_300_799;
    match time {
        Some(time) if !(0..=END).contains(&time.as_unix()) => Err(Refusal::Member(
            member,
            "must be seconds since 1970, until the end of 9999",
        )),
        time => Ok(time),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: Timestamp = Timestamp::from_unix(1_700_000_000);
    const HASH: &str = "$pbkdf2-sha1$i=1000$AAECAwQFBgcICQoLDA0ODw$lfzT7JP5RoxTX3QxduxJ5Hbc3pg";

    fn import(line: Value) -> Checked<User> {
        let imported: ImportedUser = serde_json::from_str(&line.to_string()).unwrap();
        let issued = std::cell::Cell::new(100);
        imported.into_user(ImportContext {
            id: UserId::parse("grace").unwrap(),
            operation: OperationId::random([1; 16]),
            digest: ImportDigest::of(&line.to_string()),
            now: NOW,
            // Later ids sort before earlier ones, as random ones may.
            new_identifier_id: &|| {
                issued.set(issued.get() - 1);
                IdentifierId::issue(NOW, [issued.get(); 10])
            },
        })
    }

    fn codes(line: Value) -> Vec<Code> {
        match import(line) {
            Err(Refusal::Rules(errors)) => errors.iter().map(|error| error.code).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn member(line: Value) -> &'static str {
        match import(line) {
            Err(Refusal::Member(member, _)) => member,
            other => panic!("{other:?}"),
        }
    }

    fn named(mut line: Value) -> Value {
        line["username"] = json!({ "username": "grace" });
        line
    }

    #[test]
    fn a_line_is_recognised_in_any_spacing_and_not_with_another_value() {
        let digest = ImportDigest::of(r#"{"a":[1," "]}"#);
        assert_eq!(digest, ImportDigest::of("{ \"a\": [1,\t\" \"]\n}"));
        assert_eq!(digest.as_str().len(), 22);
        for other in [r#"{"a":[1,""]}"#, r#"{"a":[1.0," "]}"#, r#"{"b":[1," "]}"#] {
            assert_ne!(digest, ImportDigest::of(other));
        }
    }

    #[test]
    fn what_a_line_does_not_say_is_as_of_a_new_user() {
        let user = import(named(json!({}))).unwrap();
        let facts = user.facts();
        assert_eq!((facts.creation_time, facts.last_updated), (NOW, NOW));
        assert_eq!(facts.version, Version::FIRST);
        assert!(!facts.disabled && facts.credential.is_none());
        assert_eq!(facts.username.as_ref().unwrap().source, Source::IMPORT);
        assert!(user.has_seen(&OperationId::random([1; 16])));
        let then = Timestamp::from_unix(1);
        let user = import(named(json!({ "creation_time": 1 }))).unwrap();
        assert_eq!(user.last_updated(), then);
        assert_eq!(
            user.session_epoch(),
            Epoch::first(NOW),
            "never an imported time"
        );
        assert_eq!(user.email_generation(), Generation::first(NOW));
    }

    #[test]
    fn a_count_that_no_reader_knows_exactly_and_a_text_without_an_end_are_refused() {
        for (member, value) in [
            ("sign_in_attempts_count", json!(u64::MAX)),
            ("failure_count", json!(9_007_199_254_740_992_u64)),
            ("last_sign_in_attempt_ip", json!("1".repeat(257))),
            ("last_known_city", json!("a\nb")),
        ] {
            let refused = import(named(json!({ member: value }))).unwrap_err();
            assert!(
                matches!(refused, Refusal::Member(named, _) if named == member),
                "{member}"
            );
        }
    }

    #[test]
    fn both_names_of_a_member_are_read_and_the_newer_one_counts() {
        let google = json!([{ "authenticator": "google", "provider_user_id": "1" }]);
        let older = json!({ "idps": google, "sign_in_count": 7, "last_sign_in_ip": "::1" });
        let user = import(named(older.clone())).unwrap();
        assert_eq!(user.external_providers().len(), 1);
        assert_eq!(user.sign_ins().attempts, 7);
        assert_eq!(user.sign_ins().last_attempt_ip.as_deref(), Some("::1"));
        let mut both = older;
        both["external_providers"] = json!([]);
        both["sign_in_attempts_count"] = json!(8);
        both["last_sign_in_attempt_ip"] = json!("::2");
        let user = import(named(both)).unwrap();
        assert_eq!(user.external_providers(), []);
        assert_eq!(user.sign_ins().attempts, 8);
        assert_eq!(user.sign_ins().last_attempt_ip.as_deref(), Some("::2"));
    }

    #[test]
    fn ids_of_identifiers_are_kept_and_others_issued_in_the_lines_order() {
        let kept = "6cec8047-6149-4d9b-8d99-91c83c22a9dc";
        let user = import(json!({ "emails": [
            { "email": "b@example.org", "id": "7" },
            { "email": "a@example.org" },
            { "email": "c@example.org", "id": kept, "source": "monocloud", "verified": true,
              "primary": true },
        ]}))
        .unwrap();
        let emails: Vec<_> = user.emails().values().map(Email::as_str).collect();
        assert_eq!(emails, ["b@example.org", "a@example.org", "c@example.org"]);
        let kept = IdentifierId::parse(kept).unwrap();
        let own = user.emails().get(kept).unwrap();
        assert_eq!(own.source.as_str(), "monocloud");
        assert_eq!(own.verification_source, Some(Source::IMPORT));
        let primary = Primary {
            id: kept,
            tenure: Tenure::Managed,
        };
        assert_eq!(user.emails().primary(), Some(primary));
    }

    #[test]
    fn a_password_comes_with_its_hash_or_without_and_its_members_count_only_with_it() {
        let at = |line: Value| import(named(line)).unwrap().credential().cloned();
        let with = at(json!({ "password_hash": HASH, "has_password": false,
            "password_updated_at": 5, "force_password_reset": true }));
        let with = with.unwrap();
        assert_eq!(with.hash.unwrap().expose(), HASH);
        assert!(with.force_reset);
        assert_eq!(with.updated_at, Timestamp::from_unix(5));
        let without = at(json!({ "has_password": true })).unwrap();
        assert_eq!((without.hash, without.updated_at), (None, NOW));
        let none = at(json!({ "password_updated_at": 5, "force_password_reset": true }));
        assert_eq!(none, None);
    }

    #[test]
    fn the_directory_itself_is_no_connection_that_is_stored() {
        let user = import(named(json!({ "connections": [
            { "idp": "monocloud", "connection_id": "grace" },
            { "idp": "monocloud", "connection_id": "before" },
            { "idp": "google", "connection_id": "grace" },
        ]})));
        let connections = user.unwrap().connections().to_vec();
        let ids: Vec<_> = connections
            .iter()
            .map(|own| own.connection_id.as_str())
            .collect();
        assert_eq!(ids, ["before", "grace"]);
    }

    #[test]
    fn every_value_of_data_and_claims_is_kept_as_sent() {
        let text = r#"{"":123456789012345678901234567890.10,"e":1e400,"a":[" \ud800 "]}"#;
        let line = format!(
            r#"{{"username":{{"username":"grace"}},"claims":{text},"public_data":{text},
                "private_data":{text},"external_providers":[{{"authenticator":"xero",
                "provider_user_id":"","claims":{text}}}]}}"#
        );
        let imported: ImportedUser = serde_json::from_str(&line).unwrap();
        let user = imported.into_user(ImportContext {
            id: UserId::parse("grace").unwrap(),
            operation: OperationId::random([1; 16]),
            digest: ImportDigest::of(&line),
            now: NOW,
            new_identifier_id: &|| IdentifierId::issue(NOW, [0; 10]),
        });
        let user = user.unwrap();
        let facts = user.facts();
        for kept in [
            &facts.claims,
            &facts.public_data,
            &facts.private_data,
            &facts.external_providers[0].claims,
        ] {
            assert_eq!(kept.as_str(), text);
        }
    }

    #[test]
    fn every_rule_that_a_line_breaks_is_named_once() {
        let line = json!({
            "username": { "username": "a@b" },
            "emails": [{ "email": "x" }, { "email": "y" }, {}],
            "phone_numbers": [{ "phone": "12" }],
            "password_hash": "5f4dcc3b5aa765d61d8327deb882cf99",
        });
        let all = [
            Code::InvalidUserName,
            Code::InvalidEmail,
            Code::InvalidPhoneNumber,
            Code::PasswordHashInvalid,
        ];
        assert_eq!(codes(line), all);
        assert_eq!(codes(json!({})), [Code::IdentifierRequired]);
        let google = json!([{ "authenticator": "google", "provider_user_id": "1" }]);
        let no_identifier = json!({ "external_providers": google });
        assert_eq!(codes(no_identifier), [Code::IdentifierRequired]);
        let twice = json!([{ "email": "a@example.org" }, { "email": "A@example.ORG" }]);
        assert_eq!(codes(json!({ "emails": twice })), [Code::DuplicateEmail]);
        let unproved = json!([{ "phone": "+441514960453", "primary": true }]);
        let unproved = json!({ "phone_numbers": unproved });
        assert_eq!(codes(unproved), [Code::PhoneNotVerified]);
        for (list, name) in [("emails", "email"), ("phone_numbers", "phone")] {
            let many: Vec<_> = (0..41).map(|n| json!({ name: n.to_string() })).collect();
            assert_eq!(codes(json!({ list: many })), [Code::UserTooLarge]);
        }
    }

    #[test]
    fn a_member_that_no_user_could_have_is_named() {
        let passkey = |id: &str, guid: &str| {
            json!({ "passkey_id": id, "public_key": "", "aa_guid": guid, "backup_state": false,
                "backup_eligibility": false, "user_present": false, "user_verified": false })
        };
        let guid = "204a871f-f7c4-465c-a81f-83d7ad4d04ee";
        let address = |email: &str, id: &str, primary: bool| json!({ "email": email, "id": id, "primary": primary, "verified": true });
        for (name, value) in [
            ("creation_time", json!(-1)),
            ("last_updated", json!(1_640_975_400_000_i64)),
            ("block_until", json!(i64::MAX)),
            ("claims", json!([])),
            ("private_data", json!("{}")),
            ("public_data", json!({ "a": "x".repeat(65_536) })),
            ("passkeys", json!([passkey("AA", "x")])),
            ("passkeys", json!([passkey("", guid)])),
            (
                "passkeys",
                json!([passkey("AA", guid), passkey("AA", guid)]),
            ),
            (
                "emails",
                json!([
                    address("a@example.org", guid, false),
                    address("b@example.org", guid, false)
                ]),
            ),
            (
                "emails",
                json!([
                    address("a@example.org", "", true),
                    address("b@example.org", "", true)
                ]),
            ),
            (
                "external_providers",
                json!([{ "authenticator": "google", "provider_user_id": "1", "claims": 7 }]),
            ),
        ] {
            assert_eq!(member(named(json!({ name: value }))), name);
        }
        let many: Vec<_> = (0..41)
            .map(|n| passkey(&format!("A{n:03}"), guid))
            .collect();
        assert_eq!(
            codes(named(json!({ "passkeys": many }))),
            [Code::UserTooLarge]
        );
    }

    #[test]
    fn a_list_is_no_object() {
        for line in [
            r#"{"emails":[["a"]]}"#,
            r#"{"username":["a"]}"#,
            r#"{"passkeys":[["a"]]}"#,
            r#"{"connections":[["xero","a"]]}"#,
        ] {
            assert!(
                serde_json::from_str::<ImportedUser>(line).is_err(),
                "{line}"
            );
        }
    }

    #[test]
    fn nothing_prints_the_hash() {
        let line = named(json!({ "password_hash": HASH })).to_string();
        let imported: ImportedUser = serde_json::from_str(&line).unwrap();
        assert!(!format!("{imported:?}").contains("pbkdf2"));
    }
}
