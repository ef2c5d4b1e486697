use std::time::Duration;

use serde_json::{Value, json};

use super::messages;
use crate::harness::{Fault, NOW, READ_ONLY, Roster};

#[tokio::test]
async fn a_new_group_has_its_name_and_description_and_nobody_in_it() {
    let roster = Roster::start().await;
    let body = json!({ "name": " Gro\u{df}e Kunden ", "description": "Two\r\nlines" });
    let answer = roster.send_json("POST", "/api/groups", body).await;
    let answer = answer.expect(201);
    let id = answer.body["group_id"].as_str().unwrap();
    let wanted = json!({
        "group_id": id,
        "type": "custom",
        "name": "Gro\u{df}e Kunden",
        "description": "Two\r\nlines",
        "is_auto_assigned": false,
        "users_assigned": 0,
        "clients_assigned": 0,
        "creation_time": NOW.as_unix(),
        "last_updated": NOW.as_unix(),
        "last_assigned": NOW.as_unix(),
    });
    assert_eq!(answer.body, wanted);
    let path = format!("/api/groups/{id}");
    assert_eq!(answer.header("location"), Some(&*path));
    assert_eq!(answer.version(), 1);
    assert_eq!(roster.send("GET", &path).await.expect(200).body, wanted);
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn a_name_is_all_that_a_group_needs() {
    let roster = Roster::start().await;
    for absent in [
        json!({ "name": "a" }),
        json!({ "name": "b", "description": null, "is_auto_assigned": null, "unknown": 7 }),
    ] {
        let answer = roster.send_json("POST", "/api/groups", absent).await;
        let body = answer.expect(201).body;
        assert_eq!(body["description"], Value::Null);
        assert_eq!(body["is_auto_assigned"], false);
    }
}

#[tokio::test]
async fn what_is_no_group_is_refused_under_its_member() {
    let roster = Roster::start().await;
    let long = "a".repeat(65);
    for (body, member, message) in [
        (json!({}), "name", "is required"),
        (json!({ "name": null }), "name", "is required"),
        (json!({ "name": 7 }), "name", "must be a string"),
        (
            json!({ "name": "  " }),
            "name",
            "must have 1 to 64 characters",
        ),
        (
            json!({ "name": long }),
            "name",
            "must have 1 to 64 characters",
        ),
        (
            json!({ "name": "a\u{200b}b" }),
            "name",
            "must not contain control or invisible characters",
        ),
        (
            json!({ "name": "a", "description": "b".repeat(1001) }),
            "description",
            "must have at most 1000 characters",
        ),
        (
            json!({ "name": "a", "is_auto_assigned": "yes" }),
            "is_auto_assigned",
            "must be a boolean",
        ),
    ] {
        let answer = roster.send_json("POST", "/api/groups", body).await;
        let answer = answer.expect(422);
        assert_eq!(messages(&answer, member), json!([message]), "{answer:?}");
    }
    assert!(roster.table.items().await.is_empty());
}

#[tokio::test]
async fn a_name_belongs_to_one_group_in_whatever_case_and_width() {
    let roster = Roster::start().await;
    roster.group_named("Gro\u{df}e Kunden").await;
    for name in [
        "Gro\u{df}e Kunden",
        "GROSSE KUNDEN",
        "\u{ff47}rosse\u{3000}kunden",
    ] {
        let body = json!({ "name": name });
        let answer = roster.send_json("POST", "/api/groups", body).await;
        let answer = answer.expect(422);
        let message = json!(["is the name of another group"]);
        assert_eq!(messages(&answer, "name"), message);
    }
    roster.group_named("Gro\u{df}e Kundinnen").await;
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn at_most_twenty_groups_take_in_every_new_user() {
    let roster = Roster::start().await;
    let create = async |n: u32| {
        let body = json!({ "name": format!("group {n}"), "is_auto_assigned": true });
        roster.send_json("POST", "/api/groups", body).await
    };
    let mut last = String::new();
    for n in 0..20 {
        let answer = create(n).await.expect(201);
        assert_eq!(answer.body["is_auto_assigned"], true);
        answer.header("location").unwrap().clone_into(&mut last);
    }
    let refused = create(20).await.expect(422);
    assert!(messages(&refused, "is_auto_assigned").is_array());
    roster.table.check_invariants().await;
    // The name was not taken either, and another group makes room.
    roster.send("DELETE", &last).await.expect(204);
    create(20).await.expect(201);
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn a_named_repeat_answers_the_same_group_as_it_is_now() {
    let roster = Roster::start().await;
    let create = async |roster: &Roster, key: &str| {
        let call = roster.request("POST", "/api/groups");
        let call = call.json(json!({ "name": "Staff" }));
        call.header("idempotency-key", key).send().await
    };
    let first = create(&roster, "a").await.expect(201);
    let path = first.header("location").unwrap().to_owned();
    let renamed = json!({ "name": "Team" });
    roster.send_json("PATCH", &path, renamed).await.expect(200);
    roster.write_counter(&path, 0, 3, 7).await;
    let later = roster.later(Duration::from_hours(1)).await;
    let again = create(&later, "a").await.expect(201);
    assert_eq!(again.header("location"), Some(&*path));
    assert_eq!(again.body["name"], "Team");
    assert_eq!(again.body["users_assigned"], 3);
    assert_eq!(again.version(), 2);
    // Another request takes the name that is free again.
    let other = create(&roster, "b").await.expect(201);
    assert_ne!(other.header("location"), Some(&*path));
}

#[tokio::test]
async fn a_named_repeat_does_not_bring_a_deleted_group_back() {
    let roster = Roster::start().await;
    let create = || {
        let call = roster.request("POST", "/api/groups");
        let call = call.json(json!({ "name": "Staff", "is_auto_assigned": true }));
        call.header("idempotency-key", "a").send()
    };
    let first = create().await.expect(201);
    let path = first.header("location").unwrap();
    roster.send("DELETE", path).await.expect(204);
    create().await.expect(409);
    roster.send("GET", path).await.expect(404);
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn a_lost_reply_is_not_taken_for_a_name_that_another_group_has() {
    let roster = Roster::start().await;
    roster.faults.plan(0, 1, Fault::DropReply);
    roster.group_named("Staff").await;
    roster.faults.clear();
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn a_readers_key_creates_nothing() {
    let roster = Roster::start().await;
    let call = roster.request("POST", "/api/groups").key(Some(READ_ONLY));
    call.json(json!({ "name": "Staff" }))
        .send()
        .await
        .expect(403);
    assert!(roster.table.items().await.is_empty());
}
