//! A user, and the changes that touch more than the user's own item.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::address::{Address, AddressKind, Addresses, Primary, Tenure};
use crate::claims::ClaimChanges;
use crate::counter::{Epoch, Generation, Version};
use crate::external::{Authenticator, Connection, ExternalProvider, Idp};
use crate::identifier::refuse_last_identifier;
use crate::import::ImportDigest;
use crate::password::PasswordHash;
use crate::{
    Code, Email, Identifier, IdentifierId, IdentityError, JsonObject, OperationId, Part, PasskeyId,
    Phone, Refusal, Timestamp, UserId, Username,
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

/// What the management API has done, as far as it ends a right to undo: the right ends when one of
/// these counts changes.
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

/// Who may see the application's data of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataKind {
    /// Only the application.
    Private,
    /// The user, too.
    Public,
}

impl DataKind {
    /// The member's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private_data",
            Self::Public => "public_data",
        }
    }
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

/// The counts and times of the user's attempts to sign in.
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
/// A repeat of a request whose reply was lost finds its operation here, even if others wrote in
/// between.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operations(Vec<OperationId>);

impl Operations {
    /// How many are kept: 22 characters each.
    pub const KEPT: usize = 8;

    /// The operations of a stored user.
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

    /// Puts one in front, and forgets the oldest where there are too many.
    pub(crate) fn push(&mut self, operation: OperationId) {
        self.0.insert(0, operation);
        self.0.truncate(Self::KEPT);
    }
}

/// The facts of a user, as they are stored. Each value is valid by itself, and here any of them can
/// stand beside each other. [`User`] allows only changes that keep them consistent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserFacts {
    /// Names the user for good.
    pub id: UserId,
    /// When the user was created.
    pub creation_time: Timestamp,
    /// When the profile last changed; sign-ins don't count.
    pub last_updated: Timestamp,
    /// The entity tag. It changes with every stored change, sign-ins included.
    pub version: Version,
    /// The first session epoch. It tells this user from others who had the same id before.
    pub born: Epoch,
    /// Sessions of another epoch are over.
    pub session_epoch: Epoch,
    /// Signed links of another generation are inert.
    pub email_generation: Generation,
    /// May not sign in.
    pub disabled: bool,
    /// The sessions were ended, and the user could not sign in since: disabled, or with a password that
    /// must be changed.
    pub sessions_revoked: bool,
    /// At most one username.
    pub username: Option<ProfileUsername>,
    /// The e-mail addresses.
    pub emails: Addresses<Email>,
    /// How often the management API has made an e-mail address the primary one.
    pub primary_emails_set: u64,
    /// When the other addresses were told last that one was proved.
    pub proof_told_at: Option<Timestamp>,
    /// The phone numbers.
    pub phones: Addresses<Phone>,
    /// The passkeys.
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
    /// The operations that changed the user last.
    pub operations: Operations,
    /// The line of an import that made the user, if one did.
    pub import_digest: Option<ImportDigest>,
}

/// A user of the directory. Its methods change all facts that belong together: there is no way to set
/// one without the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User(UserFacts);

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
    pub claims: ClaimChanges,
    /// The password.
    pub credential: Option<Credential>,
}

const IDENTIFIER_REQUIRED: IdentityError = IdentityError::new(
    Code::IdentifierRequired,
    "A user needs a username, an e-mail address or a phone number.",
);

