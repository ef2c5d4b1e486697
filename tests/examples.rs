//! The published example responses, as users. An import will make such users from them.

use domain::address::{AddressValue, Primary, Tenure};
use domain::external::{Authenticator, Connection, ExternalProvider};
use domain::user::{Credential, Operations, Passkey, Place, ProfileUsername, SignIns, Source};
use domain::{
    Address, Addresses, Email, Epoch, Generation, IdentifierId, JsonObject, OperationId, Phone,
    Timestamp, User, UserFacts, UserId, Username, Version,
};
use serde_json::{Value, from_value};

/// Each example's name and text.
pub const PUBLISHED: [(&str, &str); 4] = [
    ("enable-user", include_str!("examples/enable-user.json")),
    ("get-user", include_str!("examples/get-user.json")),
    (
        "remove-username",
        include_str!("examples/remove-username.json"),
    ),
    (
        "set-primary-email",
        include_str!("examples/set-primary-email.json"),
    ),
];

/// The user that a response body, of either model, shows.
///
/// # Panics
///
/// Where the body is not one of a user.
pub fn user(body: &str) -> User {
    let body: Value = serde_json::from_str(body).expect("the example is JSON");
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    let time = |name: &str| body[name].as_i64().map(Timestamp::from_unix);
    let json = |value: &Value| JsonObject::parse(&value.to_string()).expect("an object");
    let either = |new: &'static str, old: &'static str| {
        if body[new].is_null() { old } else { new }
    };
    let user_id = text("user_id").expect("a user id");
    let emails = addresses(&body["emails"], |v| {
        Email::parse(v["email"].as_str().unwrap_or_default()).expect("an address")
    });
    let phones = addresses(&body["phone_numbers"], |v| {
        Phone::restore(v["phone"].as_str().unwrap_or_default().to_owned())
    });
    User::restore(UserFacts {
        creation_time: time("creation_time").expect("a creation time"),
        last_updated: time("last_updated").expect("a time of change"),
        version: Version::FIRST,
        session_epoch: Epoch::new(0),
        email_generation: Generation::new(0),
        disabled: body["disabled"] == true,
        sessions_revoked: false,
        username: body["username"]
            .as_object()
            .map(|username| ProfileUsername {
                id: id(&username["id"]),
                value: Username::parse(username["username"].as_str().unwrap_or_default())
                    .expect("a username"),
                source: source(username.get("source")).unwrap_or(Source::IMPORT),
            }),
        primary_emails_set: 0,
        proof_told_at: None,
        emails,
        phones,
        passkeys: from_value::<Vec<Passkey>>(body["passkeys"].clone()).expect("passkeys"),
        connections: body["connections"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|connection| from_value::<Connection>(connection.clone()).expect("a connection"))
            .filter(|connection| connection.connection_id != user_id)
            .collect(),
        external_providers: body[either("external_providers", "idps")]
            .as_array()
            .into_iter()
            .flatten()
            .map(|provider| ExternalProvider {
                authenticator: from_value::<Authenticator>(provider["authenticator"].clone())
                    .expect("an authenticator"),
                provider_user_id: provider["provider_user_id"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                claims: json(&provider["claims"]),
            })
            .collect(),
        claims: json(&body["claims"]),
        public_data: json(&body["public_data"]),
        private_data: json(&body["private_data"]),
        credential: (body["has_password"] == true).then(|| Credential {
            hash: None,
            updated_at: time("password_updated_at").expect("a time of the password"),
            force_reset: body["force_password_reset"] == true,
        }),
        sign_ins: SignIns {
            attempts: body[either("sign_in_attempts_count", "sign_in_count")]
                .as_u64()
                .unwrap_or_default(),
            last_attempt: time("last_sign_in_attempt"),
            last_attempt_ip: text(either("last_sign_in_attempt_ip", "last_sign_in_ip")),
            successes: body["sign_in_success_count"].as_u64().unwrap_or_default(),
            last_success: time("last_sign_in_success"),
            last_success_ip: text("last_sign_in_success_ip"),
            last_activity: time("last_activity"),
            failures: body["failure_count"].as_u64().unwrap_or_default(),
            block_until: time("block_until"),
        },
        last_known: Place {
            city: text("last_known_city"),
            region: text("last_known_region"),
            country: text("last_known_country"),
        },
        operations: Operations::restore(vec![OperationId::of(&[user_id.as_bytes()])]),
        id: UserId::parse(&user_id).expect("a user id"),
    })
}

fn id(value: &Value) -> IdentifierId {
    IdentifierId::parse(value.as_str().unwrap_or_default()).expect("an identifier id")
}

fn source(value: Option<&Value>) -> Option<Source> {
    value?
        .as_str()
        .map(|source| Source::carried(source.to_owned()))
}

fn addresses<T: AddressValue>(list: &Value, value: impl Fn(&Value) -> T) -> Addresses<T> {
    let own = list
        .as_array()
        .into_iter()
        .flatten()
        .map(|address| {
            let verified = address["verified"] == true;
            let address_of = Address {
                value: value(address),
                verified,
                source: source(address.get("source")).unwrap_or(Source::IMPORT),
                verification_source: source(address.get("verification_source"))
                    .or(verified.then_some(Source::IMPORT)),
                set_primary: 0,
                unverified: 0,
            };
            (id(&address["id"]), address_of)
        })
        .collect();
    Addresses::restore(own, primary(list)).expect("addresses of a user")
}

fn primary(list: &Value) -> Option<Primary> {
    let primary = list
        .as_array()?
        .iter()
        .find(|address| address["primary"] == true)?;
    Some(Primary {
        id: id(&primary["id"]),
        tenure: Tenure::Managed,
    })
}
