//! The user body: the union of the older and the newer model (users-api.md, section 3).

use domain::external::{Authenticator, Idp};
use domain::password::PasswordHash;
use domain::user::{DataKind, Passkey};
use domain::{Address, JsonObject, Timestamp, User};
use serde::Serialize;

#[cfg(feature = "schema")]
use crate::schema;

/// One user, every member always present.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields, rename = "User")
)]
pub struct UserBody<'a> {
    #[serde(flatten)]
    profile: ProfileBody<'a>,
    /// Accounts with providers outside.
    external_providers: Vec<ProviderBody<'a>>,
    /// The same list under its older name.
    idps: Vec<ProviderBody<'a>>,
    /// OpenID Connect claims.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Map"))]
    claims: &'a JsonObject,
    /// What the user may see of the application's data.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Map"))]
    public_data: &'a JsonObject,
    /// What only the application may see.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Map"))]
    private_data: &'a JsonObject,
    #[serde(flatten)]
    signing_in: SigningInBody<'a>,
}

/// One user as an import takes them back: all that is shown, and the password's hash, which is shown
/// nowhere else.
#[derive(Serialize)]
pub struct ExportedUserBody<'a> {
    #[serde(flatten)]
    user: UserBody<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_hash: Option<&'a str>,
}

/// One user as lists show them: all but the application's data and the claims of providers.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields, rename = "UserSummary")
)]
pub struct UserSummaryBody<'a> {
    #[serde(flatten)]
    profile: ProfileBody<'a>,
    /// Accounts with providers outside.
    external_providers: Vec<ProviderSummaryBody<'a>>,
    /// The same list under its older name.
    idps: Vec<ProviderSummaryBody<'a>>,
    /// OpenID Connect claims.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Map"))]
    claims: &'a JsonObject,
    #[serde(flatten)]
    signing_in: SigningInBody<'a>,
}

/// Who a user is.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct ProfileBody<'a> {
    /// Names the user for good.
    user_id: &'a str,
    /// Unix seconds.
    creation_time: i64,
    /// Unix seconds. Moves with the profile, not with sign-ins.
    last_updated: i64,
    /// May not sign in.
    disabled: bool,
    username: Option<UsernameBody<'a>>,
    /// At most one is primary, and that one is verified.
    emails: Vec<EmailBody<'a>>,
    /// At most one is primary, and that one is verified.
    phone_numbers: Vec<PhoneBody<'a>>,
    passkeys: Vec<PasskeyBody<'a>>,
    /// Which directories can sign this user in.
    connections: Vec<ConnectionBody<'a>>,
}

/// How a user signs in, and did.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct SigningInBody<'a> {
    has_password: bool,
    /// Unix seconds.
    password_updated_at: Option<i64>,
    /// Must be changed at the next sign-in.
    force_password_reset: bool,
    /// Failed sign-ins in a row.
    failure_count: u64,
    /// Unix seconds: when the lock-out ends.
    block_until: Option<i64>,
    /// `block_until` is in the future.
    blocked: bool,
    sign_in_attempts_count: u64,
    /// The same under its older name.
    sign_in_count: u64,
    /// Unix seconds.
    last_sign_in_attempt: Option<i64>,
    last_sign_in_attempt_ip: Option<&'a str>,
    /// The same under its older name.
    last_sign_in_ip: Option<&'a str>,
    sign_in_success_count: u64,
    /// Unix seconds.
    last_sign_in_success: Option<i64>,
    last_sign_in_success_ip: Option<&'a str>,
    /// Unix seconds.
    last_activity: Option<i64>,
    last_known_city: Option<&'a str>,
    last_known_region: Option<&'a str>,
    last_known_country: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields, rename = "Username")
)]
struct UsernameBody<'a> {
    id: String,
    username: &'a str,
    /// Who set it.
    source: &'a str,
    #[cfg_attr(feature = "schema", schemars(with = "Vec<schema::Idp>"))]
    idps: Vec<Idp>,
    authenticators: Vec<SignInMethod>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields, rename = "Email")
)]
struct EmailBody<'a> {
    id: String,
    email: &'a str,
    #[serde(flatten)]
    address: AddressBody<'a>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields, rename = "PhoneNumber")
)]
struct PhoneBody<'a> {
    id: String,
    /// E.164.
    phone: &'a str,
    #[serde(flatten)]
    address: AddressBody<'a>,
}

