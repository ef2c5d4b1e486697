//! The item that makes an identifier unique: one key, one owner.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{Identifier, IdentifierId, Kind, UserId};
use serde::{Deserialize, Serialize};

use crate::{Item, StoreError};

/// As it is stored.
#[derive(Serialize, Deserialize)]
pub(crate) struct Reservation {
    #[serde(rename = "PK")]
    pk: String,
    #[serde(rename = "SK")]
    sk: String,
    /// Whose identifier it is.
    pub(crate) owner: String,
    /// Under which id the owner has it.
    identifier_id: String,
    /// `by_prefix`'s partition: kind and start of the canonical form.
    prefix: String,
    /// `by_prefix`'s order.
    canonical: String,
}

const SORT_KEY: &str = "RESERVATION";

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Email => "EMAIL",
        Kind::Phone => "PHONE",
        Kind::Username => "USERNAME",
    }
}

/// Every phone number starts with a plus sign, so that one character alone would put all of them
/// into one partition.
fn prefix_length(kind: Kind) -> usize {
    match kind {
        Kind::Email | Kind::Username => 1,
        Kind::Phone => 3,
    }
}

fn partition_key(identifier: &Identifier) -> String {
    format!("{}#{}", kind_name(identifier.kind), identifier.canonical)
}

/// Its key.
pub(crate) fn key(identifier: &Identifier) -> Item {
    Item::from([
        (
            "PK".to_owned(),
            AttributeValue::S(partition_key(identifier)),
        ),
        ("SK".to_owned(), AttributeValue::S(SORT_KEY.to_owned())),
    ])
}

/// The whole item.
pub(crate) fn item(
    identifier: &Identifier,
    id: IdentifierId,
    owner: &UserId,
) -> Result<Item, StoreError> {
    let start: String = identifier
        .canonical
        .chars()
        .take(prefix_length(identifier.kind))
        .collect();
    let reservation = Reservation {
        pk: partition_key(identifier),
        sk: SORT_KEY.to_owned(),
        owner: owner.to_string(),
        identifier_id: id.to_string(),
        prefix: format!("{}#{start}", kind_name(identifier.kind)),
        canonical: identifier.canonical.clone(),
    };
    serde_dynamo::to_item(reservation).map_err(|error| StoreError::Unexpected(error.to_string()))
}
