//! The table's indexes. Lists of users are read from them.

use std::collections::{BTreeMap, BTreeSet};

use local::database;
use local::template::Template;
use macro_rules_attribute::apply;
use serde_json::json;
use store::Item;
use store::schema::{Made, Schema};

use crate::harness::table::text;
use crate::harness::{Roster, root};

/// The partitions of a list, by their start.
fn partitions(start: &str) -> [String; 8] {
    std::array::from_fn(|shard| format!("{start}#{shard}"))
}

/// The items of an index in all partitions of a list, each partition in its order.
async fn list(roster: &Roster, index: &str, attribute: &str, start: &str) -> Vec<Vec<Item>> {
    let mut shards = Vec::new();
    for partition in partitions(start) {
        shards.push(roster.table.query(index, attribute, &partition).await);
    }
    shards
}

async fn by_prefix(roster: &Roster, start: &str) -> Vec<Vec<Item>> {
    list(roster, "by_prefix", "prefix", start).await
}

async fn by_domain(roster: &Roster, domain: &str) -> Vec<Vec<Item>> {
    list(roster, "by_domain", "domain", &format!("1#{domain}")).await
}

/// The owners of the reservations and their identifiers, in alphabetical order.
fn owned(shards: Vec<Vec<Item>>) -> Vec<(String, String)> {
    let items = shards.into_iter().flatten();
    let mut owned: Vec<_> = items
        .map(|item| {
            (
                text(&item, "canonical").to_owned(),
                text(&item, "owner").to_owned(),
            )
        })
        .collect();
    owned.sort();
    owned
}

fn id(path: &str) -> String {
    path.rsplit('/').next().unwrap().to_owned()
}

#[apply(on_both_stores)]
async fn each_user_lies_in_one_partition_of_all_users(roster: Roster) {
    let mut created = BTreeSet::new();
    for n in 0..40 {
        let path = roster
            .create(json!({ "username": format!("user{n}") }))
            .await;
        created.insert(format!("USER#{}", id(&path)));
    }
    let shards = list(&roster, "by_creation", "list_shard", "1").await;
    let listed: Vec<_> = shards
        .iter()
        .flatten()
        .map(|item| text(item, "PK"))
        .collect();
    assert_eq!(listed.len(), created.len());
    assert_eq!(
        listed
            .into_iter()
            .map(str::to_owned)
            .collect::<BTreeSet<_>>(),
        created
    );
    let in_use = shards.iter().filter(|shard| !shard.is_empty()).count();
    assert!(in_use > 4, "{in_use} of 8");
    for shard in shards {
        assert!(shard.is_sorted_by_key(|item| text(item, "list_sort").to_owned()));
    }
}

#[apply(on_both_stores)]
async fn an_address_lies_under_its_domain_for_as_long_as_it_is_reserved(roster: Roster) {
    let ada = roster
        .create(json!({ "email": "Ada@B\u{fc}cher.example" }))
        .await;
    let grace = roster
        .create(json!({ "username": "grace", "email": "grace@example.org", "phone_number": "+441514960454" }))
        .await;
    let added = json!({ "email": "grace@xn--bcher-kva.example" });
    roster
        .send_json("POST", &format!("{grace}/emails"), added)
        .await
        .expect(200);
    let owner = |address: &str, path: &str| (address.to_owned(), id(path));
    let bücher = || by_domain(&roster, "xn--bcher-kva.example");
    assert_eq!(
        owned(bücher().await),
        [
            owner("ada@xn--bcher-kva.example", &ada),
            owner("grace@xn--bcher-kva.example", &grace),
        ]
    );
    let example = || by_domain(&roster, "example.org");
    assert_eq!(owned(example().await), [owner("grace@example.org", &grace)]);

    roster.send("DELETE", &ada).await.expect(204);
    assert_eq!(
        owned(bücher().await),
        [owner("grace@xn--bcher-kva.example", &grace)]
    );
    roster.send("DELETE", &grace).await.expect(204);
    assert_eq!(owned(bücher().await), []);
    assert_eq!(owned(example().await), []);
}

