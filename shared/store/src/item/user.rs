//! The user item: a user's own facts, and nothing that can be computed from them.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue as Value;
use domain::address::{AddressValue, Primary, Tenure};
use domain::external::{Authenticator, Connection, ExternalProvider};
use domain::filter::NameKind;
use domain::import::ImportDigest;
use domain::password::PasswordHash;
use domain::user::{Credential, Operations, Passkey, Place, ProfileUsername, SignIns, Source};
use domain::{
    Address, AddressKind, Addresses, Email, Epoch, Generation, Identifier, IdentifierId,
    JsonObject, Kind, OperationId, Phone, Timestamp, User, UserFacts, UserField, UserId, Username,
    Version,
};
use serde::{Deserialize, Serialize};

use super::{layout, prefix};
use crate::table::Update;
use crate::table::{self, Item, Partition};
use crate::{Cause, StoreError};

/// The format that this code writes. A reader refuses a newer one.
const FORMAT: u32 = 1;
/// The sort key of the user. The sort keys of items that are read with the user start with it.
pub const SORT_KEY: &str = "USER";
/// Stands for [`Tenure::Restored`]: the address had been the primary one before.
const RESTORED: Timestamp = Timestamp::from_unix(0);

/// The attribute with the last operations.
pub(crate) const OPERATIONS: &str = "operations";

/// The names of the attributes that hold the addresses of one kind.
pub(crate) struct AddressAttributes {
    /// The map of all of them, by identifier id.
    pub(crate) all: &'static str,
    /// The primary one's identifier id.
    pub(crate) primary: &'static str,
    /// When the person made it the primary one.
    pub(crate) since: &'static str,
}

/// The attributes of this kind.
pub(crate) const fn attributes(kind: AddressKind) -> AddressAttributes {
    match kind {
        AddressKind::Email => AddressAttributes {
            all: "emails",
            primary: "primary_email",
            since: "primary_email_since",
        },
        AddressKind::Phone => AddressAttributes {
            all: "phones",
            primary: "primary_phone",
            since: "primary_phone_since",
        },
    }
}

/// As it is stored.
#[derive(Serialize, Deserialize)]
struct UserItem {
    #[serde(rename = "PK")]
    pk: String,
    #[serde(rename = "SK")]
    sk: String,
    format: u32,
    /// The partition in `by_creation`.
    list_shard: String,
    /// The sort key in `by_creation` and `by_disabled`.
    list_sort: String,
    /// The partition in `by_disabled`, as `list_shard`, while the user is disabled. Older code stored
    /// none: such a user is found by it once they are disabled anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_shard: Option<String>,
    /// The partition of the user's id in `by_prefix`. Older code stored none.
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    /// The sort key in `by_prefix`: the user's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    canonical: Option<String>,
    creation_time: Timestamp,
    last_updated: Timestamp,
    version: Version,
    /// Where it is not the second of the creation, as that of an imported user.
    #[serde(skip_serializing_if = "Option::is_none")]
    born: Option<Epoch>,
    session_epoch: Epoch,
    email_generation: Generation,
    disabled: bool,
    sessions_revoked: bool,
    /// Newest first. Empty texts fill the list up, so that an update can shift it without a read.
    operations: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<IdentifierItem>,
    emails: BTreeMap<String, IdentifierItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_email: Option<String>,
    /// When the person made it the primary one; zero where it had been the primary one before. Absent
    /// where the management API made it primary.
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_email_since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "is_zero")]
    primary_emails_set: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof_told_at: Option<Timestamp>,
    phones: BTreeMap<String, IdentifierItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_phone: Option<String>,
    /// As `primary_email_since`.
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_phone_since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    passkeys: Vec<Passkey>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    connections: Vec<Connection>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    external_providers: Vec<ProviderItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claims: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    private_data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_updated_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    force_password_reset: Option<bool>,
    sign_in_attempts_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_sign_in_attempt: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_sign_in_attempt_ip: Option<String>,
    sign_in_success_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_sign_in_success: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_sign_in_success_ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_activity: Option<Timestamp>,
    failure_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    block_until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_known_city: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_known_region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_known_country: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    import_digest: Option<String>,
}

