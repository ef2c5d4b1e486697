//! Two users and a group for the documentation, the local store and the tests.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::account::{PendingEmail, UndoRight};
use crate::address::{Address, AddressValue, Addresses, Primary, Tenure};
use crate::counter::{Epoch, Generation, Version};
use crate::device::DeviceId;
use crate::external::{Authenticator, ExternalProvider};
use crate::group::{Description, GroupName};
use crate::link::{AskedBy, Channel, Keys, Link, Purpose, Subject};
use crate::password::{OwnNames, Password, PasswordHash, Policy};
use crate::session::{IDLE_LIFETIME, Session, SessionId, SessionSecret, SessionToken};
use crate::user::{
    Credential, Operations, Passkey, Place, ProfileUsername, RightBase, SignIns, Source, UserFacts,
};
use crate::{
    Account, ChangeId, Email, Group, GroupId, IdentifierId, JsonObject, OperationId, Phone,
    Timestamp, User, UserId, Username,
};

/// The user of the published example responses (`tests/examples`), members of both models
/// together.
pub fn published() -> User {
    User::restore(published_facts())
}

/// A user with other facts, for tests that need what no call can make.
pub fn changed(user: User, change: impl FnOnce(&mut UserFacts)) -> User {
    let mut facts = UserFacts::from(user);
    change(&mut facts);
    User::restore(facts)
}

fn published_facts() -> UserFacts {
    let then = Timestamp::from_unix(1_640_975_400);
    let id = |text| IdentifierId::parse(text).expect("a constant id parses");
    let json = |text| JsonObject::parse(text).expect("a constant object parses");
    let imported = || Source::carried("monocloud".to_owned());
    UserFacts {
        id: UserId::parse("UOtBaOybB6dTpIJNrnkRw").expect("a constant id parses"),
        creation_time: then,
        last_updated: then,
        version: Version::FIRST,
        born: Epoch::first(then),
        session_epoch: Epoch::new(0),
        email_generation: Generation::new(0),
        disabled: true,
        sessions_revoked: false,
        username: Some(ProfileUsername {
            id: id("9082b772-dbf6-4610-a71e-05fb93c0ab73"),
            value: Username::parse("username").expect("a constant name parses"),
            source: imported(),
        }),
        emails: addresses(
            [(
                id("6cec8047-6149-4d9b-8d99-91c83c22a9dc"),
                Address::of_source(
                    Email::parse("user@example.com").expect("a constant address parses"),
                    imported(),
                    Some(imported()),
                ),
            )],
            None,
        ),
        primary_emails_set: 0,
        proof_told_at: None,
        phones: addresses(
            [(
                id("ab66b6a2-df6b-4f9d-9eb2-5a7142984e70"),
                Address::of_source(
                    Phone::restore("+441514960453".to_owned()),
                    imported(),
                    Some(imported()),
                ),
            )],
            None,
        ),
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
            hash: PASSWORD_HASH.clone(),
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
        import_digest: None,
    }
}

/// The password of both.
pub const PASSWORD: &str = "correct horse battery";

/// The password's hash. It is made once, because making it takes as long as signing in.
static PASSWORD_HASH: LazyLock<Option<PasswordHash>> = LazyLock::new(|| {
    let password = Password::parse(PASSWORD, Policy::Checked, &OwnNames::new(None, []));
    password.ok().map(|password| password.hash([0; 16]))
});

/// The key of the sample links. A local service accepts them, and signs no link with this key.
pub const LINK_KEY: &str = "cm9zdGVyIHNhbXBsZSBsaW5rIGtleSwgbm90IHNlY3JldA==";

/// The person's id.
pub const PERSON: &str = "Ada0Lovelace1815Byron";

const PRIMARY_EMAIL: &str = "0192d0f0-0000-7000-8000-000000000001";
const FORMER_EMAIL: &str = "0192d0f0-0000-7000-8000-000000000002";
/// An address of the person's that waits to be proved.
pub const PENDING_EMAIL: &str = "0192d0f0-0000-7000-8000-000000000003";
const PHONE: &str = "0192d0f0-0000-7000-8000-000000000004";
const CHANGE: &str = "sample";
/// When the person's links expire: at the end of 2099.
const END: Timestamp = Timestamp::from_unix(4_102_444_799);

