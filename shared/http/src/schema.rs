//! What JSON schema can say of the headers and texts that requests hold, and what stands in schemas for
//! types of the domain, which has none.
//!
//! The rules themselves are in `domain`, and say more: that a phone number's country has assigned it,
//! or which letters a username may have. A text that is refused by a schema here is refused there, too,
//! but for white space around it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::iter;

use domain::external;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// What is read as `If-Match` or `If-None-Match`: `*`, or 1 to 32 entity tags, with empty elements of
/// the list among them (`etag`).
pub const ENTITY_TAGS: &str =
    r#"^(\*|[ \t,]*(W/)?"[!#-~]*"([ \t]*,[ \t,]*(W/)?"[!#-~]*"){0,31}[ \t,]*)$"#;

/// What is read as `Idempotency-Key`. HTTP takes spaces around a header's value away.
pub const IDEMPOTENCY_KEY: &str = "^[!-~]([ -~]{0,253}[!-~])?$";

/// A text with a schema of its own, which stands where it is used.
macro_rules! texts {
    ($($(#[$attribute:meta])* $name:ident: $schema:tt;)*) => {$(
        $(#[$attribute])*
        #[derive(Debug)]
        pub struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )*};
}

texts! {
    /// An e-mail address; its domain may be of any script.
    EmailText: { "type": "string", "format": "idn-email", "maxLength": 254 };
    /// A phone number with its country code, and the punctuation between its digits.
    PhoneText: { "type": "string", "pattern": r"^\+[0-9 ().-]+$", "maxLength": 32 };
    /// The name of a group.
    GroupNameText: { "type": "string", "pattern": r"^[^\u0000-\u001f\u007f-\u009f]+$", "maxLength": 64 };
    /// What a group is for.
    GroupDescriptionText: { "type": "string", "pattern": r"^(\r?\n|[^\u0000-\u001f\u007f-\u009f])*$", "maxLength": 1000 };
    /// A username.
    UsernameText: { "type": "string", "pattern": "^[^@ ]+$", "maxLength": 64 };
    /// A UUID in its hyphenated form.
    UuidText: { "type": "string", "format": "uuid" };
    /// A claim that is a text of one or more lines.
    LinesText: { "type": "string", "pattern": r"^(\r?\n|[^\u0000-\u001f\u007f-\u009f])*$", "maxLength": 2048 };
    /// A claim that is a text of one line.
    LineText: { "type": "string", "pattern": r"^[^\u0000-\u001f\u007f-\u009f]*$", "maxLength": 2048 };
}

/// An object whose members are the user's own.
pub type Map = BTreeMap<String, serde_json::Value>;

/// The closed list of providers outside (users-api.md, section 3).
#[derive(Debug)]
pub struct Authenticator;

impl JsonSchema for Authenticator {
    fn schema_name() -> Cow<'static, str> {
        "Authenticator".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": external::Authenticator::ALL })
    }
}

/// The same, and the directory itself.
#[derive(Debug)]
pub struct Idp;

impl JsonSchema for Idp {
    fn schema_name() -> Cow<'static, str> {
        "Idp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let outside = external::Authenticator::ALL.map(external::Idp::External);
        let all: Vec<_> = iter::once(external::Idp::Monocloud)
            .chain(outside)
            .collect();
        json_schema!({ "type": "string", "enum": all })
    }
}
