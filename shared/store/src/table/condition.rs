//! A condition that an item must meet for a write to happen.

use aws_sdk_dynamodb::types::AttributeValue;

use super::expression::Placeholders;

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

    fn on_key(function: &str) -> Self {
        let mut placeholders = Placeholders::default();
        Self {
            text: format!("{function}({})", placeholders.path(&["PK"])),
            placeholders,
        }
    }
}