impl User {
    /// A new user. It needs a username, an e-mail address or a phone number; a verified address
    /// is the primary one of its kind.
    pub fn create(new: NewUser, now: Timestamp) -> Result<Self, Refusal> {
        if new.username.is_none() && new.email.is_none() && new.phone.is_none() {
            return Err(IDENTIFIER_REQUIRED.into());
        }
        let claims = JsonObject::empty().merged(new.claims.members());
        let claims = claims.map_err(|invalid| Refusal::Member("claims", invalid.reason()))?;
        Ok(Self(UserFacts {
            id: UserId::created_by(&new.operation),
            creation_time: now,
            last_updated: now,
            version: Version::FIRST,
            born: Epoch::first(now),
            session_epoch: Epoch::first(now),
            email_generation: Generation::first(now),
            disabled: false,
            sessions_revoked: false,
            username: new.username.map(|(id, value)| ProfileUsername {
                id,
                value,
                source: Source::API,
            }),
            emails: Addresses::first(new.email),
            primary_emails_set: 0,
            proof_told_at: None,
            phones: Addresses::first(new.phone),
            passkeys: Vec::new(),
            connections: Vec::new(),
            external_providers: Vec::new(),
            claims,
            public_data: JsonObject::empty(),
            private_data: JsonObject::empty(),
            credential: new.credential,
            sign_ins: SignIns::default(),
            last_known: Place::default(),
            operations: Operations(vec![new.operation]),
            import_digest: None,
        }))
    }

    /// Takes a user back from where they were stored. The rules between addresses hold:
    /// [`Addresses::restore`] has checked them.
    pub const fn restore(facts: UserFacts) -> Self {
        Self(facts)
    }

    /// All that is stored of the user.
    pub const fn facts(&self) -> &UserFacts {
        &self.0
    }

    /// Names the user for good.
    pub const fn id(&self) -> &UserId {
        &self.0.id
    }

    /// When the user was created.
    pub const fn creation_time(&self) -> Timestamp {
        self.0.creation_time
    }

    /// When the profile last changed; sign-ins don't count.
    pub const fn last_updated(&self) -> Timestamp {
        self.0.last_updated
    }

    /// The entity tag.
    pub const fn version(&self) -> Version {
        self.0.version
    }

    /// The first session epoch. It tells this user from others who had the same id before.
    pub const fn born(&self) -> Epoch {
        self.0.born
    }

    /// Sessions and devices of another epoch are void.
    pub const fn session_epoch(&self) -> Epoch {
        self.0.session_epoch
    }

    /// Signed links of another generation are inert.
    pub const fn email_generation(&self) -> Generation {
        self.0.email_generation
    }

    /// Whether the user may not sign in.
    pub const fn is_disabled(&self) -> bool {
        self.0.disabled
    }

    /// Whether the sessions were ended, and the user could not sign in since.
    pub const fn sessions_are_revoked(&self) -> bool {
        self.0.sessions_revoked
    }

    /// The username.
    pub const fn username(&self) -> Option<&ProfileUsername> {
        self.0.username.as_ref()
    }

    /// The e-mail addresses.
    pub const fn emails(&self) -> &Addresses<Email> {
        &self.0.emails
    }

    /// The phone numbers.
    pub const fn phones(&self) -> &Addresses<Phone> {
        &self.0.phones
    }

    /// When the other addresses were told last that one was proved.
    pub(crate) const fn proof_told_at(&self) -> Option<Timestamp> {
        self.0.proof_told_at
    }

    /// The passkeys.
    pub fn passkeys(&self) -> &[Passkey] {
        &self.0.passkeys
    }

    /// Directories beside this one that an import carried.
    pub fn connections(&self) -> &[Connection] {
        &self.0.connections
    }

    /// Accounts with providers outside.
    pub fn external_providers(&self) -> &[ExternalProvider] {
        &self.0.external_providers
    }

    /// OpenID Connect claims.
    pub const fn claims(&self) -> &JsonObject {
        &self.0.claims
    }

    /// The password, if there is one.
    pub const fn credential(&self) -> Option<&Credential> {
        self.0.credential.as_ref()
    }

    /// The password's hash, if it is known.
    pub fn password_hash(&self) -> Option<&PasswordHash> {
        self.0.credential.as_ref()?.hash.as_ref()
    }

    /// Attempts to sign in.
    pub const fn sign_ins(&self) -> &SignIns {
        &self.0.sign_ins
    }

    /// Where the user was last seen.
    pub const fn last_known(&self) -> &Place {
        &self.0.last_known
    }

    /// The line of an import that made the user, if one did.
    pub const fn import_digest(&self) -> Option<&ImportDigest> {
        self.0.import_digest.as_ref()
    }

