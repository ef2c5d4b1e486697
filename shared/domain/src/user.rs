//! A user, and the changes that touch more than the user's own item.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::external::{Connection, ExternalProvider, Idp};
use crate::password::PasswordHash;
use crate::{
    Code, Email, Identifier, IdentifierId, IdentityError, JsonObject, Kind, OperationId, Phone,
    Refusal, Timestamp, UserId, Username,
};

/// Who added or proved an identifier: `api`, `self_service`, `import`, or what an import carried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Source(Cow<'static, str>);

impl Source {
    /// The management API.
    pub const API: Self = Self(Cow::Borrowed("api"));
    /// The person whose identifier it is.
    pub const SELF_SERVICE: Self = Self(Cow::Borrowed("self_service"));
    /// An import that carried no source.
    pub const IMPORT: Self = Self(Cow::Borrowed("import"));

    /// What an import carried.
    pub fn carried(source: String) -> Self {
        Self(Cow::Owned(source))
    }

    /// The source as it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An e-mail address or phone number on the profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address<T> {
    /// The address itself.
    pub value: T,
    /// Whether its owner has proved it.
    pub verified: bool,
    /// Who added it.
    pub source: Source,
    /// Who proved it.
    pub verification_source: Option<Source>,
    /// How often the management API has made it the primary one.
    pub set_primary: u64,
    /// How often the management API has marked it as not proved.
    pub unverified: u64,
}

impl<T> Address<T> {
    /// An address that the management API adds.
    pub fn added(value: T, verified: bool) -> Self {
        let verification_source = verified.then_some(Source::API);
        Self::of_source(value, Source::API, verification_source)
    }

    /// An address that has never been the primary one; it is verified if somebody proved it.
    pub fn of_source(value: T, source: Source, verification_source: Option<Source>) -> Self {
        Self {
            value,
            verified: verification_source.is_some(),
            source,
            verification_source,
            set_primary: 0,
            unverified: 0,
        }
    }

    /// Whether the management API added it, or proved it.
    pub fn is_managed(&self) -> bool {
        self.source == Source::API || self.verification_source == Some(Source::API)
    }
}

/// By whom the primary address became the primary one: decides what a change away from it gives
/// it (email-self-service.md, "The flow", 4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tenure {
    /// By the management API, an import or sign-up.
    #[default]
    Managed,
    /// Again, by an undo or while its own right to one lived.
    Restored,
    /// By the person, at this time.
    Since(Timestamp),
}

impl Tenure {
    /// Whether an address with this tenure earns a right to undo a change away from it: one that
    /// its owner put there must have been the primary one for as long as such a right lives.
    pub fn is_established(self, now: Timestamp, undo: Duration) -> bool {
        match self {
            Self::Managed | Self::Restored => true,
            Self::Since(then) => then.plus(undo) <= now,
        }
    }
}

/// What a right to undo rests on: the management API ends the right by moving it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RightBase {
    /// How often the management API has made another address the primary one.
    pub others_set_primary: u64,
    /// How often it has marked the address itself as not proved.
    pub unverified: u64,
}

/// The username on the profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileUsername {
    /// Its identifier id.
    pub id: IdentifierId,
    /// The name itself.
    pub value: Username,
    /// Who set it.
    pub source: Source,
}

/// A passkey, as the WebAuthn registration left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "WebAuthn's own terms, as in users-api.md, section 3"
)]
#[expect(clippy::struct_excessive_bools, reason = "WebAuthn's flags")]
pub struct Passkey {
    pub name: Option<String>,
    pub passkey_id: String,
    pub public_key: String,
    pub aa_guid: String,
    pub backup_state: bool,
    pub backup_eligibility: bool,
    pub user_present: bool,
    pub user_verified: bool,
    pub user_agent: Option<String>,
}

/// How the user signs in with a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The password's hash. An import may tell of a password without its hash.
    pub hash: Option<PasswordHash>,
    /// When the password was set.
    pub updated_at: Timestamp,
    /// Whether it must be changed at the next sign-in.
    pub force_reset: bool,
}

