//! JSON objects that belong to the user and are kept exactly as sent.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Why a text is not a JSON object that Roster stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.reason())]
pub enum InvalidJson {
    /// Not JSON, or not an object.
    NotAnObject,
    /// More than 64 levels.
    TooDeep,
    /// More than 64 KB.
    TooLarge,
    /// A change that names a member twice.
    TwiceNamed,
}

impl InvalidJson {
    /// What it must be, as [`Refusal::Member`](crate::Refusal::Member) says it.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::NotAnObject => "must be a JSON object",
            Self::TooDeep => "must have at most 64 levels",
            Self::TooLarge => "must have at most 65536 bytes",
            Self::TwiceNamed => "must have each member once",
        }
    }
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

    /// An object of these members, in the given order: names, and values as JSON.
    pub fn of_members<'a>(
        members: impl IntoIterator<Item = (&'a str, String)>,
    ) -> Result<Self, InvalidJson> {
        let members = members.into_iter();
        Self::of_texts(members.map(|(name, value)| (serde_json::Value::from(name), value)))
    }

    /// An object of members as they are written.
    fn of_texts(
        members: impl Iterator<Item = (impl fmt::Display, impl fmt::Display)>,
    ) -> Result<Self, InvalidJson> {
        let mut text = String::from("{");
        for (key, value) in members {
            let comma = if text.len() > 1 { "," } else { "" };
            let _ = write!(text, "{comma}{key}:{value}");
        }
        text.push('}');
        Self::parse(&text)
    }

    /// The object with another one's members: each replaces the value under its name whole, and null
    /// removes it. Names and values stay as they were written; those that are not named stay where they
    /// are, and new ones come last.
    pub fn merged(&self, changes: &Self) -> Result<Self, InvalidJson> {
        let changes = changes.members()?;
        let mut named = BTreeSet::new();
        if !changes.iter().all(|member| named.insert(member.name())) {
            return Err(InvalidJson::TwiceNamed);
        }
        let present = self.members()?;
        // A body may name thousands of members: each is looked up, not searched for.
        let mut places: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (place, member) in present.iter().enumerate() {
            places.entry(member.name()).or_default().push(place);
        }
        let mut merged: Vec<_> = present.iter().copied().map(Some).collect();
        for change in changes {
            let own = places.remove(&change.name()).unwrap_or_default();
            for place in &own {
                merged[*place] = None;
            }
            let value = (change.value.get() != "null").then_some(change);
            match own.first() {
                Some(first) => merged[*first] = value,
                None => merged.push(value),
            }
        }
        let merged: Vec<_> = merged.into_iter().flatten().collect();
        // As it is, with the spaces between its members.
        if merged == present {
            return Ok(self.clone());
        }
        let members = merged.iter();
        Self::of_texts(members.map(|Member { key, value }| (key, value)))
    }

    fn members(&self) -> Result<Vec<Member<'_>>, InvalidJson> {
        let members: Members<'_> =
            serde_json::from_str(self.as_str()).map_err(|_| InvalidJson::NotAnObject)?;
        Ok(members.0)
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

/// A member that is an object. Serde would also take an array for the members in their order.
#[derive(Debug)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

/// A member of an object, name and value as they were written.
#[derive(Clone, Copy)]
struct Member<'a> {
    key: &'a RawValue,
    value: &'a RawValue,
}

impl<'a> Member<'a> {
    /// The name with its escapes resolved. Half of a character is a name, too, and no text: it is
    /// compared as it was written.
    fn name(&self) -> Result<Cow<'a, str>, &'a str> {
        serde_json::from_str(self.key.get()).map_err(|_| self.key.get())
    }
}

impl PartialEq for Member<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.key.get(), self.value.get()) == (other.key.get(), other.value.get())
    }
}

/// The members of an object in their order, those that come twice included.
struct Members<'a>(Vec<Member<'a>>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((key, value)) = map.next_entry()? {
            members.push(Member { key, value });
        }
        Ok(Members(members))
    }
}

