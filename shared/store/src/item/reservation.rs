//! The item that makes an identifier unique: one key, one owner.

use domain::filter::NameKind;
use domain::{Identifier, IdentifierId, Kind, UserId};
use serde::{Deserialize, Serialize};

use super::{layout, prefix};
use crate::table::{self, Item, Partition};
use crate::{Cause, StoreError};

/// As it is stored.
#[derive(Serialize, Deserialize)]
struct Reservation {
    #[serde(rename = "PK")]
    pk: String,
    #[serde(rename = "SK")]
    sk: String,
    /// Whose identifier it is.
    owner: String,
    /// The identifier id that it has for the owner.
    identifier_id: String,
    /// `by_prefix`'s partition: kind, start of the canonical form, and one of some shards.
    prefix: String,
    /// `by_domain`'s partition: domain, and one of some shards. Only e-mail addresses have it, so that
    /// other items are not in the index and don't pay for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    /// The sort key of both indexes.
    canonical: String,
}

/// The sort key of all reservations.
pub(crate) const SORT_KEY: &str = "RESERVATION";

fn partition_key(identifier: &Identifier) -> String {
    let partition = match identifier.kind {
        Kind::Email => Partition::Email,
        Kind::Phone => Partition::Phone,
        Kind::Username => Partition::Username,
    };
    partition.key(&identifier.canonical)
}

/// What a partition of reservations reserves.
pub(crate) fn identifier(partition_key: &str) -> Option<Identifier> {
    let (kind, canonical) = Partition::of(partition_key)?;
    let kind = match kind {
        Partition::Email => Kind::Email,
        Partition::Phone => Kind::Phone,
        Partition::Username => Kind::Username,
        _ => return None,
    };
    Some(Identifier {
        kind,
        canonical: canonical.to_owned(),
    })
}

/// Its key.
pub(crate) fn key(identifier: &Identifier) -> Item {
    table::key(partition_key(identifier), SORT_KEY)
}

/// The attribute that says whose identifier it is.
pub(crate) const OWNER: &str = "owner";

/// Whose identifier an item reserves.
pub(crate) fn owner(item: &Item) -> Option<UserId> {
    UserId::parse(item.get(OWNER)?.as_s().ok()?).ok()
}

/// The whole item.
pub(crate) fn item(
    identifier: &Identifier,
    id: IdentifierId,
    owner: &UserId,
) -> Result<Item, StoreError> {
    let canonical = identifier.canonical.as_str();
    let domain = match identifier.kind {
        Kind::Email => canonical.rsplit_once('@').map(|(_, domain)| domain),
        Kind::Phone | Kind::Username => None,
    };
    let reservation = Reservation {
        pk: partition_key(identifier),
        sk: SORT_KEY.to_owned(),
        owner: owner.to_string(),
        identifier_id: id.to_string(),
        prefix: prefix::partition(NameKind::Identifier(identifier.kind), canonical),
        domain: domain.map(|domain| layout::partition(&[domain], canonical)),
        canonical: canonical.to_owned(),
    };
    Ok(serde_dynamo::to_item(reservation).map_err(Cause::from)?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::{Email, Phone, Timestamp, Username, sample};

    use super::*;

    fn item_of(identifier: Identifier) -> Item {
        let id = IdentifierId::issue(Timestamp::from_unix(1), [0; 10]);
        item(&identifier, id, sample::published().id()).unwrap()
    }

    fn email(text: &str) -> Item {
        item_of(Identifier::from(&Email::parse(text).unwrap()))
    }

    /// The partition of an item in an index, without its shard, and the shard.
    fn partition<'a>(item: &'a Item, name: &str) -> (&'a str, &'a str) {
        item[name].as_s().unwrap().rsplit_once('#').unwrap()
    }

    #[test]
    fn phone_numbers_of_different_countries_lie_in_different_partitions() {
        let phone = |text| item_of(Identifier::from(&Phone::parse(text).unwrap()));
        assert_eq!(
            partition(&phone("+441514960453"), "prefix").0,
            "1#PHONE#+44"
        );
        assert_eq!(partition(&phone("+12125552368"), "prefix").0, "1#PHONE#+12");
    }

    #[test]
    fn addresses_lie_in_the_partitions_of_their_first_character() {
        let address = email("Ärger@example.org");
        assert_eq!(partition(&address, "prefix").0, "1#EMAIL#ä");
        assert_eq!(address["canonical"].as_s().unwrap(), "ärger@example.org");
    }

    #[test]
    fn addresses_lie_in_the_partitions_of_their_domain_as_a_labels() {
        for (text, domain) in [
            ("ada@example.org", "1#example.org"),
            ("Grace@EXAMPLE.org", "1#example.org"),
            ("ada@bücher.example", "1#xn--bcher-kva.example"),
            ("ada@mail.example.org", "1#mail.example.org"),
        ] {
            assert_eq!(partition(&email(text), "domain").0, domain, "{text}");
        }
    }

    #[test]
    fn nothing_but_addresses_lies_in_the_index_of_domains() {
        let username = Identifier::from(&Username::parse("ada").unwrap());
        let phone = Identifier::from(&Phone::parse("+441514960453").unwrap());
        for identifier in [username, phone] {
            assert!(!item_of(identifier).contains_key("domain"));
        }
    }

    #[test]
    fn names_that_start_alike_are_spread_over_all_shards() {
        let items: Vec<Item> = (0..64)
            .map(|n| email(&format!("employee{n}@example.org")))
            .collect();
        for name in ["prefix", "domain"] {
            let shards: BTreeSet<_> = items.iter().map(|item| partition(item, name)).collect();
            assert_eq!(shards.len(), 8, "{name}: {shards:?}");
        }
    }
}
