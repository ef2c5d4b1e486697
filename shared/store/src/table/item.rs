//! What all items have in common: a key, and attributes of a few types.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

/// One stored item: attribute names and values, as the SDK has them.
pub type Item = HashMap<String, AttributeValue>;

/// How many bytes a sort key has at most (DynamoDB, "Constraints").
pub const MAX_SORT_KEY: usize = 1024;

/// How many bytes an item has at most, by [`size`].
pub(crate) const MAX_SIZE: usize = 400 * 1024;

/// An item's size as DynamoDB counts it ("DynamoDB item sizes and formats"): names and values in UTF-8; of a
/// number a byte for two digits, without zeros at either end, and one more; of a list or map three bytes and
/// one for each element.
pub(crate) fn size(item: &Item) -> usize {
    let members = item.iter();
    members
        .map(|(name, value)| name.len() + size_of(value))
        .sum()
}

fn size_of(value: &AttributeValue) -> usize {
    const NESTED: usize = 3;
    // Whole numbers: no item has others.
    let number = |text: &String| {
        let digits = text.trim_start_matches('-').trim_matches('0').len();
        digits.div_ceil(2) + 1 + usize::from(text.starts_with('-'))
    };
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(text) => number(text),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::Ss(texts) => texts.iter().map(String::len).sum(),
        AttributeValue::Ns(numbers) => numbers.iter().map(number).sum(),
        AttributeValue::Bs(all) => all.iter().map(|bytes| bytes.as_ref().len()).sum(),
        AttributeValue::L(values) => {
            NESTED + values.iter().map(|value| 1 + size_of(value)).sum::<usize>()
        }
        AttributeValue::M(members) => NESTED + members.len() + size(members),
        _ => 1,
    }
}

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

/// The difference between two states of an item: attributes to set and names to remove. Attributes that
/// newer code has added to the stored item are in neither, and stay.
pub(crate) fn difference(before: &Item, after: Item) -> (Item, Vec<String>) {
    let removed = before
        .keys()
        .filter(|name| !after.contains_key(*name))
        .cloned()
        .collect();
    let set = after
        .into_iter()
        .filter(|(name, value)| before.get(name) != Some(value))
        .collect();
    (set, removed)
}

/// An attribute that is a text.
pub(crate) fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

/// An attribute that is a whole number.
pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// An attribute that is a truth value.
pub(crate) fn truth(value: bool) -> AttributeValue {
    AttributeValue::Bool(value)
}

/// An attribute that is a set of texts, which is not empty.
pub(crate) fn texts(values: impl IntoIterator<Item = impl ToString>) -> AttributeValue {
    let texts = values.into_iter().map(|text| text.to_string()).collect();
    AttributeValue::Ss(texts)
}

/// An attribute's number.
pub(crate) fn number_of(item: &Item, name: &str) -> Option<i64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

/// An attribute's texts; empty where the attribute isn't there, because DynamoDB keeps no empty set.
pub(crate) fn texts_of(item: &Item, name: &str) -> Vec<String> {
    let texts = item.get(name).and_then(|texts| texts.as_ss().ok());
    texts.cloned().unwrap_or_default()
}

/// The texts of an item's key.
pub(crate) fn key_texts(item: &Item) -> [String; 2] {
    ["PK", "SK"].map(|name| {
        let text = item.get(name).and_then(|value| value.as_s().ok());
        text.cloned().unwrap_or_default()
    })
}
