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

/// An attribute that is a text.
pub(crate) fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

/// An attribute's number.
pub(crate) fn number(item: &Item, name: &str) -> Option<i64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}
