//! Lists of users while others write, and lists that are longer than what is sorted in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::{join, join_all};
use macro_rules_attribute::apply;
use serde_json::{Value, json};
use store::Item;

use crate::harness::{Answer, Roster};

async fn list(roster: &Roster, query: &str) -> Answer {
    roster.send("GET", &format!("/api/users?{query}")).await
}

/// All ids, page by page.
async fn walk(roster: &Roster, query: &str) -> Vec<String> {
    walk_from(roster, query, None).await
}

/// The ids from a cursor on.
async fn walk_from(roster: &Roster, query: &str, cursor: Option<&str>) -> Vec<String> {
    let parameter = |cursor: &str| format!("&cursor={cursor}");
    let (mut walked, mut cursor) = (Vec::new(), cursor.map(parameter).unwrap_or_default());
    loop {
        let page = list(roster, &format!("{query}{cursor}")).await.expect(200);
        let ids = page.each("user_id").into_iter();
        walked.extend(ids.map(|id| id.as_str().unwrap().to_owned()));
        match page.header("x-next-cursor") {
            Some(next) => cursor = parameter(next),
            None => return walked,
        }
    }
}

fn id(path: &str) -> String {
    path.rsplit('/').next().unwrap().to_owned()
}

/// A user whom every filter of these tests finds.
fn body(name: &str) -> Value {
    json!({ "username": format!("user-{name}"), "email": format!("user-{name}@example.org") })
}

async fn create_disabled(roster: &Roster, name: &str) -> String {
    let path = roster.create(body(name)).await;
    let disable = format!("{path}/disable");
    roster.send("POST", &disable).await.expect(200);
    path
}

/// Users come, change and go, until the walks are over.
async fn come_and_go(roster: &Roster, writer: usize, is_over: &AtomicBool) {
    let mut number = 0;
    while !is_over.load(Ordering::Relaxed) {
        let name = format!("{writer}-{number}");
        let path = create_disabled(roster, &name).await;
        let added = json!({ "email": format!("user-also-{name}@example.org") });
        let emails = format!("{path}/emails");
        roster.send_json("POST", &emails, added).await.expect(200);
        roster.send("DELETE", &path).await.expect(204);
        number += 1;
    }
}

#[apply(on_both_stores)]
async fn a_walk_by_cursor_repeats_no_user_and_misses_none_who_was_there_throughout(roster: Roster) {
    const STAY: usize = 40;
    const WRITERS: usize = 2;
    let names = (0..STAY).map(|n| format!("stays-{n}"));
    let mut stay = BTreeSet::new();
    for name in names {
        stay.insert(id(&create_disabled(&roster, &name).await));
    }
    let is_over = AtomicBool::new(false);
    let walks = async {
        for filter in [
            "",
            "&filter=disabled:true",
            "&filter=domain:example.org",
            "&filter=user-",
            "&filter=username:user*%20AND%20disabled:true",
        ] {
            for direction in ["1", "-1"] {
                let query = format!("size=9&sort=creation_time:{direction}{filter}");
                let walked = walk(&roster, &query).await;
                let distinct: BTreeSet<_> = walked.iter().cloned().collect();
                assert_eq!(distinct.len(), walked.len(), "{query}: one came twice");
                assert!(stay.is_subset(&distinct), "{query}: one was missed");
                // All were created in the same second, so their ids say the order.
                let is_sorted = match direction {
                    "1" => walked.is_sorted(),
                    _ => walked.iter().rev().is_sorted(),
                };
                assert!(is_sorted, "{query}: {walked:?}");
            }
        }
        is_over.store(true, Ordering::Relaxed);
    };
    let writers = (0..WRITERS).map(|writer| come_and_go(&roster, writer, &is_over));
    join(walks, join_all(writers)).await;
    roster.table.check_invariants().await;
}