/// A person who can sign in, with an address that waits to be proved and a change that can be
/// undone.
pub fn person() -> Account {
    let id = |text| IdentifierId::parse(text).expect("a constant id parses");
    let email = |text| Email::parse(text).expect("a constant address parses");
    let own = |text| Address::added(email(text), true);
    let published = published_facts();
    let user = User::restore(UserFacts {
        id: UserId::parse(PERSON).expect("a constant id parses"),
        disabled: false,
        username: Some(ProfileUsername {
            id: id("0192d0f0-0000-7000-8000-000000000000"),
            value: Username::parse("ada").expect("a constant name parses"),
            source: Source::API,
        }),
        emails: addresses(
            [
                (id(PRIMARY_EMAIL), own("ada@example.org")),
                (id(FORMER_EMAIL), own("ada.byron@example.org")),
            ],
            Some(id(PRIMARY_EMAIL)),
        ),
        phones: addresses(
            [(
                id(PHONE),
                Address::added(Phone::restore("+441514960815".to_owned()), true),
            )],
            Some(id(PHONE)),
        ),
        passkeys: vec![],
        external_providers: vec![],
        claims: JsonObject::parse(r#"{"name":"Ada Lovelace"}"#).expect("a constant object"),
        public_data: JsonObject::empty(),
        private_data: JsonObject::empty(),
        credential: Some(Credential {
            hash: PASSWORD_HASH.clone(),
            updated_at: published.creation_time,
            force_reset: false,
        }),
        sign_ins: SignIns::default(),
        last_known: Place::default(),
        operations: Operations::restore(vec![OperationId::of(&[b"person"])]),
        ..published
    });
    Account {
        pending: BTreeMap::from([(
            id(PENDING_EMAIL),
            PendingEmail {
                email: email("ada.lovelace@example.org"),
                generation: Generation::new(0),
                expires_at: END,
            },
        )]),
        rights: BTreeMap::from([(
            ChangeId::stored(CHANGE.to_owned()),
            UndoRight {
                email: id(FORMER_EMAIL),
                kept: vec![],
                made_in: Generation::new(0),
                base: RightBase {
                    others_set_primary: 0,
                    unverified: 0,
                },
                expires_at: END,
                is_used: false,
            },
        )]),
        ..Account::of(user)
    }
}

fn addresses<T: AddressValue, const N: usize>(
    own: [(IdentifierId, Address<T>); N],
    primary: Option<IdentifierId>,
) -> Addresses<T> {
    let primary = primary.map(|id| Primary {
        id,
        tenure: Tenure::Managed,
    });
    Addresses::restore(own.into(), primary).expect("constant addresses are valid")
}

/// The group's id.
pub const GROUP: &str = "0192d0f0-0000-8000-8000-000000000005";

/// A group that the user of the published examples is in.
pub fn group() -> Group {
    let then = published().creation_time();
    Group {
        id: GroupId::parse(GROUP).expect("a constant id parses"),
        name: GroupName::parse("Customers").expect("a constant name parses"),
        description: Description::parse("People who have bought something.".to_owned()).ok(),
        is_auto_assigned: false,
        creation_time: then,
        last_updated: then,
        version: Version::FIRST,
        operations: Operations::restore(vec![OperationId::of(&[b"group"])]),
    }
}

/// The person's session, as the cookie has it.
pub fn session_token() -> SessionToken {
    SessionToken {
        user_id: UserId::parse(PERSON).expect("a constant id parses"),
        session_id: SessionId::issue([0xad; 16]),
        secret: SessionSecret::new([0xad; 32]),
    }
}

/// The session of one of the two, begun at `now`: the person's is that of the cookie.
pub fn session(of: &User, now: Timestamp) -> Session {
    let token = session_token();
    Session {
        id: token.session_id,
        secret_hash: token.secret.hash(),
        epoch: of.session_epoch(),
        initiated_at: now,
        last_updated: now,
        expires_at: now.plus(IDLE_LIFETIME),
        ip_address: "127.0.0.1".to_owned(),
        user_agent: None,
        place: Place::default(),
    }
}

/// The device that the person signed in from.
pub fn device() -> DeviceId {
    DeviceId::new([0xad; 32])
}

/// The token of one of the person's links.
pub fn link_token(purpose: Purpose) -> String {
    let (subject, address) = match purpose {
        Purpose::VerifyEmail | Purpose::SetPrimaryEmail => {
            (PENDING_EMAIL, "ada.lovelace@example.org")
        }
        Purpose::UndoEmailChange => (CHANGE, "ada.byron@example.org"),
        Purpose::ResetPassword => (PRIMARY_EMAIL, "ada@example.org"),
    };
    let link = Link {
        purpose,
        channel: Channel::Mailbox,
        subject: Subject::from(subject.to_owned()),
        asked_by: AskedBy::Person,
        address: address.to_owned(),
        generation: Generation::new(0),
        issued_at: published().creation_time(),
        expires_at: END,
    };
    let keys = Keys::parse(LINK_KEY, None).expect("a constant key parses");
    keys.sign(&link, &UserId::parse(PERSON).expect("a constant id parses"))
}