/// An e-mail address, phone number or username in the user item.
#[derive(Serialize, Deserialize)]
struct IdentifierItem {
    /// Only a username: the maps of the others have it as their key.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// As typed.
    shown: String,
    /// Where it differs from the form as typed.
    #[serde(skip_serializing_if = "Option::is_none")]
    canonical: Option<String>,
    /// Absent for a username.
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<bool>,
    source: Source,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_source: Option<Source>,
    #[serde(default, skip_serializing_if = "is_zero")]
    set_primary: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    unverified: u64,
}

/// A count is stored only if it is greater than zero.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[derive(Serialize, Deserialize)]
struct ProviderItem {
    authenticator: Authenticator,
    provider_user_id: String,
    claims: String,
}

/// Its key.
pub(crate) fn key(id: &UserId) -> Item {
    child_key(id, SORT_KEY)
}

/// The key of an item in the user's partition.
pub(crate) fn child_key(id: &UserId, sort_key: &str) -> Item {
    table::key(partition_key(id), sort_key)
}

pub(crate) fn partition_key(id: &UserId) -> String {
    Partition::User.key(id)
}

/// The sort key of a user in `by_creation`, and in the partitions of the user's groups.
pub(crate) fn list_sort(user: &User) -> String {
    layout::list_sort(user.creation_time(), user.id())
}

/// Whose partition it is.
pub(crate) fn owner_of(partition_key: &str) -> Option<UserId> {
    let id = partition_key.strip_prefix(Partition::User.prefix())?;
    UserId::parse(id).ok()
}

/// The attributes that a list shows, finds users by and sorts them by: all but those that the summary of
/// a user leaves out, and those that only indexes need.
pub(crate) const SUMMARY: [&str; 41] = [
    "PK",
    "SK",
    "format",
    "list_shard",
    "list_sort",
    "creation_time",
    "last_updated",
    "born",
    "version",
    "session_epoch",
    "email_generation",
    "disabled",
    "sessions_revoked",
    "operations",
    "username",
    "emails",
    "primary_email",
    "primary_email_since",
    "primary_emails_set",
    "proof_told_at",
    "phones",
    "primary_phone",
    "primary_phone_since",
    "passkeys",
    "connections",
    "external_providers",
    "claims",
    "password_updated_at",
    "force_password_reset",
    "sign_in_attempts_count",
    "last_sign_in_attempt",
    "last_sign_in_attempt_ip",
    "sign_in_success_count",
    "last_sign_in_success",
    "last_sign_in_success_ip",
    "last_activity",
    "failure_count",
    "block_until",
    "last_known_city",
    "last_known_region",
    "last_known_country",
];

/// What users are sorted by. What is absent is before all that is there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SortValue {
    Number(Option<i64>),
    Text(Option<String>),
}

/// The attribute that holds what users are sorted by.
pub(crate) fn sort_attribute(field: UserField) -> &'static str {
    match field {
        UserField::CreationTime => "list_sort",
        field if field.is_claim() => "claims",
        field => field.as_str(),
    }
}

/// The value that an item is sorted by.
pub(crate) fn sort_value(item: &Item, field: UserField) -> SortValue {
    let text = || item.get(sort_attribute(field))?.as_s().ok();
    match field {
        UserField::CreationTime => SortValue::Text(text().cloned()),
        field if field.is_claim() => {
            let claims = text().and_then(|claims| JsonObject::parse(claims).ok());
            let claim = claims.and_then(|claims| claims.text(field.as_str()));
            SortValue::Text(claim.as_deref().map(UserField::comparable))
        }
        field => SortValue::Number(table::number_of(item, field.as_str())),
    }
}

/// The attributes that put a user into the index of disabled users and into that of ids. Without those of
/// the list of all users, no user can be read.
const LISTED_BY: [&str; 3] = ["disabled_shard", "prefix", "canonical"];

/// An update that puts the user of an item into the indexes that lack it, or takes it out of one, on
/// condition that the user has not changed. `None` where nothing is to be done. It changes nothing that is
/// shown, so it moves neither version nor revision.
///
/// An attribute of another value stays: it may be of another layout.
pub(crate) fn relisted(user: &User, present: &Item) -> Result<Option<Update>, StoreError> {
    let wanted = item(user)?;
    let mut update = Update::of_present(key(user.id()));
    update.require_equal(&["version"], table::number(user.version()));
    let mut is_whole = true;
    for name in LISTED_BY {
        match (wanted.get(name), present.contains_key(name)) {
            (Some(value), false) => update.set(&[name], value.clone()),
            (None, true) => update.remove(&[name]),
            _ => continue,
        }
        is_whole = false;
    }
    Ok((!is_whole).then_some(update))
}

