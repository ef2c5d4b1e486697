//! Users and rules of every kind, for property tests.

use domain::address::{AddressValue, Primary, Tenure};
use domain::external::{Authenticator, Connection, ExternalProvider, Idp};
use domain::import::ImportDigest;
use domain::password::PasswordHash;
use domain::rule;
use domain::user::{Credential, Operations, Passkey, Place, ProfileUsername, SignIns, Source};
use domain::{
    Address, AddressKind, Addresses, Email, Epoch, Generation, IdentifierId, JsonObject,
    OperationId, Phone, Rule, Timestamp, User, UserFacts, UserId, Username, Version,
};
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

fn identifier_id() -> impl Strategy<Value = IdentifierId> {
    (0_i64..2_000_000_000, any::<[u8; 10]>())
        .prop_map(|(time, random)| IdentifierId::issue(Timestamp::from_unix(time), random))
}

fn timestamp() -> impl Strategy<Value = Timestamp> {
    (0_i64..4_000_000_000).prop_map(Timestamp::from_unix)
}

fn text() -> impl Strategy<Value = String> {
    "\\PC{0,24}"
}

fn source() -> impl Strategy<Value = Source> {
    "[a-z_]{1,12}".prop_map(Source::carried)
}

fn json() -> impl Strategy<Value = JsonObject> {
    select(vec![
        r"{}",
        r#"{"":"","wide":123456789012345678901234567890.50,"far":1e400}"#,
        r#"{ "spaced" : [ null , true , "\u0041\n" ] }"#,
        r#"{"deep":{"deep":{"deep":{"deep":[[[[{}]]]]}}}}"#,
    ])
    .prop_map(|text| JsonObject::parse(text).unwrap())
}

fn address<T: std::fmt::Debug>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = Address<T>> {
    let counts = (0_u64..3, 0_u64..3);
    (value, any::<bool>(), source(), of(source()), counts).prop_map(
        |(value, verified, source, verification_source, (set_primary, unverified))| Address {
            value,
            verified,
            source,
            verification_source,
            set_primary,
            unverified,
        },
    )
}

fn email() -> impl Strategy<Value = Email> {
    "[A-Za-zÀ-ÖØ-öø-ÿ0-9.+-]{1,16}@[a-zäöü]{1,12}\\.example"
        .prop_filter_map("not an address", |text| Email::parse(&text).ok())
}

fn phone() -> impl Strategy<Value = Phone> {
    (0_u32..10_000).prop_map(|n| Phone::restore(format!("+44151496{n:04}")))
}

fn username() -> impl Strategy<Value = Username> {
    "[A-Za-zÀ-Öß0-9._-]{1,20}".prop_filter_map("not a username", |text| Username::parse(&text).ok())
}

fn credential() -> impl Strategy<Value = Credential> {
    (of("[a-z$]{1,60}"), timestamp(), any::<bool>()).prop_map(|(hash, updated_at, force_reset)| {
        Credential {
            hash: hash.map(PasswordHash::restore),
            updated_at,
            force_reset,
        }
    })
}

fn sign_ins() -> impl Strategy<Value = SignIns> {
    let attempts = (any::<u32>(), of(timestamp()), of(text()));
    let successes = (any::<u32>(), of(timestamp()), of(text()), of(timestamp()));
    (attempts, successes, 0_u64..3, of(timestamp())).prop_map(
        |(attempts, successes, failures, block_until)| SignIns {
            attempts: attempts.0.into(),
            last_attempt: attempts.1,
            last_attempt_ip: attempts.2,
            successes: successes.0.into(),
            last_success: successes.1,
            last_success_ip: successes.2,
            last_activity: successes.3,
            failures,
            block_until,
        },
    )
}

fn authenticator() -> impl Strategy<Value = Authenticator> {
    select(vec![
        Authenticator::Google,
        Authenticator::Github,
        Authenticator::Linkedin,
        Authenticator::Xero,
    ])
}

fn external() -> impl Strategy<Value = (Vec<ExternalProvider>, Vec<Connection>, Vec<Passkey>)> {
    let provider = (authenticator(), text(), json()).prop_map(|(authenticator, id, claims)| {
        ExternalProvider {
            authenticator,
            provider_user_id: id,
            claims,
        }
    });
    let idp = prop_oneof![
        Just(Idp::Monocloud),
        authenticator().prop_map(Idp::External)
    ];
    let connection =
        (idp, text()).prop_map(|(idp, connection_id)| Connection { idp, connection_id });
    let passkey = (of(text()), text(), any::<[bool; 4]>()).prop_map(|(name, id, flags)| Passkey {
        user_agent: name.clone(),
        name,
        passkey_id: id.clone(),
        public_key: id.clone(),
        aa_guid: id,
        backup_state: flags[0],
        backup_eligibility: flags[1],
        user_present: flags[2],
        user_verified: flags[3],
    });
    (
        vec(provider, 0..3),
        vec(connection, 0..3),
        vec(passkey, 0..3),
    )
}

