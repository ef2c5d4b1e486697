//! The members of a record of another product.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

/// Members by name, each as it was written. What is taken is gone from them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Members(BTreeMap<String, Box<RawValue>>);

impl Members {
    /// The members of an object.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok().map(Self)
    }

    /// All of them as an object.
    pub(super) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(&self.0).expect("names and JSON can be written as JSON")
    }

    /// Takes a member that has this type. Another one stays, and null is as if it were absent.
    pub(super) fn take<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let value: Option<T> = serde_json::from_str(self.0.get(name)?.get()).ok()?;
        self.0.remove(name);
        value
    }

    /// Takes a text. An empty one is as if it were absent.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.take(name).filter(|text: &String| !text.is_empty())
    }

    /// Takes a truth value, as JSON or a database writes it.
    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        if let Some(flag) = self.take(name) {
            return Some(flag);
        }
        let flag = match self.peek::<String>(name)?.as_str() {
            "true" | "TRUE" | "t" => true,
            "false" | "FALSE" | "f" => false,
            _ => return None,
        };
        self.0.remove(name);
        Some(flag)
    }

    /// Takes an object. In a table it is the text of one.
    pub(super) fn object(&mut self, name: &str) -> Option<Self> {
        self.json(name)
    }

    /// Takes a value of this type, or a text that is the JSON of one.
    pub(super) fn json<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        if let Some(value) = self.take(name) {
            return Some(value);
        }
        let value = serde_json::from_str(&self.peek::<String>(name)?).ok();
        if value.is_some() {
            self.0.remove(name);
        }
        value
    }

    /// A member as this type, which stays.
    pub(super) fn peek<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.0.get(name)?.get()).ok()
    }

    /// Removes members that are secrets, or say nothing of the user.
    pub(super) fn remove(&mut self, names: &[&str]) {
        for name in names {
            self.0.remove(*name);
        }
    }

    /// Keeps members of these names alone.
    pub(super) fn retain(&mut self, names: &[&str]) {
        self.0.retain(|name, _| names.contains(&name.as_str()));
    }

    /// The members without those of these names, at any depth.
    pub(super) fn without(self, names: &[&str]) -> Self {
        self.without_at(0, names)
    }

    fn without_at(self, depth: usize, names: &[&str]) -> Self {
        let members = self.0.into_iter();
        let members = members.filter(|(name, _)| !names.contains(&name.as_str()));
        Self(
            members
                .map(|(name, value)| (name, without(value, depth, names)))
                .collect(),
        )
    }

    /// Removes what has these names within a member, at any depth.
    pub(super) fn remove_within(&mut self, name: &str, names: &[&str]) {
        if let Some((name, value)) = self.0.remove_entry(name) {
            self.0.insert(name, without(value, 0, names));
        }
    }

    /// Leaves `true` in the place of a secret that the user has.
    pub(super) fn mask(&mut self, name: &str) {
        if self.text(name).is_some() {
            self.put(name, &true);
        }
    }

    /// Writes a member.
    pub(super) fn put(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        let value = to_raw_value(value).expect("texts, numbers and JSON can be written as JSON");
        self.0.insert(name.to_owned(), value);
    }

    /// Writes members as an object, unless there are none.
    pub(super) fn put_object(&mut self, name: &str, members: Self) {
        let members = members.said();
        if !members.0.is_empty() {
            self.put(name, &members.0);
        }
    }

    /// Those that say something, without the white space that the export has between tokens.
    pub(super) fn said(self) -> Self {
        let members = self.0.into_iter().map(|(name, value)| {
            let value = RawValue::from_string(compact(value.get()));
            (name, value.expect("JSON without white space is JSON"))
        });
        let says_something = |value: &str| !matches!(value, "null" | "\"\"" | "{}" | "[]");
        Self(
            members
                .filter(|(_, value)| says_something(value.get()))
                .collect(),
        )
    }

    /// Whether there is such a member.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The service takes no JSON that is deeper.
const MAX_DEPTH: usize = 128;

/// A value without the members that have these names, at any depth. Null stands for what can't be looked at.
fn without(value: Box<RawValue>, depth: usize, names: &[&str]) -> Box<RawValue> {
    let text = value.get();
    let members = match text.as_bytes().first() {
        Some(b'{' | b'[') if depth == MAX_DEPTH => None,
        Some(b'{') => Members::parse(text.as_bytes())
            .and_then(|members| to_raw_value(&members.without_at(depth + 1, names)).ok()),
        Some(b'[') => serde_json::from_str::<Vec<Box<RawValue>>>(text)
            .ok()
            .and_then(|values| {
                let values = values.into_iter();
                let values: Vec<_> = values
                    .map(|value| without(value, depth + 1, names))
                    .collect();
                to_raw_value(&values).ok()
            }),
        _ => return value,
    };
    members.unwrap_or_else(|| RawValue::NULL.to_owned())
}

/// JSON without the white space between its tokens.
fn compact(json: &str) -> String {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let is_kept = |char: &char| {
        let is_space = !is_quoted && char.is_ascii_whitespace();
        is_quoted ^= *char == '"' && !is_escaped;
        is_escaped = *char == '\\' && !is_escaped;
        !is_space
    };
    json.chars().filter(is_kept).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_between_tokens_goes_and_in_texts_stays() {
        let spaced = "{ \"a b\" :\t[ 1 ,\r\n\" \\\" \\\\\" , {} ] }";
        assert_eq!(compact(spaced), r#"{"a b":[1," \" \\",{}]}"#);
    }

    #[test]
    fn what_says_nothing_is_dropped() {
        let text = br#"{"a":null,"b":"","c":{ },"d":[
],"e":0,"f":false,"g":[null]}"#;
        let text = String::from_utf8_lossy(text).replace("\\n", "\n");
        let said = Members::parse(text.as_bytes()).unwrap().said();
        assert_eq!(said.to_json(), br#"{"e":0,"f":false,"g":[null]}"#);
    }

    #[test]
    fn what_has_another_type_stays() {
        let mut members = Members::parse(br#"{"a":1,"b":"t","c":"{\"d\":1}","e":""}"#).unwrap();
        assert_eq!(members.text("a"), None);
        assert_eq!((members.flag("b"), members.flag("c")), (Some(true), None));
        assert!(members.object("c").is_some() && members.text("e").is_none());
        assert_eq!(members.to_json(), br#"{"a":1}"#);
    }
}