#[apply(on_both_stores)]
async fn the_number_of_all_users_is_the_sum_of_its_counters_or_what_a_page_proves(roster: Roster) {
    for name in ["a", "b", "c"] {
        roster.create(body(name)).await;
    }
    let total = async |query: &str| {
        let answer = list(&roster, query).await.expect(200);
        answer.pagination()["total_count"].clone()
    };
    assert_eq!(total("").await, 3);
    assert_eq!(total("size=1").await, 2);
    for (part, count) in [("0", 40), ("3", -2), ("7", 5)] {
        let item = [
            ("PK", AttributeValue::S("COUNTER#users".to_owned())),
            ("SK", AttributeValue::S(part.to_owned())),
            ("count", AttributeValue::N(count.to_string())),
        ];
        let item = item.map(|(name, value)| (name.to_owned(), value));
        roster.table.put(item.into()).await;
    }
    assert_eq!(total("").await, 43);
    assert_eq!(total("sort=name:1").await, 3);
    assert_eq!(total("filter=user").await, 3);
}

fn set(item: &mut Item, name: &str, value: impl ToString) {
    let value = AttributeValue::S(value.to_string());
    item.insert(name.to_owned(), value);
}

/// The item of the user's reservation or of the user.
fn item_of(items: &BTreeMap<(String, String), Item>, partition: &str) -> Item {
    let mut found = items.iter();
    let found = found.find(|((pk, _), _)| pk.starts_with(partition));
    found.unwrap().1.clone()
}

#[apply(on_both_stores)]
async fn what_an_index_has_not_forgotten_yet_is_not_listed(roster: Roster) {
    let path = create_disabled(&roster, "grace").await;
    let items = roster.table.items().await;
    // The entries of a user who is gone: an item that is in the index, and is no user.
    let mut gone = item_of(&items, "USER#");
    set(&mut gone, "PK", "USER#gone");
    set(&mut gone, "SK", "GONE");
    set(&mut gone, "list_sort", "001699999999#gone");
    set(&mut gone, "canonical", "Gone");
    // The entry of a creation time that the user does not have any more.
    let mut before = item_of(&items, "USER#");
    set(&mut before, "SK", "BEFORE");
    set(
        &mut before,
        "list_sort",
        format!("001699999999#{}", id(&path)),
    );
    before.remove("prefix");
    // A reservation that is not the user's any more, and one of a user who is gone.
    let mut freed = item_of(&items, "USERNAME#");
    set(&mut freed, "PK", "USERNAME#user-freed");
    set(&mut freed, "canonical", "user-freed");
    let mut orphan = item_of(&items, "EMAIL#");
    set(&mut orphan, "PK", "EMAIL#user-gone@example.org");
    set(&mut orphan, "canonical", "user-gone@example.org");
    set(&mut orphan, "owner", "gone");
    roster.table.put_all([gone, before, freed, orphan]).await;
    let grace = [Value::from(id(&path))];
    for query in [
        "",
        "size=1",
        "sort=name:1",
        "filter=disabled:true",
        "filter=user-",
        "filter=domain:example.org",
    ] {
        let answer = list(&roster, query).await.expect(200);
        assert_eq!(answer.each("user_id"), grace, "{query}");
    }
    for filter in [
        "username:user-freed",
        "username:user-f*",
        "email:user-gone*",
    ] {
        let answer = list(&roster, &format!("filter={filter}")).await.expect(200);
        assert_eq!(answer.body, json!([]), "{filter}");
    }
}

#[apply(on_both_stores)]
async fn no_text_is_too_long_or_too_odd_to_be_looked_for(roster: Roster) {
    let long = "a".repeat(3000);
    for field in ["", "email:", "username:", "user_id:"] {
        for end in ["", "*", "%00*", "%F0%9F%A6%80*"] {
            if field.is_empty() && end.ends_with('*') {
                continue;
            }
            let filter = format!("filter={field}{long}{end}");
            let answer = list(&roster, &filter).await.expect(200);
            assert_eq!(answer.body, json!([]), "{field} {end}");
        }
    }
}