/// What is known of the user's attempts to sign in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignIns {
    /// All attempts.
    pub attempts: u64,
    /// When the last one was.
    pub last_attempt: Option<Timestamp>,
    /// Where it came from.
    pub last_attempt_ip: Option<String>,
    /// Those that succeeded.
    pub successes: u64,
    /// When the last success was.
    pub last_success: Option<Timestamp>,
    /// Where it came from.
    pub last_success_ip: Option<String>,
    /// When the user was last seen.
    pub last_activity: Option<Timestamp>,
    /// Failures in a row.
    pub failures: u64,
    /// When the lock-out ends.
    pub block_until: Option<Timestamp>,
}

/// Where the user was last seen, from CloudFront's viewer headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Place {
    pub city: Option<String>,
    pub region: Option<String>,
    pub country: Option<String>,
}

/// The operations that changed the user last, newest first.
///
/// A retry whose reply was lost finds itself here, even if others wrote in between.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operations(Vec<OperationId>);

impl Operations {
    /// How many are kept: 22 characters each.
    pub const KEPT: usize = 8;

    /// Those of a stored user.
    pub fn restore(mut newest_first: Vec<OperationId>) -> Self {
        newest_first.truncate(Self::KEPT);
        Self(newest_first)
    }

    /// Whether `operation` is among them.
    pub fn contains(&self, operation: &OperationId) -> bool {
        self.0.contains(operation)
    }

    /// Newest first.
    pub fn iter(&self) -> impl Iterator<Item = &OperationId> {
        self.0.iter()
    }

    fn push(&mut self, operation: OperationId) {
        self.0.insert(0, operation);
        self.0.truncate(Self::KEPT);
    }
}

/// A user of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Names the user for good.
    pub id: UserId,
    /// When the user was created.
    pub creation_time: Timestamp,
    /// When the profile last changed; sign-ins don't count.
    pub last_updated: Timestamp,
    /// Moves with every stored change, sign-ins included: the entity tag.
    pub version: u64,
    /// Sessions of another epoch are over.
    pub session_epoch: u64,
    /// Signed links of another generation are inert.
    pub email_generation: u64,
    /// May not sign in.
    pub disabled: bool,
    /// The sessions were ended since the user was disabled.
    pub sessions_revoked: bool,
    /// At most one username.
    pub username: Option<ProfileUsername>,
    /// At most 40 e-mail addresses.
    pub emails: BTreeMap<IdentifierId, Address<Email>>,
    /// The primary one: verified, or none.
    pub primary_email: Option<IdentifierId>,
    /// By whom it became the primary one.
    pub primary_email_tenure: Tenure,
    /// How often the management API has made an address the primary one.
    pub primary_emails_set: u64,
    /// When the other addresses were told last that one was proved.
    pub proof_told_at: Option<Timestamp>,
    /// At most 40 phone numbers.
    pub phones: BTreeMap<IdentifierId, Address<Phone>>,
    /// The primary one: verified, or none.
    pub primary_phone: Option<IdentifierId>,
    /// At most 40 passkeys.
    pub passkeys: Vec<Passkey>,
    /// Directories beside this one that an import carried.
    pub connections: Vec<Connection>,
    /// Accounts with providers outside.
    pub external_providers: Vec<ExternalProvider>,
    /// OpenID Connect claims.
    pub claims: JsonObject,
    /// What the user may see of the application's data.
    pub public_data: JsonObject,
    /// What only the application may see.
    pub private_data: JsonObject,
    /// The password, if there is one.
    pub credential: Option<Credential>,
    /// Attempts to sign in.
    pub sign_ins: SignIns,
    /// Where the user was last seen.
    pub last_known: Place,
    /// What changed the user last.
    pub operations: Operations,
}

/// What a user is created from.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The operation that creates the user; the user's id follows from it.
    pub operation: OperationId,
    /// The username.
    pub username: Option<(IdentifierId, Username)>,
    /// The first e-mail address, and whether it is verified.
    pub email: Option<(IdentifierId, Email, bool)>,
    /// The first phone number, and whether it is verified.
    pub phone: Option<(IdentifierId, Phone, bool)>,
    /// OpenID Connect claims.
    pub claims: JsonObject,
    /// The password.
    pub credential: Option<Credential>,
}

