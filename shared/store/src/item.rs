//! What all kinds of items have in common.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

/// One stored item: attribute names and values, as the SDK has them.
pub type Item = HashMap<String, AttributeValue>;

/// The key of an item.
pub(crate) fn key(partition: impl ToString, sort: impl ToString) -> Item {
    Item::from([
        ("PK".to_owned(), text(partition)),
        ("SK".to_owned(), text(sort)),
    ])
}

/// The key that an item has.
pub(crate) fn key_of(item: &Item) -> Item {
    let mut key = item.clone();
    key.retain(|name, _| matches!(name.as_str(), "PK" | "SK"));
    key
}

/// An attribute that is a text.
pub(crate) fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

/// An attribute that is a whole number.
pub(crate) fn integer(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// An attribute's number.
pub(crate) fn number(item: &Item, name: &str) -> Option<i64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

/// An attribute's texts; none where it isn't there: DynamoDB keeps no empty set.
pub(crate) fn texts(item: &Item, name: &str) -> Vec<String> {
    let texts = item.get(name).and_then(|texts| texts.as_ss().ok());
    texts.cloned().unwrap_or_default()
}