/// What e-mail addresses and phone numbers have in common.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct AddressBody<'a> {
    primary: bool,
    verified: bool,
    /// Who added it.
    source: &'a str,
    /// Who proved it.
    verification_source: Option<&'a str>,
    #[cfg_attr(feature = "schema", schemars(with = "Vec<schema::Idp>"))]
    idps: Vec<Idp>,
    authenticators: Vec<SignInMethod>,
}

/// What an identifier can be signed in with.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
enum SignInMethod {
    Password,
    Email,
    Phone,
}

#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields, rename = "Passkey")
)]
#[expect(clippy::struct_excessive_bools, reason = "WebAuthn's flags")]
struct PasskeyBody<'a> {
    name: Option<&'a str>,
    passkey_id: &'a str,
    public_key: &'a str,
    aa_guid: &'a str,
    backup_state: bool,
    backup_eligibility: bool,
    user_present: bool,
    user_verified: bool,
    user_agent: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields, rename = "Connection")
)]
struct ConnectionBody<'a> {
    #[cfg_attr(feature = "schema", schemars(with = "schema::Idp"))]
    idp: Idp,
    connection_id: &'a str,
}

#[derive(Clone, Debug, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields, rename = "ExternalProvider")
)]
struct ProviderBody<'a> {
    #[cfg_attr(feature = "schema", schemars(with = "schema::Authenticator"))]
    authenticator: Authenticator,
    provider_user_id: &'a str,
    #[cfg_attr(feature = "schema", schemars(with = "schema::Map"))]
    claims: &'a JsonObject,
}

/// An account with a provider outside, without its claims.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields, rename = "ExternalProviderSummary")
)]
struct ProviderSummaryBody<'a> {
    #[cfg_attr(feature = "schema", schemars(with = "schema::Authenticator"))]
    authenticator: Authenticator,
    provider_user_id: &'a str,
}

impl<'a> UserBody<'a> {
    /// What is shown of `user` at `now`.
    pub fn of(user: &'a User, now: Timestamp) -> Self {
        let providers = user.external_providers().iter();
        let providers: Vec<_> = providers
            .map(|provider| ProviderBody {
                authenticator: provider.authenticator,
                provider_user_id: &provider.provider_user_id,
                claims: &provider.claims,
            })
            .collect();
        Self {
            profile: ProfileBody::of(user),
            external_providers: providers.clone(),
            idps: providers,
            claims: user.claims(),
            public_data: user.data(DataKind::Public),
            private_data: user.data(DataKind::Private),
            signing_in: SigningInBody::of(user, now),
        }
    }
}

impl<'a> ExportedUserBody<'a> {
    /// What an import needs of `user`.
    pub fn of(user: &'a User, now: Timestamp) -> Self {
        let hash = user.credential().and_then(|own| own.hash.as_ref());
        Self {
            user: UserBody::of(user, now),
            password_hash: hash.map(PasswordHash::expose),
        }
    }
}

impl<'a> UserSummaryBody<'a> {
    /// What a list shows of `user` at `now`.
    pub fn of(user: &'a User, now: Timestamp) -> Self {
        let providers = user.external_providers().iter();
        let providers: Vec<_> = providers
            .map(|provider| ProviderSummaryBody {
                authenticator: provider.authenticator,
                provider_user_id: &provider.provider_user_id,
            })
            .collect();
        Self {
            profile: ProfileBody::of(user),
            external_providers: providers.clone(),
            idps: providers,
            claims: user.claims(),
            signing_in: SigningInBody::of(user, now),
        }
    }
}

