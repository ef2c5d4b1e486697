use macro_rules_attribute::apply;
use serde_json::json;

use super::NOWHERE;
use crate::harness::{Fault, Roster};

#[apply(on_both_stores)]
async fn who_is_taken_out_is_in_the_group_no_more_and_in_the_others_still(roster: Roster) {
    let staff = roster.group_named("Staff").await;
    let customers = roster.group_named("Customers").await;
    let user = roster.create(json!({ "username": "grace" })).await;
    let before = roster.send("GET", &user).await;
    let place = roster.assign(&user, &staff).await;
    let other = roster.assign(&user, &customers).await;
    let answer = roster.send("DELETE", &place).await.expect(204);
    assert_eq!(answer.raw, "");
    roster.send("GET", &place).await.expect(404);
    roster.send("GET", &other).await.expect(200);
    let after = roster.send("GET", &user).await;
    assert_eq!(after.version(), before.version());
    roster.send("DELETE", &other).await.expect(204);
    let items = roster.table.items().await;
    let sort_keys: Vec<_> = items.keys().map(|(_, sort)| sort).collect();
    let is_left = sort_keys
        .iter()
        .any(|sort| sort.starts_with("MEMBER#") || sort.starts_with("GROUP#"));
    assert!(!is_left, "{sort_keys:?}");
}

#[tokio::test]
async fn what_is_not_there_is_told_apart() {
    let roster = Roster::start().await;
    let group = roster.group_named("Staff").await;
    let user = roster.create(json!({ "username": "grace" })).await;
    let places = [
        ("/api/users/nobody", &*group, "user"),
        (&*user, NOWHERE, "group"),
        (&*user, &*group, "user in this group"),
    ];
    roster.tells_what_is_missing("DELETE", places).await;
}

#[tokio::test]
async fn the_repeat_of_a_named_request_takes_out_no_one_who_was_assigned_since() {
    let roster = Roster::start().await;
    let group = roster.group_named("Staff").await;
    let user = roster.create(json!({ "username": "grace" })).await;
    let place = roster.assign(&user, &group).await;
    let unassign = |name: &'static str| {
        let call = roster.request("DELETE", &place);
        call.header("idempotency-key", name).send()
    };
    unassign("a").await.expect(204);
    unassign("a").await.expect(204);
    unassign("b").await.expect(404);
    roster.assign(&user, &group).await;
    unassign("a").await.expect(204);
    roster.send("GET", &place).await.expect(200);
    roster.send("DELETE", &user).await.expect(204);
    unassign("a").await.expect(204);
    unassign("c").await.expect(404);
}

#[tokio::test]
async fn a_lost_reply_is_not_taken_for_a_user_who_was_not_in_the_group() {
    let roster = Roster::start().await;
    let group = roster.group_named("Staff").await;
    let user = roster.create(json!({ "username": "grace" })).await;
    for at in [0, 1] {
        let place = roster.assign(&user, &group).await;
        roster.faults.plan(at, 1, Fault::DropReply);
        roster.send("DELETE", &place).await.expect(204);
        roster.faults.clear();
    }
}

#[tokio::test]
async fn a_precondition_is_about_the_user() {
    let roster = Roster::start().await;
    let group = roster.group_named("Staff").await;
    let user = roster.create(json!({ "username": "grace" })).await;
    let place = roster.assign(&user, &group).await;
    let unassign = |tag: &'static str| {
        let call = roster.request("DELETE", &place);
        call.header("if-match", tag).send()
    };
    unassign("\"2\"").await.expect(412);
    roster.send("GET", &place).await.expect(200);
    unassign("\"1\"").await.expect(204);
}
