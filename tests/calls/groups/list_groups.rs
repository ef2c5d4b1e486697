use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::join_all;
use macro_rules_attribute::apply;
use serde_json::{Value, json};

use crate::harness::{READ_ONLY, Roster};

const SECOND: Duration = Duration::from_secs(1);

/// The names of the groups of a list.
async fn names(roster: &Roster, query: &str) -> Vec<Value> {
    let answer = roster.send("GET", &format!("/api/groups?{query}")).await;
    answer.expect(200).each("name")
}

#[apply(on_both_stores)]
async fn the_newest_group_comes_first_and_each_is_shown_whole(roster: Roster) {
    let first = roster.group_named("b").await;
    roster.later(SECOND).await.group_named("a").await;
    let last = roster.later(2 * SECOND).await.group_named("c").await;
    roster.write_counter(&last, 2, 5, 1_700_000_007).await;
    let call = roster.request("GET", "/api/groups").key(Some(READ_ONLY));
    let answer = call.send().await.expect(200);
    assert_eq!(answer.each("name"), ["c", "a", "b"]);
    assert_eq!(answer.body[0], roster.send("GET", &last).await.body);
    assert_eq!(answer.body[0]["users_assigned"], 5);
    assert_eq!(answer.body[2], roster.send("GET", &first).await.body);
    let pagination = json!({
        "page_size": 10, "current_page": 1, "total_count": 3,
        "has_previous": false, "has_next": false,
    });
    assert_eq!(answer.pagination(), pagination);
}

#[tokio::test]
async fn a_list_has_pages_and_every_order() {
    let roster = Roster::start().await;
    let b = roster.group_named("B").await;
    let second = roster.later(SECOND).await;
    let a = second.group_named("a").await;
    let c = roster.later(2 * SECOND).await.group_named("C").await;
    // Many users and few of late; none; some, and the last one.
    roster.write_counter(&b, 0, 9, 1_700_000_100).await;
    roster.write_counter(&c, 0, 5, 1_700_000_200).await;
    let later = roster.later(9 * SECOND).await;
    let changed = json!({ "description": "new" });
    later.send_json("PATCH", &a, changed).await.expect(200);
    for (field, order) in [
        ("name", ["a", "B", "C"]),
        ("creation_time", ["B", "a", "C"]),
        ("last_updated", ["B", "C", "a"]),
        ("users_assigned", ["a", "C", "B"]),
        ("last_assigned", ["a", "B", "C"]),
    ] {
        assert_eq!(names(&roster, &format!("sort={field}:1")).await, order);
        let mut reversed = order;
        reversed.reverse();
        assert_eq!(names(&roster, &format!("sort={field}:-1")).await, reversed);
        let page = format!("sort={field}:1&size=2&page=2");
        assert_eq!(names(&roster, &page).await, order[2..]);
    }
    for field in ["type", "clients_assigned"] {
        // All are alike in it: those that were created first come first.
        let listed = names(&roster, &format!("sort={field}:1")).await;
        assert_eq!(listed, ["B", "a", "C"]);
    }
    let page = roster.send("GET", "/api/groups?size=2").await;
    assert_eq!(page.pagination()["has_next"], true);
    assert_eq!(page.pagination()["total_count"], 3);
}

#[apply(on_both_stores)]
async fn a_filter_finds_the_start_of_a_name_in_whatever_case(roster: Roster) {
    for name in [
        "Staff of B\u{e4}r & Co",
        "staff",
        "Stra\u{df}e",
        "Customers",
        "\u{e4}rzte",
    ] {
        roster.group_named(name).await;
    }
    for (filter, found) in [
        ("s", vec!["Staff of B\u{e4}r & Co", "Stra\u{df}e", "staff"]),
        ("STAFF", vec!["Staff of B\u{e4}r & Co", "staff"]),
        ("staff%20", vec!["Staff of B\u{e4}r & Co"]),
        ("strass", vec!["Stra\u{df}e"]),
        ("%C3%84", vec!["\u{e4}rzte"]),
        ("taff", vec![]),
        ("x", vec![]),
    ] {
        let query = format!("filter={filter}&sort=name:1");
        let mut listed = names(&roster, &query).await;
        listed.sort_by_key(|name| name.as_str().unwrap().to_owned());
        assert_eq!(listed, found, "{filter}");
    }
    assert_eq!(names(&roster, "filter=").await.len(), 5);
}