impl User {
    /// How many addresses of one kind a user may have (users-api.md, "Limits").
    pub const MOST_ADDRESSES: usize = 40;

    /// A new user. It needs a username, an e-mail address or a phone number; a verified address
    /// is the primary one of its kind.
    pub fn create(new: NewUser, now: Timestamp) -> Result<Self, Refusal> {
        if new.username.is_none() && new.email.is_none() && new.phone.is_none() {
            return Err(IdentityError::new(
                Code::IdentifierRequired,
                "A user needs a username, an e-mail address or a phone number.",
            )
            .into());
        }
        let primary = |id, verified: bool| verified.then_some(id);
        let first = u64::try_from(now.as_unix()).unwrap_or_default();
        Ok(Self {
            id: UserId::created_by(&new.operation),
            creation_time: now,
            last_updated: now,
            version: 1,
            // Not zero: what hung on a deleted user must not fit one with the same id.
            session_epoch: first,
            email_generation: first,
            disabled: false,
            sessions_revoked: false,
            username: new.username.map(|(id, value)| ProfileUsername {
                id,
                value,
                source: Source::API,
            }),
            primary_email: new
                .email
                .as_ref()
                .and_then(|(id, _, verified)| primary(*id, *verified)),
            emails: new
                .email
                .map(|(id, email, verified)| (id, Address::added(email, verified)))
                .into_iter()
                .collect(),
            primary_email_tenure: Tenure::Managed,
            primary_emails_set: 0,
            proof_told_at: None,
            primary_phone: new
                .phone
                .as_ref()
                .and_then(|(id, _, verified)| primary(*id, *verified)),
            phones: new
                .phone
                .map(|(id, phone, verified)| (id, Address::added(phone, verified)))
                .into_iter()
                .collect(),
            passkeys: Vec::new(),
            connections: Vec::new(),
            external_providers: Vec::new(),
            claims: new.claims,
            public_data: JsonObject::empty(),
            private_data: JsonObject::empty(),
            credential: new.credential,
            sign_ins: SignIns::default(),
            last_known: Place::default(),
            operations: Operations(vec![new.operation]),
        })
    }

    /// Marks the user as changed by `operation`: every stored change of the profile does this
    /// exactly once.
    pub fn stamp(&mut self, operation: OperationId, now: Timestamp) {
        self.last_updated = now;
        self.stamp_aside(operation);
    }

    /// Marks a change beside the profile, such as one of a pending address.
    pub fn stamp_aside(&mut self, operation: OperationId) {
        self.version += 1;
        self.operations.push(operation);
    }

    /// Puts an address on the profile. A verified one becomes primary when there is none.
    pub fn add_email(
        &mut self,
        id: IdentifierId,
        email: Email,
        verified: bool,
    ) -> Result<(), Refusal> {
        if self
            .emails
            .values()
            .any(|own| own.value.canonical() == email.canonical())
        {
            return Err(Kind::Email.duplicate().into());
        }
        self.refuse_too_many_emails()?;
        self.emails.insert(id, Address::added(email, verified));
        if verified && self.primary_email.is_none() {
            self.primary_email = Some(id);
        }
        self.email_generation += 1;
        Ok(())
    }

    /// Puts an address on the profile whose owner has proved it, or marks it as proved, in the
    /// spelling that was proved. Links hold on, and the primary address stays as it is.
    pub fn prove_email(&mut self, id: IdentifierId, email: Email) -> Result<(), Refusal> {
        match self.emails.get_mut(&id) {
            Some(own) if own.verified => {}
            Some(own) => {
                own.value = email;
                own.verified = true;
                own.verification_source = Some(Source::SELF_SERVICE);
            }
            None => {
                self.refuse_too_many_emails()?;
                let source = Source::SELF_SERVICE;
                let proved = Address::of_source(email, source.clone(), Some(source));
                self.emails.insert(id, proved);
            }
        }
        Ok(())
    }