/// Whether the user of an item has an identifier. A user of a format that this code does not know may have
/// any.
pub(crate) fn may_have(user: &Item, identifier: &Identifier) -> bool {
    let is_it = |own: &Value| {
        let own = own.as_m().ok();
        let form = own.and_then(|own| own.get("canonical").or_else(|| own.get("shown")));
        let form = form.and_then(|form| form.as_s().ok());
        form.is_some_and(|form| *form == identifier.canonical)
    };
    let has_one = |name: &str| {
        let all = user.get(name).and_then(|all| all.as_m().ok());
        all.is_some_and(|all| all.values().any(is_it))
    };
    refuse_newer(user).is_err()
        || match identifier.kind {
            Kind::Username => user.get("username").is_some_and(is_it),
            Kind::Email => has_one(attributes(AddressKind::Email).all),
            Kind::Phone => has_one(attributes(AddressKind::Phone).all),
        }
}

/// The whole item of a user.
pub(crate) fn item(user: &User) -> Result<Item, StoreError> {
    Ok(serde_dynamo::to_item(UserItem::from(user)).map_err(Cause::from)?)
}

/// Refuses an item whose format is newer than this code.
pub(crate) fn refuse_newer(item: &Item) -> Result<(), Cause> {
    let format = item.get("format").and_then(|format| format.as_n().ok());
    let format: u32 = format
        .and_then(|format| format.parse().ok())
        .unwrap_or_default();
    if format > FORMAT {
        return Err(Cause::Newer(format));
    }
    Ok(())
}

/// The user of an item.
pub(crate) fn from_item(item: Item) -> Result<User, StoreError> {
    refuse_newer(&item)?;
    // The cause is left out, because it may quote the item.
    let item: UserItem =
        serde_dynamo::from_item(item).map_err(|_| Cause::Unreadable("user").unexpected())?;
    Ok(item.try_into()?)
}

impl IdentifierItem {
    fn address<T: AddressValue>(address: &Address<T>, shown: &str) -> Self {
        let canonical = address.value.canonical();
        Self {
            id: None,
            shown: shown.to_owned(),
            canonical: (canonical != shown).then(|| canonical.to_owned()),
            verified: Some(address.verified),
            source: address.source.clone(),
            verification_source: address.verification_source.clone(),
            set_primary: address.set_primary,
            unverified: address.unverified,
        }
    }

    fn forms(&mut self) -> (String, String) {
        let shown = std::mem::take(&mut self.shown);
        let canonical = self.canonical.take().unwrap_or_else(|| shown.clone());
        (shown, canonical)
    }

    fn into_address<T>(mut self, value: impl FnOnce(String, String) -> T) -> Address<T> {
        let (shown, canonical) = self.forms();
        Address {
            value: value(shown, canonical),
            verified: self.verified.unwrap_or_default(),
            source: self.source,
            verification_source: self.verification_source,
            set_primary: self.set_primary,
            unverified: self.unverified,
        }
    }
}

