//! Reads YAML with CloudFormation's short tags as JSON with the long ones.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, json};
use serde_saphyr::Tagged;

/// Reads a template: `!Ref X` becomes `{"Ref": "X"}`, `!GetAtt X.Arn` becomes
/// `{"Fn::GetAtt": ["X", "Arn"]}`, `!Sub …` becomes `{"Fn::Sub": …}`, and so on.
pub(crate) fn parse(text: &str) -> Result<Value, String> {
    serde_saphyr::from_str::<Node>(text)
        .map(|node| node.0)
        .map_err(|error| {
            error
                .to_string()
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned()
        })
}

struct Node(Value);

struct Untagged(Value);

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Tagged(Untagged(value), tag) = Tagged::deserialize(deserializer)?;
        let short = tag.as_deref().and_then(|tag| tag.strip_prefix('!'));
        Ok(Self(match (short, value) {
            (None, value) => value,
            (Some("Ref" | "Condition"), value) => json!({ short.unwrap_or_default(): value }),
            (Some("GetAtt"), Value::String(path)) => {
                let (resource, attribute) = path
                    .split_once('.')
                    .ok_or_else(|| D::Error::custom("!GetAtt needs Resource.Attribute"))?;
                json!({ "Fn::GetAtt": [resource, attribute] })
            }
            (Some(function), value) => json!({ format!("Fn::{function}"): value }),
        }))
    }
}

impl<'de> Deserialize<'de> for Untagged {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Value;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("YAML")
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_unit<E: Error>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
                let mut values = Vec::new();
                while let Some(Node(value)) = seq.next_element()? {
                    values.push(value);
                }
                Ok(Value::Array(values))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let mut values = Map::new();
                while let Some((name, Node(value))) = map.next_entry::<String, Node>()? {
                    values.insert(name, value);
                }
                Ok(Value::Object(values))
            }
        }

        deserializer.deserialize_any(Any).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_tags_become_long_ones() {
        let text = "a: !Ref X\nb: !GetAtt X.Arn\nc: !Split [\",\", !Ref Other]\nd: \"1\"\ne: 1\nf:\ng: !Sub ${X}-y\n";
        assert_eq!(
            parse(text).unwrap(),
            json!({
                "a": { "Ref": "X" },
                "b": { "Fn::GetAtt": ["X", "Arn"] },
                "c": { "Fn::Split": [",", { "Ref": "Other" }] },
                "d": "1", "e": 1, "f": null,
                "g": { "Fn::Sub": "${X}-y" },
            })
        );
    }
}
