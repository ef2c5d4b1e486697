use serde_json::json;

use super::UNKNOWN;
use crate::harness::{Fault, NOW, Roster};

#[tokio::test]
async fn a_deleted_group_is_gone_and_orders_what_is_left_to_be_taken_apart() {
    let roster = Roster::start().await;
    let body = json!({ "name": "Staff", "is_auto_assigned": true });
    let path = roster.create_group(body).await;
    let answer = roster.send("DELETE", &path).await.expect(204);
    assert_eq!(answer.raw, "");
    roster.send("GET", &path).await.expect(404);
    let id = path.rsplit('/').next().unwrap();
    let items = roster.table.items().await;
    let order = &items[&(format!("GROUP#{id}"), "DELETION".to_owned())];
    let number = |name: &str| order[name].as_n().unwrap().clone();
    assert_eq!(number("started_at"), NOW.as_unix().to_string());
    assert_eq!(number("step"), "0");
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn its_name_is_free_for_others() {
    let roster = Roster::start().await;
    let path = roster.group_named("Staff").await;
    roster.send("DELETE", &path).await.expect(204);
    let other = roster.group_named("staff").await;
    assert_ne!(other, path);
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn its_users_are_in_it_no_more_at_once() {
    let roster = Roster::start().await;
    let group = roster.group_named("Staff").await;
    let user = roster.create(json!({ "username": "grace" })).await;
    let assigned = roster.assign(&user, &group).await;
    roster.send("DELETE", &group).await.expect(204);
    let answer = roster.send("GET", &format!("{user}/groups")).await;
    assert_eq!(answer.expect(200).body, json!([]));
    roster.send("GET", &assigned).await.expect(404);
}

#[tokio::test]
async fn the_second_time_it_is_not_found() {
    let roster = Roster::start().await;
    let path = roster.group_named("Staff").await;
    roster.send("DELETE", &path).await.expect(204);
    for path in [&*path, UNKNOWN] {
        let answer = roster.send("DELETE", path).await.expect(404);
        assert_eq!(answer.body["detail"], "There is no such group.");
    }
}

#[tokio::test]
async fn the_repeat_of_a_named_request_finds_that_it_is_done() {
    let roster = Roster::start().await;
    let path = roster.group_named("Staff").await;
    let delete = |name: &str| {
        let call = roster.request("DELETE", &path);
        call.header("idempotency-key", name).send()
    };
    delete("a").await.expect(204);
    delete("a").await.expect(204);
    delete("b").await.expect(404);
}

#[tokio::test]
async fn a_lost_reply_is_not_taken_for_a_group_that_was_not_there() {
    let roster = Roster::start().await;
    for at in [0, 1] {
        let path = roster.group_named("Staff").await;
        roster.faults.plan(at, 1, Fault::DropReply);
        roster.send("DELETE", &path).await.expect(204);
        roster.faults.clear();
    }
}
