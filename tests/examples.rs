//! The published example responses, as the users that an import makes of them.

use domain::import::{ImportContext, ImportDigest, ImportedUser};
use domain::{IdentifierId, OperationId, Timestamp, User, UserId};
use serde_json::Value;

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
    let now = Timestamp::from_unix(1_700_000_000);
    let imported: ImportedUser = serde_json::from_str(body).expect("the example is a user");
    let user_id = imported.user_id.clone().unwrap_or_default();
    let user = imported.into_user(ImportContext {
        id: UserId::parse(&user_id).expect("a user id"),
        operation: OperationId::of(&[user_id.as_bytes()]),
        digest: ImportDigest::of(body),
        now,
        new_identifier_id: &|| IdentifierId::issue(now, [0; 10]),
    });
    user.expect("an import takes the example")
}

/// Fails unless `answer` has every key and value of `published`, at any depth.
///
/// # Panics
///
/// Where it has not.
pub fn assert_contains(answer: &Value, published: &Value, path: &str) {
    match (answer, published) {
        (Value::Object(answer), Value::Object(published)) => {
            for (name, value) in published {
                let path = format!("{path}.{name}");
                assert!(answer.contains_key(name), "{path} is missing");
                assert_contains(&answer[name], value, &path);
            }
        }
        (Value::Array(answer), Value::Array(published)) => {
            assert_eq!(answer.len(), published.len(), "{path}");
            for (answer, published) in answer.iter().zip(published) {
                assert_contains(answer, published, path);
            }
        }
        (answer, published) => assert_eq!(answer, published, "{path}"),
    }
}
