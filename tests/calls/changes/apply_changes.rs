//! What `apply_changes` makes of the table's stream, beside the log, which
//! `tests/calls/events` looks at.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::sample::{self, PERSON};
use futures_util::future::join_all;
use macro_rules_attribute::apply;
use serde_json::{Value, json};

use store::{Applying, ItemChange, USER_SORT_KEY};
use tokio::time::Instant;

use crate::harness::{Fault, NOW, Roster};

/// The number of users, as the counters have it.
async fn counted(roster: &Roster) -> i64 {
    let items = roster.table.items().await.into_iter();
    let counters = items.filter(|((partition, _), _)| partition == "COUNTER#users");
    counters
        .map(|(_, counter)| counter["count"].as_n().unwrap().parse::<i64>().unwrap())
        .sum()
}

async fn create(roster: &Roster, names: std::ops::Range<u32>) -> Vec<String> {
    let users = names.map(|n| roster.create(json!({ "username": format!("user{n}") })));
    join_all(users).await
}

#[apply(on_both_stores)]
async fn the_number_of_users_is_right_however_often_the_stream_brings_a_change(roster: Roster) {
    let users = create(&roster, 0..7).await;
    roster.deliver().await;
    assert_eq!(counted(&roster).await, 7);
    roster.deliver_again().await;
    assert_eq!(counted(&roster).await, 7);
    // Some of a batch are known, and some are not.
    create(&roster, 7..9).await;
    roster.send("DELETE", &users[0]).await.expect(204);
    roster
        .send("POST", &format!("{}/disable", users[1]))
        .await
        .expect(200);
    roster.deliver_again().await;
    roster.deliver().await;
    assert_eq!(counted(&roster).await, 8);
}

#[apply(on_both_stores)]
async fn a_fault_at_any_request_loses_nothing_and_counts_nothing_twice(roster: Roster) {
    for at in 0..3 {
        let users = create(&roster, at * 2..at * 2 + 2).await;
        roster.send("DELETE", &users[0]).await.expect(204);
        roster.faults.clear();
        roster.faults.plan(at as usize, 4, Fault::DropReply);
        roster.deliver_once().await;
        roster.faults.clear();
        roster.deliver().await;
        assert_eq!(counted(&roster).await, i64::from(at) + 1, "at request {at}");
    }
}

#[apply(on_both_stores)]
async fn batches_that_overlap_count_each_user_once(roster: Roster) {
    create(&roster, 0..5).await;
    let items = roster.table.items().await.into_iter();
    let users: Vec<_> = items
        .filter(|((_, sort), _)| sort == USER_SORT_KEY)
        .map(|((partition, sort), item)| ItemChange {
            id: partition.clone(),
            partition,
            sort,
            old: None,
            new: Some(item),
            at: NOW,
        })
        .collect();
    let changes = &roster.app().changes;
    let applying = Applying {
        kept_for: Duration::from_hours(48),
        now: NOW,
        deadline: Instant::now() + Duration::from_secs(10),
    };
    // As Lambda does: a batch, its second half, the first half with the next record, all of it.
    for some in [&users[0..4], &users[2..4], &users[0..3], &users[..]] {
        let applied = changes.apply(some, &applying).await;
        assert!(applied.fault.is_none(), "{applied:?}");
        assert_eq!(applied.done, some.len());
    }
    assert_eq!(counted(&roster).await, 5);
}

#[apply(on_both_stores)]
async fn its_own_writes_do_not_come_back_to_it(roster: Roster) {
    let users = create(&roster, 0..2).await;
    assert_eq!(roster.deliver_once().await, 2);
    assert_eq!(roster.deliver_once().await, 0);
    roster.send("DELETE", &users[0]).await.expect(204);
    // The user alone: neither the reservation nor who deleted it.
    assert_eq!(roster.deliver_once().await, 1);
    assert_eq!(roster.deliver_once().await, 0);
}