/// Ten thousand and one users and their usernames, made of one user's items.
async fn crowd(roster: &Roster) -> Vec<String> {
    const CROWD: usize = 10_001;
    roster.create(json!({ "username": "user" })).await;
    let items = roster.table.items().await;
    let (user, name) = (item_of(&items, "USER#"), item_of(&items, "USERNAME#"));
    roster.table.clear().await;
    let (mut all, mut ids) = (Vec::new(), Vec::new());
    for n in 0..CROWD {
        let (id, username, shard) = (format!("u{n:05}"), format!("user{n:05}"), n % 8);
        let mut user = user.clone();
        set(&mut user, "PK", format!("USER#{id}"));
        set(&mut user, "list_shard", format!("1#{shard}"));
        set(&mut user, "disabled_shard", format!("1#{shard}"));
        set(&mut user, "list_sort", format!("001700000000#{id}"));
        set(&mut user, "prefix", format!("1#USER#u#{shard}"));
        set(&mut user, "canonical", &id);
        user.insert("disabled".to_owned(), AttributeValue::Bool(true));
        let AttributeValue::M(own) = user.get_mut("username").unwrap() else {
            panic!("a username is a map");
        };
        set(own, "shown", &username);
        let mut name = name.clone();
        set(&mut name, "PK", format!("USERNAME#{username}"));
        set(&mut name, "canonical", &username);
        set(&mut name, "owner", &id);
        set(&mut name, "prefix", format!("1#USERNAME#u#{shard}"));
        all.extend([user, name]);
        ids.push(id);
    }
    roster.table.put_all(all).await;
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_is_too_long_to_be_sorted_is_walked_or_told_what_scales() {
    let roster = Roster::start().await;
    let ids = crowd(&roster).await;
    for (query, parameter) in [
        ("sort=given_name:1", "sort"),
        ("filter=disabled:true&sort=name:-1", "sort"),
        ("filter=user&sort=name:1", "sort"),
        ("filter=user&sort=creation_time:1", "sort"),
        ("filter=user%20AND%20disabled:true", "filter"),
    ] {
        let answer = list(&roster, query).await.expect(400);
        let detail = answer.body["detail"].as_str().unwrap();
        let start = format!("The query parameter {parameter} must ");
        assert!(detail.starts_with(&start), "{query}: {detail}");
    }
    for filter in ["disabled:true", "user", "user_id:u*"] {
        let query = format!("filter={filter}&size=100");
        let page = list(&roster, &format!("{query}&page=99")).await.expect(200);
        let shown: Vec<_> = ids[9_800..9_900].iter().cloned().map(Value::from).collect();
        assert_eq!(page.each("user_id"), shown, "{filter}");
        assert_eq!(page.pagination()["total_count"], 10_000, "{filter}");
        let next = page.header("x-next-cursor");
        let rest = walk_from(&roster, &query, next).await;
        assert_eq!(rest, ids[9_900..], "{filter}");
    }
    // In the order of the names, a user comes once: with the e-mail address, before all usernames.
    let two_names = json!({ "username": "user00005x", "email": "user@example.org" });
    let path = roster.create(two_names).await;
    let first = list(&roster, "filter=user&size=7").await.expect(200);
    let mut wanted = vec![id(&path)];
    wanted.extend(ids[..6].iter().cloned());
    let wanted: Vec<_> = wanted.into_iter().map(Value::from).collect();
    assert_eq!(first.each("user_id"), wanted);
    let next = first.header("x-next-cursor").unwrap();
    let second = list(&roster, &format!("filter=user&size=7&cursor={next}")).await;
    let shown: Vec<_> = ids[6..13].iter().cloned().map(Value::from).collect();
    assert_eq!(second.expect(200).each("user_id"), shown);
    roster.send("DELETE", &path).await.expect(204);
    // One user fewer, and all can be sorted.
    let gone = format!("/api/users/{}", ids[0]);
    roster.send("DELETE", &gone).await.expect(204);
    let page = list(&roster, "sort=given_name:-1&page=100&size=100").await;
    let page = page.expect(200);
    assert_eq!(
        page.each("user_id").last(),
        Some(&ids[10_000].clone().into())
    );
    assert_eq!(page.pagination()["total_count"], 10_000);
    let sorted = list(&roster, "filter=user%20AND%20disabled:true&size=1").await;
    assert_eq!(sorted.expect(200).pagination()["total_count"], 10_000);
}