    /// Whether this operation is one of the last that changed the user.
    pub fn has_seen(&self, operation: &OperationId) -> bool {
        self.0.operations.contains(operation)
    }

    /// Marks the user as changed by `operation`: every stored change of the profile does this
    /// exactly once.
    pub fn stamp(&mut self, operation: OperationId, now: Timestamp) {
        self.0.last_updated = now;
        self.stamp_aside(operation);
    }

    /// Marks a change that is not part of the profile, such as one of a pending address.
    pub fn stamp_aside(&mut self, operation: OperationId) {
        self.0.version = self.0.version.next();
        self.0.operations.push(operation);
    }

    /// Adds an e-mail address. If it is verified and there is no primary one, it becomes the primary
    /// one. Older links become inert.
    pub fn add_email(
        &mut self,
        id: IdentifierId,
        email: Email,
        verified: bool,
    ) -> Result<(), Refusal> {
        self.0.emails.add(id, Address::added(email, verified))?;
        self.end_links();
        Ok(())
    }

    /// Adds a phone number. If it is verified and there is no primary one, it becomes the primary one.
    /// Links become inert, as after a change of e-mail addresses: some were sent to a phone.
    pub fn add_phone(
        &mut self,
        id: IdentifierId,
        phone: Phone,
        verified: bool,
    ) -> Result<(), Refusal> {
        self.0.phones.add(id, Address::added(phone, verified))?;
        self.end_links();
        Ok(())
    }

    /// Adds an address whose owner has proved it, or marks it as proved, in the spelling that was
    /// proved. Links stay valid, and the primary address stays as it is.
    pub fn prove_email(&mut self, id: IdentifierId, email: Email) -> Result<(), Refusal> {
        self.0.emails.prove(id, email)
    }

    /// Writes down when the other addresses were told that one was proved.
    pub(crate) fn set_proof_told_at(&mut self, now: Timestamp) {
        self.0.proof_told_at = Some(now);
    }

    /// Changes the spelling of an address to the one its owner typed, when that is the same mailbox. Id
    /// and proof stay. Returns whether the spelling has changed.
    pub fn respell_email(&mut self, id: IdentifierId, email: &Email) -> bool {
        let own = self.0.emails.get(id);
        let is_respelled =
            own.is_some_and(|own| own.value != *email && own.value.is_same_mailbox(email));
        if is_respelled {
            self.0.emails.respell(id, email.clone());
        }
        is_respelled
    }

    /// Makes a proved address the primary one by the person's wish, and older links inert.
    pub(crate) fn move_primary_email(&mut self, id: IdentifierId, tenure: Tenure) {
        self.0.emails.set_primary(id, tenure);
        self.end_links();
    }

    /// Brings an address back as the primary one. Of the others, only those stay for which `keeps` is
    /// true.
    pub(crate) fn restore_primary_email(
        &mut self,
        id: IdentifierId,
        mut keeps: impl FnMut(IdentifierId, &Address<Email>) -> bool,
    ) {
        self.0.emails.set_primary(id, Tenure::Restored);
        self.0.emails.retain(|id, own| keeps(id, own));
    }

    /// What the management API has done, for a right of this address to undo; `None` when the address
    /// is not on the profile.
    pub fn right_base(&self, id: IdentifierId) -> Option<RightBase> {
        let own = self.0.emails.get(id)?;
        Some(RightBase {
            others_set_primary: self.0.primary_emails_set.saturating_sub(own.set_primary),
            unverified: own.unverified,
        })
    }

    /// Gives the user a password by the management API, in place of any other. Older links become
    /// inert. Failed sign-ins are forgotten and the lock-out ends, because they were about another
    /// password.
    pub fn set_password(&mut self, hash: PasswordHash, force_reset: bool, now: Timestamp) {
        self.replace_hash(hash, force_reset, now);
        // The generation moves by two: a reset moves it by one, and a link that sees that takes the
        // reset for its own.
        self.end_links();
    }

    /// Gives the user a new password of their own. It ends all sessions and makes all links inert, so
    /// that a person who knew the old password has no access any more.
    pub fn replace_password(&mut self, hash: PasswordHash, now: Timestamp) {
        self.replace_hash(hash, false, now);
        self.end_sessions();
    }

