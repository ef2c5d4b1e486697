use std::time::Duration;

use domain::{Timestamp, sample};
use futures_util::future::join;
use macro_rules_attribute::apply;
use serde_json::json;

use super::{NOWHERE, path};
use crate::harness::{Fault, NOW, READ_ONLY, Roster};

const SECOND: Duration = Duration::from_secs(1);

#[apply(on_both_stores)]
async fn a_user_is_assigned_and_stays_as_they_are(roster: Roster) {
    let group = roster.group_named("Staff").await;
    let user = roster.create(json!({ "username": "grace" })).await;
    let before = roster.send("GET", &user).await;
    let later = roster.later(SECOND).await;
    let path = path(&user, &group);
    let answer = later.send("POST", &path).await.expect(201);
    let wanted = json!({
        "group_id": group.rsplit('/').next().unwrap(),
        "user_id": user.rsplit('/').next().unwrap(),
        "creation_time": NOW.plus(SECOND).as_unix(),
        "group_name": "Staff",
    });
    assert_eq!(answer.body, wanted);
    assert_eq!(answer.header("location"), Some(&*path));
    assert_eq!(answer.header("etag"), before.header("etag"));
    assert_eq!(roster.send("GET", &path).await.expect(200).body, wanted);
    let after = roster.send("GET", &user).await;
    assert_eq!(after.body, before.body);
    assert_eq!(after.version(), before.version());
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn who_is_in_the_group_already_stays_in_it_since_then() {
    let roster = Roster::start().await;
    let group = roster.group_named("Staff").await;
    let user = roster.create(json!({ "username": "grace" })).await;
    let path = path(&user, &group);
    let first = roster.send("POST", &path).await.expect(201);
    let items = roster.table.items().await;
    let later = roster.later(SECOND).await;
    let again = later.send("POST", &path).await.expect(201);
    assert_eq!(again.body, first.body);
    assert_eq!(roster.table.items().await, items);
}

#[tokio::test]
async fn the_user_is_looked_for_first_and_then_the_group() {
    let roster = Roster::start().await;
    let group = roster.group_named("Staff").await;
    let user = roster.create(json!({ "username": "grace" })).await;
    let places = [
        ("/api/users/nobody", &*group, "user"),
        ("/api/users/nobody", NOWHERE, "user"),
        (&*user, NOWHERE, "group"),
    ];
    roster.tells_what_is_missing("POST", places).await;
    for (path, member) in [
        (path("/api/users/a.b", &group), "user_id"),
        (path(&user, "7"), "group_id"),
    ] {
        let answer = roster.send("POST", &path).await.expect(422);
        assert!(answer.body["errors"][member].is_array(), "{answer:?}");
    }
}

#[tokio::test]
async fn a_named_repeat_assigns_no_one_who_was_taken_out_since() {
    let roster = Roster::start().await;
    let group = roster.group_named("Staff").await;
    let user = roster.create(json!({ "username": "grace" })).await;
    let path = path(&user, &group);
    let assign = |name: &'static str| {
        let call = roster.request("POST", &path);
        call.header("idempotency-key", name).send()
    };
    let first = assign("a").await.expect(201);
    // This one changes nothing, and is remembered all the same.
    assign("b").await.expect(201);
    assert_eq!(assign("a").await.expect(201).body, first.body);
    roster.send("DELETE", &path).await.expect(204);
    for name in ["a", "b"] {
        assign(name).await.expect(409);
    }
    roster.send("GET", &path).await.expect(404);
    assign("c").await.expect(201);
    assert_eq!(assign("a").await.expect(201).body, first.body);
}

#[tokio::test]
async fn a_precondition_is_about_the_user() {
    let roster = Roster::start().await;
    let group = roster.group_named("Staff").await;
    let user = roster.create(json!({ "username": "grace" })).await;
    let path = path(&user, &group);
    let assign = |tag: &'static str| {
        let call = roster.request("POST", &path);
        call.header("if-match", tag).send()
    };
    assign("\"2\"").await.expect(412);
    roster.send("GET", &path).await.expect(404);
    assign("\"1\"").await.expect(201);
    // Also where nothing changes.
    assign("\"2\"").await.expect(412);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_moves_while_the_user_is_assigned_is_refused() {
    let roster = Roster::start().await;
    let group = roster.group_named("Staff").await;
    let user = roster.create(json!({ "username": "grace" })).await;
    let path = path(&user, &group);
    let assign = roster.request("POST", &path).header("if-match", "\"1\"");
    // Held between the look at the user and the transaction.
    roster.faults.plan(1, 1, Fault::Pause);
    let meanwhile = async {
        roster.faults.wait_for_a_held_request().await;
        let id = user.rsplit('/').next().unwrap();
        roster.edit(id, |user| user.disabled = true).await;
        roster.faults.clear();
    };
    let (answer, ()) = join(assign.send(), meanwhile).await;
    answer.expect(412);
    roster.send("GET", &path).await.expect(404);
}

#[tokio::test]
async fn what_is_left_of_a_deleted_user_is_not_taken_for_a_later_ones() {
    let roster = Roster::start().await;
    let group = roster.group_named("Staff").await;
    let user = sample::published();
    let user_path = roster.write(&user).await;
    let path = roster.assign(&user_path, &group).await;
    roster.send("DELETE", &user_path).await.expect(204);
    let again = sample::changed(user, |user| {
        user.creation_time = Timestamp::from_unix(1_640_975_401);
        user.born = user.born.next();
    });
    roster.write(&again).await;
    roster.send("GET", &path).await.expect(404);
    let listed = roster.send("GET", &format!("{user_path}/groups")).await;
    assert_eq!(listed.expect(200).body, json!([]));
    roster.send("DELETE", &path).await.expect(404);
    let later = roster.later(SECOND).await;
    let answer = later.send("POST", &path).await.expect(201);
    let wanted = NOW.plus(SECOND).as_unix();
    assert_eq!(answer.body["creation_time"], wanted);
    // Nothing of the earlier one's is left, on either side.
    roster.table.check_invariants().await;
    let items = roster.table.items().await;
    let sort_keys = items.keys().map(|(_, sort)| sort);
    assert_eq!(
        sort_keys.filter(|sort| sort.starts_with("MEMBER#")).count(),
        1
    );
}

#[tokio::test]
async fn a_readers_key_assigns_no_one() {
    let roster = Roster::start().await;
    let group = roster.group_named("Staff").await;
    let user = roster.create(json!({ "username": "grace" })).await;
    let path = path(&user, &group);
    let call = roster.request("POST", &path).key(Some(READ_ONLY));
    call.send().await.expect(403);
    roster.send("GET", &path).await.expect(404);
}