    /// Spells an address as its owner does, when that is the same mailbox: id and proof stay. Tells
    /// whether the spelling is another one.
    pub fn respell_email(&mut self, id: IdentifierId, email: &Email) -> bool {
        let own = self.emails.get_mut(&id);
        let own = own.filter(|own| own.value != *email && own.value.is_same_mailbox(email));
        own.map(|own| own.value = email.clone()).is_some()
    }

    /// What a right of this address to undo rests on; nothing when the address is not on the
    /// profile.
    pub fn right_base(&self, id: IdentifierId) -> Option<RightBase> {
        let own = self.emails.get(&id)?;
        Some(RightBase {
            others_set_primary: self.primary_emails_set.saturating_sub(own.set_primary),
            unverified: own.unverified,
        })
    }

    /// Gives the user a new password of their own: whoever knew the old one is out, and so are
    /// all sessions and all links.
    pub fn replace_password(&mut self, hash: PasswordHash, now: Timestamp) {
        self.credential = Some(Credential {
            hash: Some(hash),
            updated_at: now,
            force_reset: false,
        });
        self.session_epoch += 1;
        self.email_generation += 1;
        self.sign_ins.failures = 0;
        self.sign_ins.block_until = None;
    }

    /// Takes an address off the profile. The primary one can go only as the last of its kind.
    pub fn remove_email(&mut self, id: IdentifierId) -> Result<(), Refusal> {
        if !self.emails.contains_key(&id) {
            return Err(Refusal::NotFound("e-mail"));
        }
        if self.primary_email == Some(id) && self.emails.len() > 1 {
            return Err(IdentityError::new(
                Code::PrimaryIdentifier,
                "The primary e-mail address can't be removed while there are others.",
            )
            .into());
        }
        self.refuse_last_identifier()?;
        self.emails.remove(&id);
        if self
            .primary_email
            .take_if(|primary| *primary == id)
            .is_some()
        {
            self.primary_email_tenure = Tenure::Managed;
        }
        self.email_generation += 1;
        Ok(())
    }

    /// Gives the user a username, in place of any other. A name with the same canonical form
    /// keeps its identifier id.
    pub fn set_username(&mut self, id: IdentifierId, username: Username) {
        match &mut self.username {
            Some(own) if own.value.canonical() == username.canonical() => own.value = username,
            own => {
                *own = Some(ProfileUsername {
                    id,
                    value: username,
                    source: Source::API,
                });
            }
        }
    }

    /// Takes the username off the profile and frees it for others.
    pub fn remove_username(&mut self) -> Result<(), Refusal> {
        if self.username.is_none() {
            return Err(Refusal::NotFound("username"));
        }
        self.refuse_last_identifier()?;
        self.username = None;
        Ok(())
    }

    fn refuse_too_many_emails(&self) -> Result<(), Refusal> {
        if self.emails.len() < Self::MOST_ADDRESSES {
            return Ok(());
        }
        Err(IdentityError::new(
            Code::UserTooLarge,
            "A user may have at most 40 e-mail addresses.",
        )
        .into())
    }

    fn refuse_last_identifier(&self) -> Result<(), Refusal> {
        if self.identifiers().len() > 1 {
            return Ok(());
        }
        Err(IdentityError::new(
            Code::LastIdentifier,
            "The last identifier can't be removed: the user could not sign in any more.",
        )
        .into())
    }

    /// All that the user is named by, each with its id. What must be reserved for the user is
    /// always exactly this.
    pub fn identifiers(&self) -> BTreeMap<Identifier, IdentifierId> {
        let emails = self
            .emails
            .iter()
            .map(|(id, email)| (Identifier::from(&email.value), *id));
        let phones = self
            .phones
            .iter()
            .map(|(id, phone)| (Identifier::from(&phone.value), *id));
        let username = self
            .username
            .iter()
            .map(|username| (Identifier::from(&username.value), username.id));
        emails.chain(phones).chain(username).collect()
    }

    /// The directories that can tell who an identifier belongs to: this one, then each provider
    /// once, in the providers' order.
    pub fn idps(&self) -> Vec<Idp> {
        let mut idps = vec![Idp::Monocloud];
        for provider in &self.external_providers {
            let idp = Idp::External(provider.authenticator);
            if !idps.contains(&idp) {
                idps.push(idp);
            }
        }
        idps
    }