impl From<&User> for UserItem {
    fn from(user: &User) -> Self {
        let user = user.facts();
        let json = |object: &JsonObject| (!object.is_empty()).then(|| object.as_str().to_owned());
        let mut operations: Vec<String> = user
            .operations
            .iter()
            .map(|id| id.as_str().to_owned())
            .collect();
        operations.resize_with(Operations::KEPT, String::new);
        let credential = user.credential.as_ref();
        let (id, list_shard) = (user.id.as_str(), layout::partition(&[], user.id.as_str()));
        Self {
            pk: partition_key(&user.id),
            sk: SORT_KEY.to_owned(),
            format: FORMAT,
            disabled_shard: user.disabled.then(|| list_shard.clone()),
            list_shard,
            list_sort: layout::list_sort(user.creation_time, &user.id),
            prefix: Some(prefix::partition(NameKind::UserId, id)),
            canonical: Some(id.to_owned()),
            creation_time: user.creation_time,
            last_updated: user.last_updated,
            version: user.version,
            born: (user.born != Epoch::first(user.creation_time)).then_some(user.born),
            session_epoch: user.session_epoch,
            email_generation: user.email_generation,
            disabled: user.disabled,
            sessions_revoked: user.sessions_revoked,
            operations,
            username: user.username.as_ref().map(|username| {
                let (shown, canonical) = (username.value.as_str(), username.value.canonical());
                IdentifierItem {
                    id: Some(username.id.to_string()),
                    shown: shown.to_owned(),
                    canonical: (canonical != shown).then(|| canonical.to_owned()),
                    verified: None,
                    source: username.source.clone(),
                    verification_source: None,
                    set_primary: 0,
                    unverified: 0,
                }
            }),
            emails: address_items(&user.emails, Email::as_str),
            primary_email: primary_id(user.emails.primary()),
            primary_email_since: primary_since(user.emails.primary()),
            primary_emails_set: user.primary_emails_set,
            proof_told_at: user.proof_told_at,
            phones: address_items(&user.phones, Phone::as_str),
            primary_phone: primary_id(user.phones.primary()),
            primary_phone_since: primary_since(user.phones.primary()),
            passkeys: user.passkeys.clone(),
            connections: user.connections.clone(),
            external_providers: user
                .external_providers
                .iter()
                .map(|provider| ProviderItem {
                    authenticator: provider.authenticator,
                    provider_user_id: provider.provider_user_id.clone(),
                    claims: provider.claims.as_str().to_owned(),
                })
                .collect(),
            claims: json(&user.claims),
            public_data: json(&user.public_data),
            private_data: json(&user.private_data),
            password_hash: credential
                .and_then(|credential| credential.hash.as_ref())
                .map(|hash| hash.expose().to_owned()),
            password_updated_at: credential.map(|credential| credential.updated_at),
            force_password_reset: credential.map(|credential| credential.force_reset),
            sign_in_attempts_count: user.sign_ins.attempts,
            last_sign_in_attempt: user.sign_ins.last_attempt,
            last_sign_in_attempt_ip: user.sign_ins.last_attempt_ip.clone(),
            sign_in_success_count: user.sign_ins.successes,
            last_sign_in_success: user.sign_ins.last_success,
            last_sign_in_success_ip: user.sign_ins.last_success_ip.clone(),
            last_activity: user.sign_ins.last_activity,
            failure_count: user.sign_ins.failures,
            block_until: user.sign_ins.block_until,
            last_known_city: user.last_known.city.clone(),
            last_known_region: user.last_known.region.clone(),
            last_known_country: user.last_known.country.clone(),
            import_digest: user
                .import_digest
                .as_ref()
                .map(|digest| digest.as_str().to_owned()),
        }
    }
}

impl TryFrom<UserItem> for User {
    type Error = Cause;

    fn try_from(item: UserItem) -> Result<Self, Self::Error> {
        let id = owner_of(&item.pk).ok_or(Cause::Invalid("PK"))?;
        let username = match item.username {
            None => None,
            Some(mut username) => {
                let id = username.id.take().ok_or(Cause::Invalid("username"))?;
                let (shown, canonical) = username.forms();
                Some(ProfileUsername {
                    id: IdentifierId::parse(&id).map_err(|_| Cause::Invalid("username"))?,
                    value: Username::restore(shown, canonical),
                    source: username.source,
                })
            }
        };
        let external_providers = item
            .external_providers
            .into_iter()
            .map(|provider| {
                Ok(ExternalProvider {
                    authenticator: provider.authenticator,
                    provider_user_id: provider.provider_user_id,
                    claims: JsonObject::parse(&provider.claims)
                        .map_err(|_| Cause::Invalid("external_providers"))?,
                })
            })
            .collect::<Result<_, Self::Error>>()?;
        let credential = item.password_updated_at.map(|updated_at| Credential {
            hash: item.password_hash.map(PasswordHash::restore),
            updated_at,
            force_reset: item.force_password_reset.unwrap_or_default(),
        });
        let operations = item
            .operations
            .into_iter()
            .filter(|id| !id.is_empty())
            .map(OperationId::stored)
            .collect();
        Ok(Self::restore(UserFacts {
            id,
            creation_time: item.creation_time,
            last_updated: item.last_updated,
            version: item.version,
            born: item
                .born
                .unwrap_or_else(|| Epoch::first(item.creation_time)),
            session_epoch: item.session_epoch,
            email_generation: item.email_generation,
            disabled: item.disabled,
            sessions_revoked: item.sessions_revoked,
            username,
            emails: addresses(
                AddressKind::Email,
                item.emails,
                (item.primary_email, item.primary_email_since),
                Email::restore,
            )?,
            primary_emails_set: item.primary_emails_set,
            proof_told_at: item.proof_told_at,
            phones: addresses(
                AddressKind::Phone,
                item.phones,
                (item.primary_phone, item.primary_phone_since),
                |e164, _| Phone::restore(e164),
            )?,
            passkeys: item.passkeys,
            connections: item.connections,
            external_providers,
            claims: json(item.claims, "claims")?,
            public_data: json(item.public_data, "public_data")?,
            private_data: json(item.private_data, "private_data")?,
            credential,
            sign_ins: SignIns {
                attempts: item.sign_in_attempts_count,
                last_attempt: item.last_sign_in_attempt,
                last_attempt_ip: item.last_sign_in_attempt_ip,
                successes: item.sign_in_success_count,
                last_success: item.last_sign_in_success,
                last_success_ip: item.last_sign_in_success_ip,
                last_activity: item.last_activity,
                failures: item.failure_count,
                block_until: item.block_until,
            },
            last_known: Place {
                city: item.last_known_city,
                region: item.last_known_region,
                country: item.last_known_country,
            },
            operations: Operations::restore(operations),
            import_digest: item.import_digest.map(ImportDigest::stored),
        }))
    }
}

