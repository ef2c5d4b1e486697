//! A condition that an item must meet for a write to happen.

use aws_sdk_dynamodb::types::AttributeValue;

use super::expression::Placeholders;
use super::item::number;

/// A condition on one item.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    pub(super) text: String,
    pub(super) placeholders: Placeholders,
}

impl Condition {
    /// The item is there.
    pub(crate) fn exists() -> Self {
        Self::on_key("attribute_exists")
    }

    /// The item is not there.
    pub(crate) fn absent() -> Self {
        Self::on_key("attribute_not_exists")
    }

    /// An attribute of the item has this value.
    pub(crate) fn equal(attribute: &str, value: AttributeValue) -> Self {
        let mut placeholders = Placeholders::default();
        let (path, value) = (placeholders.path(&[attribute]), placeholders.value(value));
        Self {
            text: format!("{path} = {value}"),
            placeholders,
        }
    }

    /// An attribute of the item is absent, or its number is at most this one.
    pub(crate) fn at_most(attribute: &str, most: impl ToString) -> Self {
        let mut placeholders = Placeholders::default();
        let path = placeholders.path(&[attribute]);
        let most = placeholders.value(number(most));
        Self {
            text: format!("attribute_not_exists({path}) OR {path} <= {most}"),
            placeholders,
        }
    }

    /// An attribute of the item is not there, or has another value. So it holds where there is no item.
    pub(crate) fn other(attribute: &str, value: AttributeValue) -> Self {
        let mut placeholders = Placeholders::default();
        let (path, value) = (placeholders.path(&[attribute]), placeholders.value(value));
        Self {
            text: format!("(attribute_not_exists({path}) OR {path} <> {value})"),
            placeholders,
        }
    }

    fn on_key(function: &str) -> Self {
        let mut placeholders = Placeholders::default();
        Self {
            text: format!("{function}({})", placeholders.path(&["PK"])),
            placeholders,
        }
    }
}
