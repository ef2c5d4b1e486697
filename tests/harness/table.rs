//! The table's items, read and written without Roster's code.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use futures_util::future::join_all;
use store::Item;

/// A table of one test's own.
pub(crate) struct RawTable {
    client: Client,
    pub(crate) name: String,
}

/// The starts of the sort keys of items that expire.
const LAPSING: [&str; 11] = [
    "ADDRESS",
    "COUNTED",
    "DELETION#",
    "DEVICE",
    "EVENT#",
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

    /// Every item but those of the log, which stay after the deletion of what they tell of.
    pub(crate) async fn items_without_log(&self) -> BTreeMap<(String, String), Item> {
        let mut items = self.items().await;
        items.retain(|(partition, sort), _| {
            let is_log = sort.starts_with("EVENT#") || sort.starts_with("DELETION#");
            !is_log && !partition.starts_with("COUNTER#")
        });
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

    /// Puts many items, some at the same time.
    pub(crate) async fn put_all(&self, items: impl IntoIterator<Item = Item>) {
        const BATCH: usize = 25;
        const AT_ONCE: usize = 8;
        let requests: Vec<_> = items
            .into_iter()
            .map(|item| {
                let put = PutRequest::builder().set_item(Some(item)).build().unwrap();
                WriteRequest::builder().put_request(put).build()
            })
            .collect();
        for some in requests.chunks(BATCH * AT_ONCE) {
            let written = some.chunks(BATCH).map(async |batch| {
                let write = self.client.batch_write_item();
                let written = write.request_items(&self.name, batch.to_vec()).send().await;
                assert!(
                    written
                        .unwrap()
                        .unprocessed_items
                        .unwrap_or_default()
                        .is_empty()
                );
            });
            join_all(written).await;
        }
    }

    /// Deletes an item.
    pub(crate) async fn delete(&self, partition: &str, sort: &str) {
        self.client
            .delete_item()
            .table_name(&self.name)
            .key("PK", AttributeValue::S(partition.to_owned()))
            .key("SK", AttributeValue::S(sort.to_owned()))
            .send()
            .await
            .unwrap();
    }

    /// Deletes every item.
    pub(crate) async fn clear(&self) {
        for (partition, sort) in self.items().await.into_keys() {
            self.delete(&partition, &sort).await;
        }
    }

    /// What must always be true for the whole table: every identifier has its reservation, every
    /// reservation has its owner, and a primary address is a verified one of the user's own.
    pub(crate) async fn check_invariants(&self) {
        let items = self.items().await;
        let mut reserved = BTreeSet::new();
        let mut identifiers = BTreeSet::new();
        for ((pk, sk), item) in &items {
            if is_of_groups(pk, sk) {
                continue;
            }
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
                _ if pk.starts_with("COUNTER#") => {}
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
        check_groups(&items);
    }
}

/// Whether an item is of a group, its name or a membership.
fn is_of_groups(pk: &str, sk: &str) -> bool {
    let kinds = ["AUTO_GROUPS#", "GROUP#", "GROUP_NAME#"];
    kinds.iter().any(|kind| pk.starts_with(kind)) || sk.starts_with("GROUP#")
}

/// What must always be true of groups: each has the reservation of its name, those that take in new users
/// are in the list of them, and each membership has two items that say the same.
fn check_groups(items: &BTreeMap<(String, String), Item>) {
    let (mut reserved, mut named) = (BTreeSet::new(), BTreeSet::new());
    let (mut listed, mut automatic) = (BTreeSet::new(), BTreeSet::new());
    let (mut of_groups, mut of_users) = (BTreeSet::new(), BTreeSet::new());
    for ((pk, sk), item) in items.iter().filter(|((pk, sk), _)| is_of_groups(pk, sk)) {
        let membership = || {
            let said = ["user_id", "group_id", "list_sort"].map(|name| text(item, name));
            let numbers = ["born", "creation_time"].map(|name| item[name].as_n().unwrap());
            (said, numbers)
        };
        match sk.as_str() {
            "RESERVATION" => {
                reserved.insert((pk.clone(), text(item, "owner").to_owned()));
            }
            "GROUP" => {
                let id = pk.strip_prefix("GROUP#").unwrap();
                assert!(item.contains_key("version"), "a ghost: {pk}");
                let name = format!("GROUP_NAME#{}", text(item, "canonical_name"));
                named.insert((name, id.to_owned()));
                if item["is_auto_assigned"] == AttributeValue::Bool(true) {
                    automatic.insert(id.to_owned());
                }
            }
            "AUTO_GROUPS" => {
                let groups = item.get("groups").map(|groups| groups.as_ss().unwrap());
                listed.extend(groups.into_iter().flatten().cloned());
            }
            "DELETION" => {}
            counter if counter.starts_with("COUNTER#") => {}
            member if member.starts_with("MEMBER#") => {
                of_groups.insert(membership());
            }
            group => {
                assert!(group.starts_with("GROUP#"), "an item of an unknown kind");
                of_users.insert(membership());
            }
        }
    }
    assert_eq!(reserved, named, "reservations and names of groups differ");
    assert_eq!(listed, automatic, "groups that take in new users differ");
    assert_eq!(of_groups, of_users, "a membership is without its twin");
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
