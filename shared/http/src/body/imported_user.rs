//! What an import takes, for documentation: `domain::import::ImportedUser` reads it.

#[cfg(feature = "schema")]
use std::borrow::Cow;

#[cfg(feature = "schema")]
use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};

#[cfg(feature = "schema")]
use super::user::UserBody;

/// A user as an import takes it.
#[derive(Debug)]
pub struct ImportedUserBody;

/// It is made of the schema of the user that is answered: every such user can be imported. No member is
/// required, and others are ignored. Only the password's hash is never answered.
#[cfg(feature = "schema")]
impl JsonSchema for ImportedUserBody {
    fn schema_name() -> Cow<'static, str> {
        "ImportedUser".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut settings = SchemaSettings::draft2020_12().for_serialize();
        settings.inline_subschemas = true;
        settings.meta_schema = None;
        let mut schema = settings
            .into_generator()
            .into_root_schema_for::<UserBody<'_>>()
            .to_value();
        loosen(&mut schema);
        let hash = json_schema!({
            "type": ["string", "null"],
            "description": "bcrypt, a PHC string of argon2id, scrypt or pbkdf2 (SHA-1, too), passlib's form of \
                pbkdf2, or Firebase's scrypt as $fbscrypt$v=1,n=14,r=8,p=1,ss=…,sk=…$salt$hash.",
        });
        let algorithm = json_schema!({
            "type": ["string", "null"],
            "description": "The hash's algorithm; when given, the hash must be of it.",
        });
        schema["properties"]["password_hash"] = hash.to_value();
        schema["properties"]["password_hash_algorithm"] = algorithm.to_value();
        schema["description"] =
            "A user as it is answered, of either model; no member is required but a \
            username, an e-mail address or a phone number."
                .into();
        schema.try_into().unwrap_or_default()
    }
}

#[cfg(feature = "schema")]
fn loosen(schema: &mut serde_json::Value) {
    use serde_json::Value;
    match schema {
        Value::Object(members) => {
            members.remove("title");
            if members.contains_key("properties") {
                members.remove("required");
                members.remove("additionalProperties");
            }
            members.values_mut().for_each(loosen);
        }
        Value::Array(values) => values.iter_mut().for_each(loosen),
        _ => {}
    }
}
