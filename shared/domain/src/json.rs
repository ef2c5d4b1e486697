//! JSON objects that belong to the user and are kept exactly as sent.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::value::RawValue;

/// Why a text is not a JSON object that Roster stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidJson {
    /// Not JSON, or not an object.
    #[error("must be a JSON object")]
    NotAnObject,
    /// More than 64 levels.
    #[error("must have at most 64 levels")]
    TooDeep,
    /// More than 64 KB.
    #[error("must have at most 65536 bytes")]
    TooLarge,
}

/// A JSON object as text: claims, public and private data, a provider's claims.
///
/// Text, because a tree of values would round wide numbers, and the table's own maps refuse empty
/// keys and deep nesting.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct JsonObject(Box<RawValue>);

impl JsonObject {
    const MAX_BYTES: usize = 64 * 1024;
    const MAX_LEVELS: usize = 64;

    /// Takes an object of at most 64 KB and 64 levels (users-api.md, "Limits").
    pub fn parse(text: &str) -> Result<Self, InvalidJson> {
        if text.len() > Self::MAX_BYTES {
            return Err(InvalidJson::TooLarge);
        }
        if levels(text) > Self::MAX_LEVELS {
            return Err(InvalidJson::TooDeep);
        }
        let raw: Box<RawValue> =
            serde_json::from_str(text).map_err(|_| InvalidJson::NotAnObject)?;
        if raw.get().starts_with('{') {
            Ok(Self(raw))
        } else {
            Err(InvalidJson::NotAnObject)
        }
    }

    /// `{}`.
    pub fn empty() -> Self {
        Self::parse("{}").expect("a constant object parses")
    }

    /// An object of text members, in the given order.
    pub fn of_strings<'a>(
        members: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, InvalidJson> {
        let mut text = String::from("{");
        for (name, value) in members {
            let comma = if text.len() > 1 { "," } else { "" };
            let _ = write!(
                text,
                "{comma}{}:{}",
                serde_json::Value::from(name),
                serde_json::Value::from(value)
            );
        }
        text.push('}');
        Self::parse(&text)
    }

    /// A member that is a text.
    pub fn text(&self, name: &str) -> Option<String> {
        let members: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(self.as_str()).ok()?;
        members.get(name)?.as_str().map(str::to_owned)
    }

    /// The object as text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Whether the object has no members.
    pub fn is_empty(&self) -> bool {
        self.as_str()[1..].trim_start().starts_with('}')
    }
}

impl PartialEq for JsonObject {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for JsonObject {}

/// How deep the brackets outside of strings nest.
fn levels(text: &str) -> usize {
    let (mut deepest, mut level, mut in_string, mut escaped) = (0_usize, 0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                level += 1;
                deepest = deepest.max(level);
            }
            b'}' | b']' if !in_string => level = level.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_kept_as_sent() {
        let text = r#"{"":{"n":123456789012345678901234567890.10,"e":1e400},"a":[" \" "]}"#;
        assert_eq!(JsonObject::parse(text).unwrap().as_str(), text);
    }

    #[test]
    fn only_objects_are_taken() {
        for bad in ["", "null", "[]", "1", "\"{}\"", "{", "{}x"] {
            assert_eq!(
                JsonObject::parse(bad),
                Err(InvalidJson::NotAnObject),
                "{bad}"
            );
        }
    }

    #[test]
    fn an_object_has_at_most_64_levels_and_64_kb() {
        let nested = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
        assert!(JsonObject::parse(&nested(64)).is_ok());
        assert_eq!(JsonObject::parse(&nested(65)), Err(InvalidJson::TooDeep));
        let sized = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
        assert!(JsonObject::parse(&sized(65536)).is_ok());
        assert_eq!(JsonObject::parse(&sized(65537)), Err(InvalidJson::TooLarge));
    }

    #[test]
    fn text_members_are_escaped() {
        let object =
            JsonObject::of_strings([("name", "Grace \"Amazing\" Hopper"), ("nickname", "g")]);
        assert_eq!(
            object.unwrap().as_str(),
            r#"{"name":"Grace \"Amazing\" Hopper","nickname":"g"}"#
        );
        assert!(JsonObject::empty().is_empty());
        assert_eq!(JsonObject::empty().as_str(), "{}");
    }
}
