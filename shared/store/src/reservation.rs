//! The item that makes an identifier unique: one key, one owner.

use domain::{Identifier, IdentifierId, Kind, UserId};
use serde::{Deserialize, Serialize};

use crate::{Item, StoreError, item};

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
    item::key(partition_key(identifier), SORT_KEY)
}

/// Whose identifier an item reserves.
pub(crate) fn owner(item: &Item) -> Option<UserId> {
    UserId::parse(item.get("owner")?.as_s().ok()?).ok()
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
    serde_dynamo::to_item(reservation).map_err(StoreError::unexpected)
}

#[cfg(test)]
mod tests {
    use domain::{Email, Phone, Timestamp, sample};

    use super::*;

    fn prefix(identifier: Identifier) -> String {
        let id = IdentifierId::issue(Timestamp::from_unix(1), [0; 10]);
        let item = item(&identifier, id, &sample::published().id).unwrap();
        item["prefix"].as_s().unwrap().clone()
    }

    #[test]
    fn phone_numbers_of_different_countries_lie_in_different_partitions() {
        let phone = |text| prefix(Identifier::from(&Phone::parse(text).unwrap()));
        assert_eq!(phone("+441514960453"), "PHONE#+44");
        assert_eq!(phone("+12125552368"), "PHONE#+12");
    }

    #[test]
    fn addresses_lie_in_the_partition_of_their_first_character() {
        let email = Email::parse("Ärger@example.org").unwrap();
        assert_eq!(prefix(Identifier::from(&email)), "EMAIL#ä");
    }
}