fn tenure() -> impl Strategy<Value = Tenure> {
    let since = (1_i64..4_000_000_000).prop_map(Timestamp::from_unix);
    prop_oneof![
        Just(Tenure::Managed),
        Just(Tenure::Restored),
        since.prop_map(Tenure::Since),
    ]
}

/// Any user that the directory can hold, with an id of its own.
pub(crate) fn user() -> impl Strategy<Value = User> {
    let identifiers = (
        of((identifier_id(), username(), source())),
        btree_map(identifier_id(), address(email()), 0..4),
        btree_map(identifier_id(), address(phone()), 0..4),
        any::<(prop::sample::Index, prop::sample::Index)>(),
        (tenure(), tenure(), 0_u64..5, of(timestamp())),
    );
    let state = (
        any::<(bool, bool)>(),
        1_u64..1000,
        0_u64..9,
        0_u64..9,
        any::<[u8; 16]>(),
    );
    let times = (timestamp(), timestamp());
    let data = (json(), json(), json(), [of(text()), of(text()), of(text())]);
    (
        identifiers,
        state,
        times,
        external(),
        data,
        of(credential()),
        sign_ins(),
    )
        .prop_map(
            |(identifiers, state, times, external, data, credential, sign_ins)| {
                let (username, emails, phones, (email_index, phone_index), primary_facts) =
                    identifiers;
                let (tenure, phone_tenure, primary_emails_set, proof_told_at) = primary_facts;
                let ((disabled, sessions_revoked), version, epoch, generation, random) = state;
                let (claims, public_data, private_data, [city, region, country]) = data;
                let operation = OperationId::random(random);
                User::restore(UserFacts {
                    id: UserId::created_by(&operation),
                    creation_time: times.0,
                    last_updated: times.1,
                    version: Version::new(version),
                    born: Epoch::new(generation),
                    session_epoch: Epoch::new(epoch),
                    email_generation: Generation::new(generation),
                    disabled,
                    sessions_revoked,
                    username: username.map(|(id, value, source)| ProfileUsername {
                        id,
                        value,
                        source,
                    }),
                    primary_emails_set,
                    proof_told_at,
                    emails: addresses(emails, email_index, tenure),
                    phones: addresses(phones, phone_index, phone_tenure),
                    passkeys: external.2,
                    connections: external.1,
                    external_providers: external.0,
                    claims,
                    public_data,
                    private_data,
                    credential,
                    sign_ins,
                    last_known: Place {
                        city,
                        region,
                        country,
                    },
                    operations: Operations::restore(vec![operation]),
                    import_digest: sessions_revoked.then(|| ImportDigest::of("{}")),
                })
            },
        )
}

type Stored<T> = std::collections::BTreeMap<IdentifierId, Address<T>>;

/// Addresses of which no two are the same. The primary one is verified, or there is none.
fn addresses<T: AddressValue>(
    mut stored: Stored<T>,
    index: prop::sample::Index,
    tenure: Tenure,
) -> Addresses<T> {
    let mut seen = std::collections::BTreeSet::new();
    stored.retain(|_, address| seen.insert(address.value.canonical().to_owned()));
    let primary = stored.iter().nth(index.index(stored.len() + 1));
    let primary = primary
        .filter(|(_, address)| address.verified)
        .map(|(id, _)| Primary { id: *id, tenure });
    Addresses::restore(stored, primary).unwrap()
}

/// Any rule, about one of the user's own addresses or about one that the user doesn't have.
pub(crate) fn rule_for(user: &User) -> impl Strategy<Value = Rule> + use<> {
    let unknown = IdentifierId::issue(Timestamp::from_unix(0), [0; 10]);
    let ids = |own: Vec<_>| own.into_iter().chain([unknown]);
    let emails = ids(user.emails().ids().collect()).map(|id| (AddressKind::Email, id));
    let phones = ids(user.phones().ids().collect()).map(|id| (AddressKind::Phone, id));
    let addresses: Vec<_> = emails.chain(phones).collect();
    (0..10_u8, select(addresses)).prop_map(|(which, (kind, id))| match which {
        0 => rule::enable(),
        1 => rule::disable(false),
        2 => rule::disable(true),
        3 => rule::unblock(),
        4 => rule::force_password_reset(false),
        5 => rule::force_password_reset(true),
        6 => rule::cancel_forced_password_reset(),
        7 => rule::set_primary(kind, id),
        8 => rule::verify(kind, id, Source::API),
        _ => rule::unverify(kind, id),
    })
}