fn address_items<T: AddressValue>(
    addresses: &Addresses<T>,
    shown: impl Fn(&T) -> &str,
) -> BTreeMap<String, IdentifierItem> {
    addresses
        .iter()
        .map(|(id, own)| {
            (
                id.to_string(),
                IdentifierItem::address(own, shown(&own.value)),
            )
        })
        .collect()
}

fn primary_id(primary: Option<Primary>) -> Option<String> {
    primary.map(|primary| primary.id.to_string())
}

fn primary_since(primary: Option<Primary>) -> Option<Timestamp> {
    match primary?.tenure {
        Tenure::Managed => None,
        Tenure::Restored => Some(RESTORED),
        Tenure::Since(then) => Some(then),
    }
}

/// The addresses of one kind, with the id of the primary one and since when it is primary.
fn addresses<T: AddressValue>(
    kind: AddressKind,
    stored: BTreeMap<String, IdentifierItem>,
    (primary, since): (Option<String>, Option<Timestamp>),
    value: impl Fn(String, String) -> T,
) -> Result<Addresses<T>, Cause> {
    let attributes = attributes(kind);
    let id =
        |text: &str, attribute| IdentifierId::parse(text).map_err(|_| Cause::Invalid(attribute));
    let own = stored
        .into_iter()
        .map(|(text, address)| Ok((id(&text, attributes.all)?, address.into_address(&value))))
        .collect::<Result<_, Cause>>()?;
    let tenure = match since {
        None => Tenure::Managed,
        Some(RESTORED) => Tenure::Restored,
        Some(then) => Tenure::Since(then),
    };
    let primary = primary
        .map(|text| id(&text, attributes.primary))
        .transpose()?;
    let primary = primary.map(|id| Primary { id, tenure });
    Addresses::restore(own, primary).map_err(|source| Cause::Addresses {
        attribute: attributes.all,
        source,
    })
}

fn json(stored: Option<String>, attribute: &'static str) -> Result<JsonObject, Cause> {
    stored.map_or_else(
        || Ok(JsonObject::empty()),
        |text| JsonObject::parse(&text).map_err(|_| Cause::Invalid(attribute)),
    )
}

/// Puts an operation in front of the others without a read, so that a write need not know which
/// operations came before.
pub(crate) fn push_operation(update: &mut Update, operation: &OperationId) {
    let operation = table::text(operation.as_str());
    update.push(OPERATIONS, Operations::KEPT, operation);
}