#[tokio::test]
async fn a_filter_that_no_name_starts_with_is_told() {
    let roster = Roster::start().await;
    let long = "a".repeat(65);
    for filter in ["%00", &*long] {
        let path = format!("/api/groups?filter={filter}");
        let answer = roster.send("GET", &path).await.expect(400);
        let detail = "The query parameter filter must be the start of a group's name.";
        assert_eq!(answer.body["detail"], detail);
    }
}

#[apply(on_both_stores)]
async fn a_deleted_group_is_listed_no_more_and_a_renamed_one_under_its_new_name(roster: Roster) {
    let staff = roster.group_named("Staff").await;
    roster.group_named("Customers").await;
    let renamed = json!({ "name": "Team" });
    roster.send_json("PATCH", &staff, renamed).await.expect(200);
    assert_eq!(names(&roster, "sort=name:1").await, ["Customers", "Team"]);
    assert_eq!(names(&roster, "filter=s").await, [] as [Value; 0]);
    assert_eq!(names(&roster, "filter=t").await, ["Team"]);
    roster.send("DELETE", &staff).await.expect(204);
    assert_eq!(names(&roster, "").await, ["Customers"]);
    assert_eq!(names(&roster, "filter=t").await, [] as [Value; 0]);
}

#[tokio::test]
async fn neither_users_nor_memberships_are_groups() {
    let roster = Roster::start().await;
    let user = roster.create(json!({ "username": "staff" })).await;
    let group = roster.group_named("Customers").await;
    roster.assign(&user, &group).await;
    assert_eq!(names(&roster, "").await, ["Customers"]);
    assert_eq!(names(&roster, "filter=s").await, [] as [Value; 0]);
}

#[tokio::test]
async fn every_group_is_on_one_page_of_the_list() {
    let roster = Roster::start().await;
    let mut wanted: Vec<_> = (0..130).map(|n| format!("group {n:03}")).collect();
    for names in wanted.chunks(10) {
        join_all(names.iter().map(|name| roster.group_named(name))).await;
    }
    let mut listed = Vec::new();
    for page in 1..=2 {
        let query = format!("size=100&page={page}");
        for name in names(&roster, &query).await {
            listed.push(name.as_str().unwrap().to_owned());
        }
    }
    listed.sort();
    wanted.sort();
    assert_eq!(listed, wanted);
    let by_count = names(&roster, "sort=users_assigned:1&size=100&page=2").await;
    assert_eq!(by_count.len(), 30);
}

#[tokio::test]
async fn a_list_of_more_than_ten_thousand_groups_is_refused() {
    const MANY: usize = 10_000;
    let roster = Roster::start().await;
    let put = async |n: usize| {
        let id = format!("00000000-0000-4000-8000-{n:012}");
        let item = HashMap::from([
            ("PK", format!("GROUP#{id}")),
            ("SK", "GROUP".to_owned()),
            ("list_shard", format!("1#GROUP#{}", n % 8)),
            ("list_sort", format!("{n:012}#{id}")),
        ]);
        let item = item.into_iter();
        let item = item.map(|(name, text)| (name.to_owned(), AttributeValue::S(text)));
        roster.table.put(item.collect()).await;
    };
    for start in (0..=MANY).step_by(100) {
        join_all((start..(start + 100).min(MANY + 1)).map(put)).await;
    }
    let answer = roster.send("GET", "/api/groups").await.expect(400);
    let detail = answer.body["detail"].as_str().unwrap();
    assert!(
        detail.contains("10000") && detail.contains("filter"),
        "{detail}"
    );
    // A list of those with a name is another one.
    roster.group_named("Staff").await;
    assert_eq!(names(&roster, "filter=staff").await, ["Staff"]);
}