/// Whether an attribute holds a text, in any of its parts.
fn mentions(item: &AttributeValue, text: &str) -> bool {
    match item {
        AttributeValue::S(own) => own.to_lowercase().contains(text),
        AttributeValue::M(map) => map
            .iter()
            .any(|(name, value)| name.contains(text) || mentions(value, text)),
        AttributeValue::L(list) => list.iter().any(|value| mentions(value, text)),
        AttributeValue::Ss(set) => set.iter().any(|own| own.to_lowercase().contains(text)),
        _ => false,
    }
}

#[apply(on_both_stores)]
async fn a_deleted_user_leaves_no_identifier_no_name_and_no_address_behind(roster: Roster) {
    let ada = roster.ada().await;
    ada.add_email("countess@example.com").await.expect(200);
    ada.change_email("lovelace@example.net", sample::PASSWORD)
        .await
        .expect(200);
    roster.login("ada", "not the password").await.expect(401);
    let user = roster.read_ada().await;
    let mut secrets = vec![
        "ada.byron",
        "ada lovelace",
        "countess",
        "lovelace@",
        "example.org",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect::<Vec<_>>();
    secrets.extend(
        user.phones()
            .values()
            .map(|phone| phone.as_str().to_owned()),
    );
    let before = roster.table.items().await;
    let held = |secret: &String| {
        before
            .values()
            .flat_map(|item| item.values())
            .any(|value| mentions(value, secret))
    };
    assert!(secrets.iter().any(held));

    roster
        .send("DELETE", &format!("/api/users/{PERSON}"))
        .await
        .expect(204);
    roster.deliver().await;
    for (key, item) in roster.table.items().await {
        for (name, value) in &item {
            for secret in &secrets {
                assert!(!mentions(value, secret), "{key:?} {name}: {secret}");
            }
        }
        let (partition, sort) = &key;
        let is_log = sort.starts_with("EVENT#") || sort.starts_with("DELETION#");
        assert!(partition != &format!("USER#{PERSON}") || is_log, "{key:?}");
    }
}

#[apply(on_both_stores)]
async fn the_children_of_a_later_user_with_the_same_id_stay(roster: Roster) {
    let ada = roster.ada().await;
    let path = format!("/api/users/{PERSON}");
    let old = sessions(&roster).await;
    roster.send("DELETE", &path).await.expect(204);
    // Another user gets the id before the stream tells of the deletion.
    let later = roster.later(Duration::from_hours(1)).await;
    let again = later.now;
    let user = sample::changed(sample::person().user, |facts| {
        facts.session_epoch = domain::Epoch::first(again);
        facts.email_generation = domain::Generation::first(again);
    });
    later.write(&user).await;
    let new = later.sign_in("ada", sample::PASSWORD).await;
    later.deliver().await;
    let left = sessions(&roster).await;
    assert_eq!(left.len(), 1);
    assert!(old.iter().all(|old| !left.contains(old)));
    new.get("/users/email/").await.expect(200);
    ada.at(&later).get("/users/email/").await.expect(401);
    later.deliver_again().await;
    assert_eq!(sessions(&roster).await, left);
}

async fn sessions(roster: &Roster) -> Vec<String> {
    let items = roster.table.items().await.into_keys();
    let sessions = items.filter(|(_, sort)| sort.starts_with("SESSION#"));
    sessions.map(|(_, sort)| sort).collect()
}

/// A new group, by its path.
async fn group(roster: &Roster, body: Value) -> String {
    let made = roster
        .send_json("POST", "/api/groups", body)
        .await
        .expect(201);
    format!("/api/groups/{}", made.body["group_id"].as_str().unwrap())
}

/// Where a user's place in a group is.
fn place(user: &str, group: &str) -> String {
    format!("{user}/groups/{}", group.rsplit('/').next().unwrap())
}

/// How many users a group shows.
async fn assigned(roster: &Roster, group: &str) -> u64 {
    let shown = roster.send("GET", group).await.expect(200);
    shown.body["users_assigned"].as_u64().unwrap()
}

#[apply(on_both_stores)]
async fn the_users_of_a_group_are_counted_once_each(roster: Roster) {
    let users = create(&roster, 0..5).await;
    let editors = group(&roster, json!({ "name": "Editors" })).await;
    for user in &users {
        roster
            .send("POST", &place(user, &editors))
            .await
            .expect(201);
    }
    roster.deliver().await;
    assert_eq!(assigned(&roster, &editors).await, 5);
    let later = roster.later(Duration::from_mins(5)).await;
    later
        .send("DELETE", &place(&users[0], &editors))
        .await
        .expect(204);
    later
        .send("POST", &place(&users[0], &editors))
        .await
        .expect(201);
    later
        .send("DELETE", &place(&users[1], &editors))
        .await
        .expect(204);
    later.deliver().await;
    later.deliver_again().await;
    assert_eq!(assigned(&later, &editors).await, 4);
    let shown = later.send("GET", &editors).await.expect(200);
    assert_eq!(shown.body["last_assigned"], later.now.as_unix());

    // A deleted user is in it no more.
    later.send("DELETE", &users[2]).await.expect(204);
    later.deliver().await;
    later.deliver_again().await;
    assert_eq!(assigned(&later, &editors).await, 3);
    later.table.check_invariants().await;
}

#[apply(on_both_stores)]
async fn a_group_that_takes_in_every_new_user_takes_each_in_once(roster: Roster) {
    let before = create(&roster, 0..1).await;
    roster.deliver().await;
    let all = group(&roster, json!({ "name": "All", "is_auto_assigned": true })).await;
    let gone = group(&roster, json!({ "name": "Gone", "is_auto_assigned": true })).await;
    let users = create(&roster, 1..4).await;
    roster.send("DELETE", &gone).await.expect(204);
    roster.send("DELETE", &users[2]).await.expect(204);
    roster.deliver().await;
    assert_eq!(assigned(&roster, &all).await, 2);
    assert_eq!(counted(&roster).await, 3);
    for user in &users[..2] {
        roster.send("GET", &place(user, &all)).await.expect(200);
        let events = roster
            .send("GET", &format!("{user}/events"))
            .await
            .expect(200);
        let told = &events.body[1];
        let id = all.rsplit('/').next().unwrap();
        assert_eq!(told["by"], json!({ "kind": "system", "id": null }));
        assert_eq!(told["changed"], json!(["groups", id]));
    }
    roster
        .send("GET", &place(&before[0], &all))
        .await
        .expect(404);

    // Who was taken out stays out, though the stream tells of the creation again.
    roster
        .send("DELETE", &place(&users[0], &all))
        .await
        .expect(204);
    roster.deliver_again().await;
    roster
        .send("GET", &place(&users[0], &all))
        .await
        .expect(404);
    assert_eq!(assigned(&roster, &all).await, 1);
}

/// Puts users into a group past the calls, as many at once as the table takes.
async fn fill(roster: &Roster, group: &str, users: std::ops::Range<u32>) {
    let id = group.rsplit('/').next().unwrap();
    let text = |text: String| AttributeValue::S(text);
    for n in users {
        let (user, list_sort) = (format!("user{n}"), format!("{:012}#user{n}", NOW.as_unix()));
        let of_group = (
            format!("GROUP#{id}#{}", n % 8),
            format!("MEMBER#{list_sort}"),
        );
        let of_user = (format!("USER#{user}"), format!("GROUP#{id}"));
        for (partition, sort) in [of_group, of_user] {
            let item = [
                ("PK", text(partition)),
                ("SK", text(sort)),
                ("user_id", text(user.clone())),
                ("group_id", text(id.to_owned())),
                ("list_sort", text(list_sort.clone())),
                ("born", AttributeValue::N("1".to_owned())),
                (
                    "creation_time",
                    AttributeValue::N(NOW.as_unix().to_string()),
                ),
            ];
            let item = item.map(|(name, value)| (name.to_owned(), value));
            roster.table.put(item.into()).await;
        }
    }
}

async fn nothing_is_left_of_a_deleted_group_of(roster: &Roster, members: u32) {
    let big = group(roster, json!({ "name": "Big", "is_auto_assigned": true })).await;
    let other = group(roster, json!({ "name": "Other" })).await;
    fill(roster, &big, 0..members).await;
    fill(roster, &other, 0..1).await;
    roster.deliver().await;
    assert_eq!(assigned(roster, &big).await, u64::from(members));
    roster.send("DELETE", &big).await.expect(204);
    roster.deliver().await;
    let id = big.rsplit('/').next().unwrap();
    for (partition, sort) in roster.table.items().await.into_keys() {
        assert!(
            !partition.contains(id) && !sort.contains(id),
            "{partition} {sort}"
        );
    }
    assert_eq!(assigned(roster, &other).await, 1);
}

#[apply(on_both_stores)]
async fn nothing_is_left_of_a_deleted_group(roster: Roster) {
    nothing_is_left_of_a_deleted_group_of(&roster, 40).await;
}

#[tokio::test]
async fn nothing_is_left_of_a_deleted_group_of_ten_thousand() {
    let roster = Roster::start().await;
    nothing_is_left_of_a_deleted_group_of(&roster, 10_000).await;
}

#[apply(on_both_stores)]
async fn a_step_of_the_end_of_a_group_that_comes_again_does_nothing(roster: Roster) {
    let big = group(&roster, json!({ "name": "Big" })).await;
    fill(&roster, &big, 0..3).await;
    roster.send("DELETE", &big).await.expect(204);
    roster.deliver().await;
    let before = roster.table.items().await;
    roster.deliver_again().await;
    assert_eq!(roster.table.items().await, before);
}

#[apply(on_both_stores)]
async fn a_users_events_come_in_their_order_also_when_one_can_not_be_written(roster: Roster) {
    let path = roster.create(json!({ "username": "grace" })).await;
    roster.deliver().await;
    for call in ["disable", "enable", "disable"] {
        roster
            .send("POST", &format!("{path}/{call}"))
            .await
            .expect(200);
    }
    roster.send("DELETE", &path).await.expect(204);
    // Who deleted the user is read first; then the first event fails, and so do all after it.
    roster.faults.clear();
    roster.faults.plan(1, 4, Fault::InternalError);
    roster.deliver_once().await;
    roster.faults.clear();
    let told = roster
        .send("GET", &format!("{path}/events"))
        .await
        .expect(200);
    let revisions = told.each("revision");
    assert_eq!(revisions, (1..=revisions.len()).collect::<Vec<_>>());
    assert!(revisions.len() < 5, "{revisions:?}");
    roster.deliver().await;
    let told = roster
        .send("GET", &format!("{path}/events"))
        .await
        .expect(200);
    assert_eq!(told.each("revision"), [1, 2, 3, 4, 5]);
    assert_eq!(counted(&roster).await, 0);
}

#[apply(on_both_stores)]
async fn a_user_who_comes_again_is_in_no_group_of_the_former_one(roster: Roster) {
    let line = json!({
        "user_id": "grace", "creation_time": 1_640_975_400, "username": { "username": "grace" },
    });
    let all = group(&roster, json!({ "name": "All", "is_auto_assigned": true })).await;
    let staff = group(&roster, json!({ "name": "Staff" })).await;
    roster
        .send_json("POST", "/api/users/import", line.clone())
        .await
        .expect(200);
    roster.deliver().await;
    let path = "/api/users/grace";
    roster.send("POST", &place(path, &staff)).await.expect(201);
    roster.send("DELETE", path).await.expect(204);
    let later = roster.later(Duration::from_mins(1)).await;
    later
        .send_json("POST", "/api/users/import", line)
        .await
        .expect(200);
    // The stream has told of none of this yet.
    let id = staff.rsplit('/').next().unwrap();
    for query in ["", "?sort=name:1", "?filter=grace"] {
        let users = format!("/api/users/groups/{id}/assigned{query}");
        let listed = later.send("GET", &users).await.expect(200);
        assert_eq!(listed.body, json!([]), "{query}");
    }
    later.deliver().await;
    assert_eq!(assigned(&later, &staff).await, 0);
    assert_eq!(assigned(&later, &all).await, 1);
    later.send("GET", &place(path, &all)).await.expect(200);
    later.table.check_invariants().await;
}