/// The difference between two states of a user: attributes to set and names to remove.
pub(crate) fn difference(before: &User, after: &User) -> Result<(Item, Vec<String>), StoreError> {
    Ok(table::difference(&item(before)?, item(after)?))
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;
    use domain::address::InvalidAddresses;
    use domain::sample;

    use super::*;

    #[test]
    fn a_user_survives_the_way_into_an_item_and_back() {
        let user = sample::published();
        assert_eq!(from_item(item(&user).unwrap()).unwrap(), user);
    }

    #[test]
    fn a_list_reads_all_of_a_user_but_what_its_summary_leaves_out() {
        let shown = sample::changed(sample::published(), |user| {
            user.public_data = JsonObject::empty();
            user.private_data = JsonObject::empty();
            let credential = user.credential.as_mut();
            credential.expect("the sample has a password").hash = None;
        });
        for user in [sample::published(), sample::person().user] {
            let mut whole = item(&user).unwrap();
            let hidden = ["public_data", "private_data", "password_hash"];
            let of_indexes = ["disabled_shard", "prefix", "canonical"];
            for name in hidden.iter().chain(&of_indexes) {
                whole.remove(*name);
            }
            whole.retain(|name, _| !SUMMARY.contains(&name.as_str()));
            assert_eq!(whole, Item::new());
        }
        let mut summary = item(&sample::published()).unwrap();
        summary.retain(|name, _| SUMMARY.contains(&name.as_str()));
        assert_eq!(from_item(summary).unwrap(), shown);
    }

    #[test]
    fn a_user_is_sorted_by_each_field_that_the_item_has() {
        let user = sample::changed(sample::published(), |user| {
            user.claims = JsonObject::parse(r#"{"given_name":"Ada","name":7}"#).unwrap();
            user.sign_ins.failures = 3;
            user.sign_ins.block_until = None;
        });
        let item = item(&user).unwrap();
        let text = |text: &str| SortValue::Text(Some(text.to_owned()));
        for (field, wanted) in [
            (UserField::CreationTime, text(&list_sort(&user))),
            (UserField::GivenName, text("ada")),
            (UserField::Name, SortValue::Text(None)),
            (UserField::MiddleName, SortValue::Text(None)),
            (UserField::FailureCount, SortValue::Number(Some(3))),
            (UserField::BlockUntil, SortValue::Number(None)),
        ] {
            assert_eq!(sort_value(&item, field), wanted, "{field:?}");
        }
        assert!(SortValue::Text(None) < text(""));
        for (_, field) in UserField::ALL {
            let attribute = sort_attribute(*field);
            assert!(SUMMARY.contains(&attribute), "{attribute}");
        }
    }

    #[test]
    fn only_a_disabled_user_lies_in_the_index_of_those() {
        let with = |disabled: bool| {
            let user = sample::changed(sample::published(), |user| user.disabled = disabled);
            item(&user).unwrap()
        };
        assert_eq!(with(true)["disabled_shard"], with(true)["list_shard"]);
        assert!(!with(false).contains_key("disabled_shard"));
    }

    #[test]
    fn a_newer_format_is_not_misread() {
        let mut newer = item(&sample::published()).unwrap();
        newer.insert("format".to_owned(), AttributeValue::N("2".to_owned()));
        newer.remove("version");
        let error = from_item(newer).unwrap_err();
        assert!(
            matches!(error, StoreError::Unexpected(Cause::Newer(2))),
            "{error:?}"
        );
    }

    #[test]
    fn an_unverified_primary_address_is_refused_and_not_shown() {
        let mut stored = item(&sample::person().user).unwrap();
        let AttributeValue::M(emails) = stored.get_mut("emails").unwrap() else {
            panic!("e-mail addresses are a map");
        };
        for email in emails.values_mut() {
            let AttributeValue::M(email) = email else {
                panic!("an e-mail address is a map");
            };
            email.insert("verified".to_owned(), AttributeValue::Bool(false));
        }
        let error = from_item(stored).unwrap_err();
        assert!(
            matches!(
                error,
                StoreError::Unexpected(Cause::Addresses {
                    attribute: "emails",
                    source: InvalidAddresses::UnverifiedPrimary,
                })
            ),
            "{error:?}"
        );
        assert!(!format!("{error:?}").contains('@'), "{error:?}");
    }

    #[test]
    fn an_unchanged_user_has_no_difference() {
        let user = sample::published();
        assert_eq!(difference(&user, &user).unwrap(), (Item::new(), vec![]));
    }

    #[test]
    fn a_removed_username_is_removed_from_the_item() {
        let before = sample::published();
        let mut after = before.clone();
        after.remove_username().unwrap();
        let (set, removed) = difference(&before, &after).unwrap();
        assert_eq!((set, removed), (Item::new(), vec!["username".to_owned()]));
    }
}