#[apply(on_both_stores)]
async fn nothing_but_addresses_has_a_domain(roster: Roster) {
    let ada = roster.ada().await;
    ada.add_email("added@example.com").await.expect(200);
    let body = json!({ "username": "grace", "email": "grace@example.org", "phone_number": "+441514960454" });
    roster.create(body).await;
    for ((partition, sort), item) in roster.table.items().await {
        let is_address = partition.starts_with("EMAIL#") && sort == "RESERVATION";
        assert_eq!(
            item.contains_key("domain"),
            is_address,
            "{partition} {sort}"
        );
    }
}

#[apply(on_both_stores)]
async fn names_that_start_alike_are_spread_and_found_by_their_start(roster: Roster) {
    let mut owners = BTreeMap::new();
    for n in 0..40 {
        let (username, email) = (format!("employee{n}"), format!("employee{n}@example.org"));
        let path = roster
            .create(json!({ "username": username, "email": email }))
            .await;
        owners.insert(username, id(&path));
    }
    roster
        .create(json!({ "username": "grace", "phone_number": "+441514960454" }))
        .await;
    let emails: BTreeMap<_, _> = owners
        .iter()
        .map(|(name, id)| (format!("{name}@example.org"), id.clone()))
        .collect();
    for (start, wanted) in [("1#USERNAME#e", owners), ("1#EMAIL#e", emails)] {
        let shards = by_prefix(&roster, start).await;
        let fullest = shards.iter().map(Vec::len).max();
        assert!(
            shards.iter().all(|shard| !shard.is_empty()) && fullest < Some(12),
            "{start}"
        );
        for shard in &shards {
            assert!(shard.is_sorted_by_key(|item| text(item, "canonical").to_owned()));
        }
        assert_eq!(owned(shards), wanted.into_iter().collect::<Vec<_>>());
    }
    let phones = owned(by_prefix(&roster, "1#PHONE#+44").await);
    assert_eq!(phones.len(), 1);
}

#[apply(on_both_stores)]
async fn groups_lie_beside_users_and_their_names_beside_usernames(roster: Roster) {
    roster.create(json!({ "username": "employees" })).await;
    let mut created = BTreeMap::new();
    for n in 0..24 {
        let name = format!("Employees of {n}");
        let path = roster.group_named(&name).await;
        created.insert(name.to_lowercase(), id(&path));
    }
    let shards = list(&roster, "by_creation", "list_shard", "1#GROUP").await;
    let listed: BTreeSet<_> = shards
        .iter()
        .flatten()
        .map(|item| text(item, "PK").to_owned())
        .collect();
    let wanted: BTreeSet<_> = created.values().map(|id| format!("GROUP#{id}")).collect();
    assert_eq!(listed, wanted);
    let users = list(&roster, "by_creation", "list_shard", "1").await;
    assert_eq!(users.iter().flatten().count(), 1);
    let names = owned(by_prefix(&roster, "1#GROUP_NAME#e").await);
    assert_eq!(names, created.into_iter().collect::<Vec<_>>());
    assert_eq!(owned(by_prefix(&roster, "1#USERNAME#e").await).len(), 1);
}

#[apply(on_both_stores)]
async fn a_table_of_another_layout_is_not_taken_for_the_templates(roster: Roster) {
    let present = Template::read(&root().join("template.yaml"), &[])
        .unwrap()
        .table;
    let made = database::prepare(roster.dynamodb(), roster.settings(), &present)
        .await
        .unwrap();
    assert_eq!(made, Made::Before);

    let refusal = async |other: &Schema| {
        let refused = database::prepare(roster.dynamodb(), roster.settings(), other).await;
        refused.unwrap_err().to_string()
    };
    let mut other = present.clone();
    let shard = other
        .attributes
        .iter_mut()
        .find(|(name, _)| name == "list_shard");
    "N".clone_into(&mut shard.unwrap().1);
    other.indexes.retain(|index| index.name != "by_domain");
    other.attributes.retain(|(name, _)| name != "domain");
    let line = refusal(&other).await;
    assert!(
        line.contains("another layout (by_creation, by_domain): use another --table"),
        "{line}"
    );

    let mut other = present.clone();
    let mut indexes = other.indexes.iter_mut();
    let by_prefix = indexes.find(|index| index.name == "by_prefix").unwrap();
    by_prefix.attributes.clear();
    "KEYS_ONLY".clone_into(&mut by_prefix.projection);
    let line = refusal(&other).await;
    assert!(line.contains("(by_prefix)"), "{line}");
}
