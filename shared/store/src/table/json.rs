//! Items in DynamoDB's JSON: the form of its requests, and of the files that its import from S3 reads.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::ser::{Error as _, SerializeMap as _};
use serde::{Serialize, Serializer};

use super::Item;

/// An item in DynamoDB's JSON: each value under the name of its type. The attributes are in the order of
/// their names.
#[derive(Clone, Copy, Debug)]
pub struct DynamodbJson<'a>(pub &'a Item);

impl Serialize for DynamodbJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members: Vec<_> = self.0.iter().collect();
        members.sort_unstable_by_key(|(name, _)| *name);
        serializer.collect_map(
            members
                .into_iter()
                .map(|(name, value)| (name, Value(value))),
        )
    }
}

struct Value<'a>(&'a AttributeValue);

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut typed = serializer.serialize_map(Some(1))?;
        match self.0 {
            AttributeValue::S(text) => typed.serialize_entry("S", text)?,
            AttributeValue::N(text) => typed.serialize_entry("N", text)?,
            AttributeValue::Bool(truth) => typed.serialize_entry("BOOL", truth)?,
            AttributeValue::Null(truth) => typed.serialize_entry("NULL", truth)?,
            AttributeValue::Ss(texts) => typed.serialize_entry("SS", texts)?,
            AttributeValue::M(members) => typed.serialize_entry("M", &DynamodbJson(members))?,
            AttributeValue::L(values) => {
                let values: Vec<_> = values.iter().map(Value).collect();
                typed.serialize_entry("L", &values)?;
            }
            _ => return Err(S::Error::custom("a value of a type that no item has")),
        }
        typed.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{number, text, truth};

    #[test]
    fn each_value_stands_under_the_name_of_its_type() {
        let inner = Item::from([("n".to_owned(), AttributeValue::Null(true))]);
        let item = Item::from([
            ("PK".to_owned(), text("USER#\u{e4}\"")),
            ("count".to_owned(), number(-7)),
            ("disabled".to_owned(), truth(false)),
            (
                "groups".to_owned(),
                AttributeValue::Ss(vec!["a".to_owned(), "b".to_owned()]),
            ),
            ("list".to_owned(), AttributeValue::L(vec![text("x")])),
            ("map".to_owned(), AttributeValue::M(inner)),
        ]);
        assert_eq!(
            serde_json::to_string(&DynamodbJson(&item)).unwrap(),
            "{\"PK\":{\"S\":\"USER#\u{e4}\\\"\"},\"count\":{\"N\":\"-7\"},\"disabled\":{\"BOOL\":false},\
             \"groups\":{\"SS\":[\"a\",\"b\"]},\"list\":{\"L\":[{\"S\":\"x\"}]},\
             \"map\":{\"M\":{\"n\":{\"NULL\":true}}}}"
        );
    }
}