    fn replace_hash(&mut self, hash: PasswordHash, force_reset: bool, now: Timestamp) {
        self.replace_credential(Some(Credential {
            hash: Some(hash),
            updated_at: now,
            force_reset,
        }));
        self.unblock();
    }

    /// Removes the password. A forced change of it is removed, too, and older links become inert.
    pub fn remove_password(&mut self) -> Result<(), Refusal> {
        if self.0.credential.is_none() {
            return Err(Refusal::NotFound(Part::Password));
        }
        self.replace_credential(None);
        Ok(())
    }

    fn replace_credential(&mut self, credential: Option<Credential>) {
        self.0.credential = credential;
        self.0.sessions_revoked = false;
        self.end_links();
    }

    /// Removes a passkey.
    pub fn remove_passkey(&mut self, id: &PasskeyId) -> Result<(), Refusal> {
        let before = self.0.passkeys.len();
        self.0.passkeys.retain(|own| own.passkey_id != id.as_str());
        if self.0.passkeys.len() == before {
            return Err(Refusal::NotFound(Part::Passkey));
        }
        Ok(())
    }

    /// Removes an account with a provider outside. The connection of the same provider and id is removed,
    /// too: it says that the provider can sign the user in.
    pub fn disconnect(
        &mut self,
        authenticator: Authenticator,
        provider_user_id: &str,
    ) -> Result<(), Refusal> {
        let before = self.0.external_providers.len();
        self.0.external_providers.retain(|own| {
            (own.authenticator, own.provider_user_id.as_str()) != (authenticator, provider_user_id)
        });
        if self.0.external_providers.len() == before {
            return Err(Refusal::NotFound(Part::ExternalProvider));
        }
        let idp = Idp::External(authenticator);
        self.0
            .connections
            .retain(|own| (own.idp, own.connection_id.as_str()) != (idp, provider_user_id));
        Ok(())
    }

    /// Changes claims. All claims that the changes don't name stay as they are.
    pub fn change_claims(&mut self, changes: &ClaimChanges) -> Result<(), Refusal> {
        let merged = self.0.claims.merged(changes.members());
        self.0.claims = merged.map_err(|invalid| Refusal::Member("claims", invalid.reason()))?;
        Ok(())
    }

    /// The application's data of one kind.
    pub const fn data(&self, kind: DataKind) -> &JsonObject {
        match kind {
            DataKind::Private => &self.0.private_data,
            DataKind::Public => &self.0.public_data,
        }
    }

    /// Changes the application's data of one kind: each member that is named replaces the one of its
    /// name whole, and null removes it.
    pub fn change_data(&mut self, kind: DataKind, changes: &JsonObject) -> Result<(), Refusal> {
        let data = match kind {
            DataKind::Private => &mut self.0.private_data,
            DataKind::Public => &mut self.0.public_data,
        };
        let merged = data.merged(changes);
        *data = merged.map_err(|invalid| Refusal::Member(kind.as_str(), invalid.reason()))?;
        Ok(())
    }

    /// Removes an e-mail address. The primary one can only be removed when it is the last of its kind.
    /// Older links become inert.
    pub fn remove_email(&mut self, id: IdentifierId) -> Result<(), Refusal> {
        let identifiers = self.identifiers().len();
        self.0.emails.remove(id, identifiers)?;
        self.end_links();
        Ok(())
    }

    /// Removes a phone number. The primary one can only be removed when it is the last of its kind. Links
    /// become inert: the number may be in other hands.
    pub fn remove_phone(&mut self, id: IdentifierId) -> Result<(), Refusal> {
        let identifiers = self.identifiers().len();
        self.0.phones.remove(id, identifiers)?;
        self.end_links();
        Ok(())
    }

