//! What a request says of a member that it may leave out.

use serde::{Deserialize, Deserializer};

/// A member of a PATCH. A field of this type needs `#[serde(default)]`, which is what an absent member
/// is read as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// It is absent: the value stays as it is.
    #[default]
    Keep,
    /// It is null: the value goes.
    Remove,
    /// It is there: it replaces the value.
    Set(T),
}

impl<T> Patch<T> {
    /// The same of what `change` makes of the value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Patch<U> {
        match self {
            Self::Keep => Patch::Keep,
            Self::Remove => Patch::Remove,
            Self::Set(value) => Patch::Set(change(value)),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(|value| value.map_or(Self::Remove, Self::Set))
    }
}

/// A member of a create, where null is as good as absent.
impl<T> From<Option<T>> for Patch<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Keep, Self::Set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_member_is_told_from_null() {
        #[derive(Debug, Deserialize, PartialEq)]
        struct Body {
            #[serde(default)]
            name: Patch<String>,
        }
        for (text, name) in [
            ("{}", Patch::Keep),
            (r#"{"name":null}"#, Patch::Remove),
            (r#"{"name":""}"#, Patch::Set(String::new())),
        ] {
            assert_eq!(serde_json::from_str::<Body>(text).unwrap(), Body { name });
        }
    }
}
