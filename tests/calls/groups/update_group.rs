use std::time::Duration;

use serde_json::{Value, json};

use super::{UNKNOWN, messages};
use crate::harness::{Answer, Fault, NOW, Roster};

async fn change(roster: &Roster, path: &str, body: Value) -> Answer {
    roster.send_json("PATCH", path, body).await
}

#[tokio::test]
async fn only_the_members_that_are_named_change() {
    let roster = Roster::start().await;
    let body = json!({ "name": "Staff", "description": "All of us" });
    let path = roster.create_group(body).await;
    roster.write_counter(&path, 0, 3, 1_700_000_007).await;
    let before = roster.send("GET", &path).await.body;
    let later = roster.later(Duration::from_secs(5)).await;
    for (body, member, value) in [
        (json!({ "name": "Team" }), "name", json!("Team")),
        (
            json!({ "description": "Others" }),
            "description",
            json!("Others"),
        ),
        (json!({ "description": null }), "description", Value::Null),
        (
            json!({ "is_auto_assigned": true }),
            "is_auto_assigned",
            json!(true),
        ),
    ] {
        let before = roster.send("GET", &path).await;
        let answer = change(&later, &path, body).await.expect(200);
        let mut wanted = before.body.clone();
        wanted[member] = value;
        wanted["last_updated"] = NOW.plus(Duration::from_secs(5)).as_unix().into();
        assert_eq!(answer.body, wanted);
        assert_eq!(answer.version(), before.version() + 1);
        assert_eq!(roster.send("GET", &path).await.body, wanted);
        roster.table.check_invariants().await;
    }
    assert_eq!(before["users_assigned"], 3);
}

#[tokio::test]
async fn what_changes_nothing_moves_nothing() {
    let roster = Roster::start().await;
    let body = json!({ "name": "Staff", "description": "All of us" });
    let path = roster.create_group(body.clone()).await;
    let before = roster.send("GET", &path).await;
    let later = roster.later(Duration::from_secs(5)).await;
    for same in [body, json!({}), json!({ "is_auto_assigned": false })] {
        let answer = change(&later, &path, same).await.expect(200);
        assert_eq!(answer.body, before.body);
        assert_eq!(answer.version(), before.version());
    }
}

#[tokio::test]
async fn a_name_that_another_group_has_is_refused_and_ones_own_in_another_case_is_not() {
    let roster = Roster::start().await;
    let staff = roster.group_named("Staff").await;
    roster.group_named("Customers").await;
    let answer = change(&roster, &staff, json!({ "name": "CUSTOMERS" })).await;
    let answer = answer.expect(422);
    let message = json!(["is the name of another group"]);
    assert_eq!(messages(&answer, "name"), message);
    let answer = change(&roster, &staff, json!({ "name": "STAFF" })).await;
    assert_eq!(answer.expect(200).body["name"], "STAFF");
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn the_old_name_is_free_for_others() {
    let roster = Roster::start().await;
    let path = roster.group_named("Staff").await;
    change(&roster, &path, json!({ "name": "Team" }))
        .await
        .expect(200);
    roster.group_named("staff").await;
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn neither_the_name_nor_the_automatic_assignment_can_be_removed() {
    let roster = Roster::start().await;
    let path = roster.group_named("Staff").await;
    for (body, member, message) in [
        (json!({ "name": null }), "name", "must be a string"),
        (
            json!({ "name": "" }),
            "name",
            "must have 1 to 64 characters",
        ),
        (
            json!({ "is_auto_assigned": null }),
            "is_auto_assigned",
            "must be a boolean",
        ),
        (
            json!({ "description": "a\u{7}" }),
            "description",
            "must not contain control characters but line breaks",
        ),
    ] {
        let answer = change(&roster, &path, body).await.expect(422);
        assert_eq!(messages(&answer, member), json!([message]));
    }
}

#[tokio::test]
async fn the_twenty_first_automatically_assigned_group_is_refused() {
    let roster = Roster::start().await;
    for n in 0..20 {
        let body = json!({ "name": format!("group {n}"), "is_auto_assigned": true });
        roster.create_group(body).await;
    }
    let path = roster.group_named("Staff").await;
    let body = json!({ "name": "Team", "is_auto_assigned": true });
    let answer = change(&roster, &path, body.clone()).await.expect(422);
    assert!(messages(&answer, "is_auto_assigned").is_array());
    assert_eq!(roster.send("GET", &path).await.body["name"], "Staff");
    let listed = roster.send("GET", "/api/groups?filter=group 0").await;
    let id = listed.body[0]["group_id"].as_str().unwrap();
    let off = json!({ "is_auto_assigned": false });
    change(&roster, &format!("/api/groups/{id}"), off)
        .await
        .expect(200);
    change(&roster, &path, body).await.expect(200);
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn a_named_repeat_changes_nothing_more_also_after_other_changes() {
    let roster = Roster::start().await;
    let path = roster.group_named("Staff").await;
    let named = |key: &'static str, body: Value| {
        let call = roster.request("PATCH", &path).json(body);
        call.header("idempotency-key", key).send()
    };
    let unchanged = json!({ "name": "Staff" });
    named("a", unchanged.clone()).await.expect(200);
    named("b", json!({ "name": "Team" })).await.expect(200);
    let now = change(&roster, &path, json!({ "name": "Crew" })).await;
    let now = now.expect(200);
    // The first changed nothing, and the second something: neither does anything now.
    for (key, body) in [("a", unchanged), ("b", json!({ "name": "Team" }))] {
        let again = named(key, body).await.expect(200);
        assert_eq!(again.body, now.body);
        assert_eq!(again.version(), now.version());
    }
}

#[tokio::test]
async fn a_lost_reply_is_not_taken_for_another_ones_change() {
    let roster = Roster::start().await;
    let path = roster.group_named("Staff").await;
    for (body, version) in [
        (json!({ "description": "All of us" }), 2),
        (json!({ "name": "Team" }), 3),
    ] {
        roster.faults.plan(1, 1, Fault::DropReply);
        let answer = change(&roster, &path, body).await.expect(200);
        roster.faults.clear();
        assert_eq!(answer.version(), version);
    }
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn an_unknown_group_is_not_found() {
    let roster = Roster::start().await;
    let answer = change(&roster, UNKNOWN, json!({ "name": "Staff" })).await;
    let answer = answer.expect(404);
    assert_eq!(answer.body["detail"], "There is no such group.");
    assert!(roster.table.items().await.is_empty());
}