    /// Gives the user a username, in place of any other. A name with the same canonical form
    /// keeps its identifier id.
    pub fn set_username(&mut self, id: IdentifierId, username: Username) {
        match &mut self.0.username {
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

    /// Removes the username and frees it for others.
    pub fn remove_username(&mut self) -> Result<(), Refusal> {
        if self.0.username.is_none() {
            return Err(Refusal::NotFound(Part::Username));
        }
        refuse_last_identifier(self.identifiers().len())?;
        self.0.username = None;
        Ok(())
    }

    /// Enables or disables the user.
    pub(crate) fn set_disabled(&mut self, value: bool) {
        self.0.disabled = value;
    }

    /// Writes down whether the sessions were ended, and the user could not sign in since.
    pub(crate) fn set_sessions_revoked(&mut self, value: bool) {
        self.0.sessions_revoked = value;
    }

    /// Ends all sessions and makes all devices void.
    pub fn end_sessions(&mut self) {
        self.0.session_epoch = self.0.session_epoch.next();
    }

    /// Writes down whether the password must be changed at the next sign-in.
    pub(crate) fn set_password_reset_forced(&mut self, value: bool) {
        if let Some(credential) = &mut self.0.credential {
            credential.force_reset = value;
        }
    }

    /// Makes all older links inert.
    pub(crate) fn end_links(&mut self) {
        self.0.email_generation = self.0.email_generation.next();
    }

    /// Forgets failed sign-ins and lifts the lock-out.
    pub(crate) fn unblock(&mut self) {
        self.0.sign_ins.failures = 0;
        self.0.sign_ins.block_until = None;
    }

    /// Makes a proved address of a kind the primary one.
    pub(crate) fn set_primary(&mut self, kind: AddressKind, id: IdentifierId) {
        match kind {
            AddressKind::Email => self.0.emails.set_primary(id, Tenure::Managed),
            AddressKind::Phone => self.0.phones.set_primary(id, Tenure::Managed),
        }
    }

    /// Makes a proved address the primary one of its kind where there is none.
    pub(crate) fn set_primary_if_none(&mut self, kind: AddressKind, id: IdentifierId) {
        match kind {
            AddressKind::Email => self.0.emails.set_primary_if_none(id),
            AddressKind::Phone => self.0.phones.set_primary_if_none(id),
        }
    }

    /// Marks an address of a kind as proved by a source, or as not proved.
    pub(crate) fn set_verification(
        &mut self,
        kind: AddressKind,
        id: IdentifierId,
        source: Option<&Source>,
    ) {
        match kind {
            AddressKind::Email => self.0.emails.set_verification(id, source),
            AddressKind::Phone => self.0.phones.set_verification(id, source),
        }
    }

    /// Ends the rights of all other e-mail addresses to undo.
    pub(crate) fn end_rights_of_others(&mut self, id: IdentifierId) {
        self.0.primary_emails_set += 1;
        self.0.emails.count_set_primary(id);
    }

    /// Ends the rights of this e-mail address to undo.
    pub(crate) fn end_rights_of(&mut self, id: IdentifierId) {
        self.0.emails.count_unverified(id);
    }

    /// Whether the address with this id is verified; nothing when there is none.
    pub fn is_verified(&self, kind: AddressKind, id: IdentifierId) -> Option<bool> {
        match kind {
            AddressKind::Email => self.0.emails.get(id).map(|own| own.verified),
            AddressKind::Phone => self.0.phones.get(id).map(|own| own.verified),
        }
    }

    /// Which address of a kind is the primary one.
    pub fn primary(&self, kind: AddressKind) -> Option<Primary> {
        match kind {
            AddressKind::Email => self.0.emails.primary(),
            AddressKind::Phone => self.0.phones.primary(),
        }
    }

    /// All identifiers of the user, each with its id. Exactly these must be reserved for the user.
    pub fn identifiers(&self) -> BTreeMap<Identifier, IdentifierId> {
        let username = self.0.username.iter();
        let username = username.map(|username| (Identifier::from(&username.value), username.id));
        let emails = self.0.emails.identifiers();
        emails
            .chain(self.0.phones.identifiers())
            .chain(username)
            .collect()
    }

    /// Refuses a user whom nothing names.
    pub(crate) fn refuse_without_identifier(&self) -> Result<(), Refusal> {
        if self.identifiers().is_empty() {
            return Err(IDENTIFIER_REQUIRED.into());
        }
        Ok(())
    }

    /// The directories that can sign the user in: this one, then each provider once, in the providers'
    /// order.
    pub fn idps(&self) -> Vec<Idp> {
        let mut idps = vec![Idp::Monocloud];
        for provider in &self.0.external_providers {
            let idp = Idp::External(provider.authenticator);
            if !idps.contains(&idp) {
                idps.push(idp);
            }
        }
        idps
    }

    /// Whether the lock-out lasts at `now`.
    pub fn is_blocked(&self, now: Timestamp) -> bool {
        self.0.sign_ins.block_until.is_some_and(|until| until > now)
    }
}

impl From<User> for UserFacts {
    fn from(user: User) -> Self {
        user.0
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
            claims: ClaimChanges::none(),
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
            claims: ClaimChanges::none(),
            credential: None,
        };
        let refused = User::create(new, Timestamp::from_unix(1));
        assert_eq!(code(refused), Code::IdentifierRequired);
    }

    #[test]
    fn a_verified_address_becomes_primary_when_there_is_none() {
        let mut user = sample::published();
        assert_eq!(user.emails().primary(), None);
        user.add_email(id(1), email("a@example.org"), false)
            .unwrap();
        assert_eq!(user.emails().primary(), None);
        user.add_email(id(2), email("b@example.org"), true).unwrap();
        user.add_email(id(3), email("c@example.org"), true).unwrap();
        assert!(user.emails().is_primary(id(2)));
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
        assert_eq!(user.emails().primary(), None);
        assert_eq!(code(user.remove_username()), Code::LastIdentifier);
        assert_eq!(
            user.remove_email(id(0)),
            Err(Refusal::NotFound(Part::Email))
        );
    }

    #[test]
    fn a_phone_number_is_added_and_removed_as_an_e_mail_address_is() {
        let mut user = only_an_email();
        let generation = user.email_generation();
        let phone = |n: u8| Phone::restore(format!("+4416329601{n:02}"));
        user.add_phone(id(1), phone(1), false).unwrap();
        assert_eq!(user.phones().primary(), None);
        user.add_phone(id(2), phone(2), true).unwrap();
        assert!(user.phones().is_primary(id(2)));
        let again = user.add_phone(id(3), phone(1), true);
        assert_eq!(code(again), Code::DuplicatePhoneNumber);
        assert_eq!(code(user.remove_phone(id(2))), Code::PrimaryIdentifier);
        user.remove_email(id(0)).unwrap();
        user.remove_phone(id(1)).unwrap();
        assert_eq!(code(user.remove_phone(id(2))), Code::LastIdentifier);
        let unknown = user.remove_phone(id(1));
        assert_eq!(unknown, Err(Refusal::NotFound(Part::Phone)));
        // Two were added, one was removed, and an e-mail address was.
        let moved = (0..4).fold(generation, |generation, _| generation.next());
        assert_eq!(user.email_generation(), moved);
    }

    #[test]
    fn a_respelled_username_keeps_its_id() {
        let mut user = only_an_email();
        user.set_username(id(1), Username::parse("grace").unwrap());
        user.set_username(id(2), Username::parse("Grace").unwrap());
        let username = user.username().unwrap();
        assert_eq!((username.id, username.value.as_str()), (id(1), "Grace"));
        user.set_username(id(3), Username::parse("hopper").unwrap());
        assert_eq!(user.username().map(|username| username.id), Some(id(3)));
    }

    #[test]
    fn another_password_ends_links_and_lifts_the_lock_out_and_leaves_sessions_alone() {
        let user = sample::published();
        let hash = PasswordHash::restore("$argon2id$new".to_owned());
        let now = Timestamp::from_unix(2_000_000_000);
        for force_reset in [false, true] {
            let mut set = user.clone();
            set.set_password(hash.clone(), force_reset, now);
            let credential = Credential {
                hash: Some(hash.clone()),
                updated_at: now,
                force_reset,
            };
            assert_eq!(set.credential(), Some(&credential));
            let by_two = user.email_generation().next().next();
            assert_eq!(set.email_generation(), by_two);
            assert_eq!(set.session_epoch(), user.session_epoch());
            assert_eq!(set.sign_ins().failures, 0);
            assert_eq!(set.sign_ins().block_until, None);
        }
        let mut replaced = user.clone();
        replaced.replace_password(hash, now);
        assert_eq!(replaced.session_epoch(), user.session_epoch().next());
    }

    #[test]
    fn a_removed_password_takes_the_need_to_change_it_along() {
        let mut user = sample::changed(sample::published(), |user| {
            user.credential.as_mut().unwrap().force_reset = true;
        });
        let generation = user.email_generation();
        user.remove_password().unwrap();
        assert_eq!(user.credential(), None);
        assert_eq!(user.email_generation(), generation.next());
        let again = user.remove_password();
        assert_eq!(again, Err(Refusal::NotFound(Part::Password)));
    }

    #[test]
    fn a_passkey_is_removed_by_its_id() {
        let mut user = sample::published();
        let id = PasskeyId::parse(&user.passkeys()[0].passkey_id).unwrap();
        let other = PasskeyId::parse("AAAA").unwrap();
        let absent = Err(Refusal::NotFound(Part::Passkey));
        assert_eq!(user.remove_passkey(&other), absent);
        assert_eq!(user.remove_passkey(&id), Ok(()));
        assert_eq!(user.passkeys(), []);
        assert_eq!(user.remove_passkey(&id), absent);
    }

    #[test]
    fn a_disconnected_account_takes_its_own_connection_along() {
        let connection = |idp, id: &str| Connection {
            idp,
            connection_id: id.to_owned(),
        };
        let google = Idp::External(Authenticator::Google);
        let own = sample::published().external_providers()[0]
            .provider_user_id
            .clone();
        let others = vec![
            connection(google, "another"),
            connection(Idp::External(Authenticator::Apple), &own),
            connection(Idp::Monocloud, &own),
        ];
        let mut user = sample::changed(sample::published(), |user| {
            user.connections = others.clone();
            user.connections.push(connection(google, &own));
        });
        let absent = Err(Refusal::NotFound(Part::ExternalProvider));
        assert_eq!(user.disconnect(Authenticator::Apple, &own), absent);
        assert_eq!(user.disconnect(Authenticator::Google, "another"), absent);
        assert_eq!(user.disconnect(Authenticator::Google, &own), Ok(()));
        assert_eq!(user.external_providers(), []);
        assert_eq!(user.connections(), others);
        assert_eq!(user.idps(), [Idp::Monocloud]);
    }

    #[test]
    fn data_of_one_kind_and_claims_leave_each_other_alone() {
        let json = |text: &str| JsonObject::parse(text).unwrap();
        let mut user = only_an_email();
        user.change_data(DataKind::Private, &json(r#"{"a":1}"#))
            .unwrap();
        user.change_data(DataKind::Public, &json(r#"{"b":1.0}"#))
            .unwrap();
        user.change_data(DataKind::Private, &json(r#"{"a":null,"c":2}"#))
            .unwrap();
        assert_eq!(user.data(DataKind::Private).as_str(), r#"{"c":2}"#);
        assert_eq!(user.data(DataKind::Public).as_str(), r#"{"b":1.0}"#);
        assert!(user.claims().is_empty());
        let twice = user.change_data(DataKind::Public, &json(r#"{"x":1,"x":2}"#));
        let refusal = Refusal::Member("public_data", "must have each member once");
        assert_eq!(twice, Err(refusal));
    }

    #[test]
    fn the_last_eight_operations_are_remembered() {
        let mut user = only_an_email();
        for n in 2..=9 {
            user.stamp(OperationId::random([n; 16]), Timestamp::from_unix(2));
        }
        assert_eq!(user.version(), Version::new(9));
        assert!(!user.has_seen(&OperationId::random([1; 16])));
        assert!(user.has_seen(&OperationId::random([2; 16])));
    }
}