/// A JSON text without the white space between its tokens.
pub(crate) fn compact(text: &str) -> Vec<u8> {
    let (mut in_string, mut escaped) = (false, false);
    let is_kept = |byte: &u8| {
        let is_space = !in_string && matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ => {}
        }
        !is_space
    };
    text.bytes().filter(is_kept).collect()
}

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
    fn white_space_between_tokens_goes_and_in_strings_stays() {
        let spaced = "{ \"a b\" :\t[ 1 ,\r\n\" \\\" \" , {} ] }\n";
        let compact = String::from_utf8(compact(spaced)).unwrap();
        assert_eq!(compact, r#"{"a b":[1," \" ",{}]}"#);
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

    fn merged(object: &str, changes: &str) -> Result<String, InvalidJson> {
        let [object, changes] = [object, changes].map(|text| JsonObject::parse(text).unwrap());
        Ok(object.merged(&changes)?.as_str().to_owned())
    }

    #[test]
    fn a_member_that_is_named_is_replaced_whole_and_null_removes_it() {
        let object = r#"{"a":{"x":1},"b":2,"c":3}"#;
        for (changes, result) in [
            ("{}", object),
            (r#"{"a":{"y":null}}"#, r#"{"a":{"y":null},"b":2,"c":3}"#),
            (r#"{"b":null,"d":4}"#, r#"{"a":{"x":1},"c":3,"d":4}"#),
            (r#"{"c":null,"x":null,"a":null,"b":null}"#, "{}"),
            (
                r#"{ "e" : [ 1 , 2 ] }"#,
                r#"{"a":{"x":1},"b":2,"c":3,"e":[ 1 , 2 ]}"#,
            ),
        ] {
            assert_eq!(merged(object, changes).as_deref(), Ok(result), "{changes}");
        }
    }

    #[test]
    fn names_and_values_stay_as_written_and_names_are_compared_unescaped() {
        let wide = r#"{"":1.0,"\u00e9":1152921504606846976,"e":1e400,"s":"\/\ud83d\ude00"}"#;
        assert_eq!(merged("{}", wide).as_deref(), Ok(wide));
        let changes = r#"{"é":-0.0,"":[null]}"#;
        let result = r#"{"":[null],"é":-0.0,"e":1e400,"s":"\/\ud83d\ude00"}"#;
        assert_eq!(merged(wide, changes).as_deref(), Ok(result));
        // Half of a character.
        let half = r#"{"\ud800":"\udc00"}"#;
        assert_eq!(merged("{}", half).as_deref(), Ok(half));
        assert_eq!(merged(half, r#"{"\ud800":null}"#).as_deref(), Ok("{}"));
    }

    #[test]
    fn a_merge_that_changes_nothing_leaves_the_text_as_it_is() {
        let spaced = "{ \"a\" : 1 }";
        for changes in ["{}", r#"{"a":1}"#, r#"{"b":null}"#] {
            assert_eq!(merged(spaced, changes).as_deref(), Ok(spaced));
        }
        assert_eq!(
            merged(spaced, r#"{"a":1.0}"#).as_deref(),
            Ok(r#"{"a":1.0}"#)
        );
    }

    #[test]
    fn a_change_names_each_member_once() {
        let twice = [r#"{"a":1,"a":2}"#, r#"{"a":1,"\u0061":null}"#];
        for changes in twice {
            assert_eq!(merged("{}", changes), Err(InvalidJson::TwiceNamed));
        }
        // What was stored so, an import's, is replaced whole.
        assert_eq!(merged(twice[0], r#"{"a":3}"#).as_deref(), Ok(r#"{"a":3}"#));
    }

    #[test]
    fn the_limits_hold_after_a_merge() {
        let half = format!("{{\"a\":\"{}\"}}", "x".repeat(40_000));
        let other = half.replace("\"a\"", "\"b\"");
        assert_eq!(merged(&half, &other), Err(InvalidJson::TooLarge));
        assert!(merged(&half, &half).is_ok());
    }

    #[test]
    fn names_are_escaped() {
        let members = [("a \"b\"", "1.0".to_owned()), ("", "[]".to_owned())];
        let object = JsonObject::of_members(members).unwrap();
        assert_eq!(object.as_str(), r#"{"a \"b\"":1.0,"":[]}"#);
        assert!(JsonObject::empty().is_empty());
        assert_eq!(JsonObject::empty().as_str(), "{}");
    }
}
