//! A user that stands in the documentation, the local store and the tests.

use std::collections::BTreeMap;

use crate::external::{Authenticator, ExternalProvider};
use crate::user::{
    Address, Credential, Operations, Passkey, Place, ProfileUsername, SignIns, Source,
};
use crate::{
    Email, IdentifierId, JsonObject, OperationId, Phone, Timestamp, User, UserId, Username,
};

/// The user of the published example responses (`contract/examples`), members of both models
/// together.
pub fn published() -> User {
    let then = Timestamp::from_unix(1_640_975_400);
    let id = |text| IdentifierId::parse(text).expect("a constant id parses");
    let json = |text| JsonObject::parse(text).expect("a constant object parses");
    let imported = || Source::carried("monocloud".to_owned());
    User {
        id: UserId::parse("UOtBaOybB6dTpIJNrnkRw").expect("a constant id parses"),
        creation_time: then,
        last_updated: then,
        version: 1,
        session_epoch: 0,
        email_generation: 0,
        disabled: true,
        sessions_revoked: false,
        username: Some(ProfileUsername {
            id: id("9082b772-dbf6-4610-a71e-05fb93c0ab73"),
            value: Username::parse("username").expect("a constant name parses"),
            source: imported(),
        }),
        emails: BTreeMap::from([(
            id("6cec8047-6149-4d9b-8d99-91c83c22a9dc"),
            Address {
                value: Email::parse("user@example.com").expect("a constant address parses"),
                verified: true,
                source: imported(),
                verification_source: Some(imported()),
            },
        )]),
        primary_email: None,
        phones: BTreeMap::from([(
            id("ab66b6a2-df6b-4f9d-9eb2-5a7142984e70"),
            Address {
                value: Phone::restore("+441514960453".to_owned()),
                verified: true,
                source: imported(),
                verification_source: Some(imported()),
            },
        )]),
        primary_phone: None,
        passkeys: vec![Passkey {
            name: Some("IPhone 15 Pro Max".to_owned()),
            passkey_id: "sM5X24vn_R3YqFvk8o5Hf7l3E1fMeyKnssiAgCYxouA".to_owned(),
            public_key: "MIICYzCCAcygAwIBAgIBADAMQwwCgYDVQBgQD2bZEoZXIgZm9yIE9TLzM5MCAoUkFDRikwDgYDVR0PAQH/BAQDAgAGMA8GA1UdEwEB/wQFMAMB6Vf1nYi/rO+ryMO".to_owned(),
            aa_guid: "204a871f-f7c4-465c-a81f-83d7ad4d04ee".to_owned(),
            backup_state: true,
            backup_eligibility: true,
            user_present: true,
            user_verified: true,
            user_agent: Some("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:127.0) Gecko/20100101 Firefox/127.0".to_owned()),
        }],
        connections: vec![],
        external_providers: vec![ExternalProvider {
            authenticator: Authenticator::Google,
            provider_user_id: "79a500f9-aba6-4f03-baec-c18f4b7136ad".to_owned(),
            claims: json(r#"{"email":"user@example.com","email_verified":"true","name":"John Doe"}"#),
        }],
        claims: json(r#"{"name":"John Doe","given_name":"John","family_name":"Doe"}"#),
        public_data: json(r#"{"color_preference":{"dashboard":"monochrome"},"send_emails":true,"days_to_retain":1}"#),
        private_data: json(r#"{"transaction_ids":["5GRZ4X7XUItpRGOwkHhONqTtG","9Fw7Jx9Zja5lWlmRkYJf1WMV9"],"subscription_plan":"premium","last_renewed":1672511400}"#),
        credential: Some(Credential {
            hash: None,
            updated_at: then,
            force_reset: false,
        }),
        sign_ins: SignIns {
            attempts: 20,
            last_attempt: Some(then),
            last_attempt_ip: Some("1.1.1.1".to_owned()),
            successes: 7,
            last_success: Some(then),
            last_success_ip: Some("1.1.1.1".to_owned()),
            last_activity: Some(then),
            failures: 5,
            block_until: Some(then),
        },
        last_known: Place {
            city: Some("New York".to_owned()),
            region: Some("US".to_owned()),
            country: Some("United States".to_owned()),
        },
        operations: Operations::restore(vec![OperationId::of(&[b"sample"])]),
    }
}
