//! The table's items, read and written without Roster's code.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use store::Item;

/// A table of one test's own.
pub(crate) struct RawTable {
    client: Client,
    pub(crate) name: String,
}

/// The starts of the sort keys of items that expire.
const LAPSING: [&str; 8] = [
    "ADDRESS",
    "DEVICE",
    "HOUR#",
    "IP#",
    "NOTIFICATION#",
    "SESSION#",
    "USER#EMAIL_CHANGE#",
    "USER#PENDING_EMAIL#",
];

/// An attribute that is a text; an empty one, where there is none.
pub(crate) fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name)
        .and_then(|value| value.as_s().ok())
        .map_or("", String::as_str)
}

fn map<'a>(item: &'a Item, name: &str) -> BTreeMap<&'a str, &'a Item> {
    let map = item.get(name).and_then(|value| value.as_m().ok());
    map.into_iter()
        .flatten()
        .map(|(id, value)| (id.as_str(), value.as_m().unwrap()))
        .collect()
}

impl RawTable {
    pub(crate) fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    /// Every item, by partition key and sort key.
    pub(crate) async fn items(&self) -> BTreeMap<(String, String), Item> {
        let mut pages = self
            .client
            .scan()
            .table_name(&self.name)
            .consistent_read(true)
            .into_paginator()
            .send();
        let mut items = BTreeMap::new();
        while let Some(page) = pages.next().await {
            for item in page.unwrap().items.unwrap_or_default() {
                items.insert(
                    (text(&item, "PK").to_owned(), text(&item, "SK").to_owned()),
                    item,
                );
            }
        }
        items
    }

    /// The items of one partition of an index, in their order.
    pub(crate) async fn query(&self, index: &str, attribute: &str, partition: &str) -> Vec<Item> {
        let pages = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(index)
            .key_condition_expression("#partition = :partition")
            .expression_attribute_names("#partition", attribute)
            .expression_attribute_values(":partition", AttributeValue::S(partition.to_owned()))
            .into_paginator()
            .items()
            .send();
        pages.try_collect().await.unwrap()
    }

    /// Puts an item.
    pub(crate) async fn put(&self, item: Item) {
        let put = self.client.put_item().table_name(&self.name);
        put.set_item(Some(item)).send().await.unwrap();
    }

    /// Deletes every item.
    pub(crate) async fn clear(&self) {
        for (pk, sk) in self.items().await.into_keys() {
            self.client
                .delete_item()
                .table_name(&self.name)
                .key("PK", AttributeValue::S(pk))
                .key("SK", AttributeValue::S(sk))
                .send()
                .await
                .unwrap();
        }
    }

    /// What must always be true for the whole table: every identifier has its reservation, every
    /// reservation has its owner, and a primary address is a verified one of the user's own.
    pub(crate) async fn check_invariants(&self) {
        let items = self.items().await;
        let mut reserved = BTreeSet::new();
        let mut identifiers = BTreeSet::new();
        for ((pk, sk), item) in &items {
            match sk.as_str() {
                "RESERVATION" => {
                    let owner = text(item, "owner").to_owned();
                    reserved.insert((pk.clone(), owner, text(item, "identifier_id").to_owned()));
                }
                "USER" => {
                    let owner = pk.strip_prefix("USER#").unwrap();
                    assert!(item.contains_key("version"), "a ghost: {pk}");
                    for (kind, own) in user_identifiers(item) {
                        let canonical = Some(text(own.1, "canonical")).filter(|c| !c.is_empty());
                        let canonical = canonical.unwrap_or(text(own.1, "shown"));
                        identifiers.insert((
                            format!("{kind}#{canonical}"),
                            owner.to_owned(),
                            own.0.to_owned(),
                        ));
                    }
                    check_primary(item, "primary_email", "emails");
                    check_primary(item, "primary_phone", "phones");
                }
                "OPERATION" => {}
                other => {
                    let is_known = LAPSING.iter().any(|start| other.starts_with(start));
                    assert!(is_known, "an item of an unknown kind: {other}");
                    assert!(
                        item.contains_key("expires_at"),
                        "an item that never lapses: {other}"
                    );
                }
            }
        }
        assert_eq!(reserved, identifiers, "reservations and identifiers differ");
    }
}

fn user_identifiers(user: &Item) -> Vec<(&'static str, (&str, &Item))> {
    let username = user
        .get("username")
        .map(|username| username.as_m().unwrap());
    map(user, "emails")
        .into_iter()
        .map(|own| ("EMAIL", own))
        .chain(map(user, "phones").into_iter().map(|own| ("PHONE", own)))
        .chain(username.map(|username| ("USERNAME", (text(username, "id"), username))))
        .collect()
}

fn check_primary(user: &Item, primary: &str, addresses: &str) {
    let Some(primary) = user.get(primary) else {
        return;
    };
    let addresses = map(user, addresses);
    let address = addresses[primary.as_s().unwrap().as_str()];
    assert_eq!(
        address["verified"],
        AttributeValue::Bool(true),
        "an unverified primary address"
    );
}