    /// Whether the lock-out lasts at `now`.
    pub fn is_blocked(&self, now: Timestamp) -> bool {
        self.sign_ins.block_until.is_some_and(|until| until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn code<T: std::fmt::Debug>(result: Result<T, Refusal>) -> Code {
        match result {
            Err(Refusal::Rules(errors)) => errors[0].code,
            other => panic!("{other:?}"),
        }
    }

    fn id(n: u8) -> IdentifierId {
        IdentifierId::issue(Timestamp::from_unix(1), [n; 10])
    }

    fn email(text: &str) -> Email {
        Email::parse(text).unwrap()
    }

    fn only_an_email() -> User {
        let new = NewUser {
            operation: OperationId::random([1; 16]),
            username: None,
            email: Some((id(0), email("grace@example.com"), true)),
            phone: None,
            claims: JsonObject::empty(),
            credential: None,
        };
        User::create(new, Timestamp::from_unix(1)).unwrap()
    }

    #[test]
    fn a_user_needs_an_identifier() {
        let new = NewUser {
            operation: OperationId::random([1; 16]),
            username: None,
            email: None,
            phone: None,
            claims: JsonObject::empty(),
            credential: None,
        };
        let refused = User::create(new, Timestamp::from_unix(1));
        assert_eq!(code(refused), Code::IdentifierRequired);
    }

    #[test]
    fn a_verified_address_becomes_primary_when_there_is_none() {
        let mut user = sample::published();
        assert_eq!(user.primary_email, None);
        user.add_email(id(1), email("a@example.org"), false)
            .unwrap();
        assert_eq!(user.primary_email, None);
        user.add_email(id(2), email("b@example.org"), true).unwrap();
        user.add_email(id(3), email("c@example.org"), true).unwrap();
        assert_eq!(user.primary_email, Some(id(2)));
    }

    #[test]
    fn an_own_address_can_not_be_added_again_in_another_spelling() {
        let refused = only_an_email().add_email(id(1), email("GRACE@Example.com"), true);
        assert_eq!(code(refused), Code::DuplicateEmail);
    }

    #[test]
    fn a_user_has_at_most_40_addresses() {
        let mut user = only_an_email();
        for n in 1..40 {
            user.add_email(id(n), email(&format!("a{n}@example.org")), false)
                .unwrap();
        }
        let refused = user.add_email(id(40), email("a40@example.org"), false);
        assert_eq!(code(refused), Code::UserTooLarge);
    }

    #[test]
    fn the_primary_address_goes_last_and_the_last_identifier_stays() {
        let mut user = only_an_email();
        assert_eq!(code(user.remove_email(id(0))), Code::LastIdentifier);
        user.add_email(id(1), email("b@example.org"), false)
            .unwrap();
        assert_eq!(code(user.remove_email(id(0))), Code::PrimaryIdentifier);
        user.remove_email(id(1)).unwrap();
        user.set_username(id(2), Username::parse("grace").unwrap());
        user.remove_email(id(0)).unwrap();
        assert_eq!(user.primary_email, None);
        assert_eq!(code(user.remove_username()), Code::LastIdentifier);
        assert_eq!(user.remove_email(id(0)), Err(Refusal::NotFound("e-mail")));
    }

    #[test]
    fn a_respelled_username_keeps_its_id() {
        let mut user = only_an_email();
        user.set_username(id(1), Username::parse("grace").unwrap());
        user.set_username(id(2), Username::parse("Grace").unwrap());
        let username = user.username.clone().unwrap();
        assert_eq!((username.id, username.value.as_str()), (id(1), "Grace"));
        user.set_username(id(3), Username::parse("hopper").unwrap());
        assert_eq!(user.username.map(|username| username.id), Some(id(3)));
    }

    #[test]
    fn the_last_eight_operations_are_remembered() {
        let mut user = only_an_email();
        for n in 2..=9 {
            user.stamp(OperationId::random([n; 16]), Timestamp::from_unix(2));
        }
        assert_eq!(user.version, 9);
        assert!(!user.operations.contains(&OperationId::random([1; 16])));
        assert!(user.operations.contains(&OperationId::random([2; 16])));
    }
}