impl<'a> ProfileBody<'a> {
    fn of(user: &'a User) -> Self {
        let idps = user.idps();
        let with_password = user.credential().map(|_| SignInMethod::Password);
        let own = ConnectionBody {
            idp: Idp::Monocloud,
            connection_id: user.id().as_str(),
        };
        let carried = user.connections().iter().map(|connection| ConnectionBody {
            idp: connection.idp,
            connection_id: &connection.connection_id,
        });
        Self {
            user_id: user.id().as_str(),
            creation_time: user.creation_time().as_unix(),
            last_updated: user.last_updated().as_unix(),
            disabled: user.is_disabled(),
            username: user.username().map(|username| UsernameBody {
                id: username.id.to_string(),
                username: username.value.as_str(),
                source: username.source.as_str(),
                idps: idps.clone(),
                authenticators: with_password.into_iter().collect(),
            }),
            emails: user
                .emails()
                .iter()
                .map(|(id, email)| EmailBody {
                    id: id.to_string(),
                    email: email.value.as_str(),
                    address: AddressBody::of(
                        email,
                        user.emails().is_primary(id),
                        &idps,
                        with_password,
                        SignInMethod::Email,
                    ),
                })
                .collect(),
            phone_numbers: user
                .phones()
                .iter()
                .map(|(id, phone)| PhoneBody {
                    id: id.to_string(),
                    phone: phone.value.as_str(),
                    address: AddressBody::of(
                        phone,
                        user.phones().is_primary(id),
                        &idps,
                        with_password,
                        SignInMethod::Phone,
                    ),
                })
                .collect(),
            passkeys: user.passkeys().iter().map(PasskeyBody::of).collect(),
            connections: std::iter::once(own).chain(carried).collect(),
        }
    }
}

impl<'a> SigningInBody<'a> {
    fn of(user: &'a User, now: Timestamp) -> Self {
        let seconds = |time: Option<Timestamp>| time.map(Timestamp::as_unix);
        let sign_ins = user.sign_ins();
        Self {
            has_password: user.credential().is_some(),
            password_updated_at: user
                .credential()
                .map(|credential| credential.updated_at.as_unix()),
            force_password_reset: user
                .credential()
                .is_some_and(|credential| credential.force_reset),
            failure_count: sign_ins.failures,
            block_until: seconds(sign_ins.block_until),
            blocked: user.is_blocked(now),
            sign_in_attempts_count: sign_ins.attempts,
            sign_in_count: sign_ins.attempts,
            last_sign_in_attempt: seconds(sign_ins.last_attempt),
            last_sign_in_attempt_ip: sign_ins.last_attempt_ip.as_deref(),
            last_sign_in_ip: sign_ins.last_attempt_ip.as_deref(),
            sign_in_success_count: sign_ins.successes,
            last_sign_in_success: seconds(sign_ins.last_success),
            last_sign_in_success_ip: sign_ins.last_success_ip.as_deref(),
            last_activity: seconds(sign_ins.last_activity),
            last_known_city: user.last_known().city.as_deref(),
            last_known_region: user.last_known().region.as_deref(),
            last_known_country: user.last_known().country.as_deref(),
        }
    }
}

impl<'a> AddressBody<'a> {
    fn of<T>(
        address: &'a Address<T>,
        primary: bool,
        idps: &[Idp],
        with_password: Option<SignInMethod>,
        by_code: SignInMethod,
    ) -> Self {
        Self {
            primary,
            verified: address.verified,
            source: address.source.as_str(),
            verification_source: address
                .verification_source
                .as_ref()
                .map(domain::user::Source::as_str),
            idps: idps.to_vec(),
            authenticators: with_password
                .into_iter()
                .chain(address.verified.then_some(by_code))
                .collect(),
        }
    }
}

impl<'a> PasskeyBody<'a> {
    fn of(passkey: &'a Passkey) -> Self {
        Self {
            name: passkey.name.as_deref(),
            passkey_id: &passkey.passkey_id,
            public_key: &passkey.public_key,
            aa_guid: &passkey.aa_guid,
            backup_state: passkey.backup_state,
            backup_eligibility: passkey.backup_eligibility,
            user_present: passkey.user_present,
            user_verified: passkey.user_verified,
            user_agent: passkey.user_agent.as_deref(),
        }
    }
}
