//! `Idempotency-Key`: a repeat is recognised and answers success, also after other writes.

use domain::sample;
use futures_util::future::{join, join_all};
use macro_rules_attribute::apply;
use serde_json::{Value, json};

use crate::harness::{ADMIN, Answer, Fault, READ_ONLY, Roster};

async fn named(roster: &Roster, method: &str, path: &str, key: &str, body: Value) -> Answer {
    roster
        .request(method, path)
        .header("idempotency-key", key)
        .json(body)
        .send()
        .await
}

#[apply(on_both_stores)]
async fn a_repeated_create_answers_the_same_user(roster: Roster) {
    let body = json!({ "email": "grace@example.org", "password": "correct horse battery" });
    let first = named(&roster, "POST", "/api/users", "k", body.clone())
        .await
        .expect(201);
    let again = named(&roster, "POST", "/api/users/", "k", body.clone())
        .await
        .expect(201);
    assert_eq!(again.body, first.body);
    assert_eq!(again.header("location"), first.header("location"));

    let path = format!("/api/users/{}", first.body["user_id"].as_str().unwrap());
    roster
        .send("POST", &format!("{path}/disable"))
        .await
        .expect(200);
    let late = named(&roster, "POST", "/api/users", "k", body.clone())
        .await
        .expect(201);
    assert_eq!((&late.body["disabled"], late.version()), (&json!(true), 2));

    let other = named(&roster, "POST", "/api/users", "other", body)
        .await
        .expect(422);
    assert_eq!(other.codes(), ["DuplicateEmail"]);
    roster.table.check_invariants().await;
}

#[apply(on_both_stores)]
async fn another_body_under_the_same_key_is_another_operation(roster: Roster) {
    named(
        &roster,
        "POST",
        "/api/users",
        "k",
        json!({ "username": "a" }),
    )
    .await
    .expect(201);
    named(
        &roster,
        "POST",
        "/api/users",
        "k",
        json!({ "username": "b" }),
    )
    .await
    .expect(201);
    let refused = named(
        &roster,
        "POST",
        "/api/users",
        "k",
        json!({ "username": "B" }),
    )
    .await;
    assert_eq!(refused.expect(422).codes(), ["DuplicateUserName"]);
}

#[apply(on_both_stores)]
async fn a_late_repeat_does_not_undo_what_came_after_it(roster: Roster) {
    let path = roster.write(&sample::published()).await;
    let (enable, disable) = (format!("{path}/enable"), format!("{path}/disable"));
    named(&roster, "POST", &enable, "k", json!({}))
        .await
        .expect(200);
    roster.send("POST", &disable).await.expect(200);
    let late = named(&roster, "POST", &enable, "k", json!({}))
        .await
        .expect(200);
    assert_eq!((&late.body["disabled"], late.version()), (&json!(true), 3));
}

#[apply(on_both_stores)]
async fn a_repeat_of_a_removal_answers_success(roster: Roster) {
    let path = roster.write(&sample::published()).await;
    let username = format!("{path}/username");
    let first = named(&roster, "DELETE", &username, "k", json!({}))
        .await
        .expect(200);
    let again = named(&roster, "DELETE", &username, "k", json!({}))
        .await
        .expect(200);
    assert_eq!(again.body, first.body);
    named(&roster, "DELETE", &username, "other", json!({}))
        .await
        .expect(404);
}

#[apply(on_both_stores)]
async fn a_repeat_of_an_addition_answers_success(roster: Roster) {
    let path = roster.create(json!({ "username": "grace" })).await;
    let (emails, body) = (
        format!("{path}/emails"),
        json!({ "email": "g@example.org" }),
    );
    let first = named(&roster, "POST", &emails, "k", body.clone())
        .await
        .expect(200);
    roster
        .send("POST", &format!("{path}/disable"))
        .await
        .expect(200);
    let again = named(&roster, "POST", &emails, "k", body.clone())
        .await
        .expect(200);
    assert_eq!(again.body["emails"], first.body["emails"]);
    let refused = named(&roster, "POST", &emails, "other", body)
        .await
        .expect(422);
    assert_eq!(refused.codes(), ["DuplicateEmail"]);
}

#[apply(on_both_stores)]
async fn a_repeat_of_a_deletion_answers_success(roster: Roster) {
    let path = roster.create(json!({ "username": "grace" })).await;
    named(&roster, "DELETE", &path, "k", json!({}))
        .await
        .expect(204);
    named(&roster, "DELETE", &path, "k", json!({}))
        .await
        .expect(204);
    named(&roster, "DELETE", &path, "other", json!({}))
        .await
        .expect(404);
    roster.send("DELETE", &path).await.expect(404);
}

#[apply(on_both_stores)]
async fn a_repeat_succeeds_though_its_own_write_moved_the_version(roster: Roster) {
    let path = roster.create(json!({ "username": "grace" })).await;
    for _ in 0..2 {
        let call = roster.request("POST", &format!("{path}/disable"));
        let answer = call
            .header("idempotency-key", "k")
            .header("if-match", "\"1\"")
            .send();
        assert_eq!(answer.await.expect(200).version(), 2);
    }
}

#[apply(on_both_stores)]
async fn the_last_eight_writes_are_remembered(roster: Roster) {
    let path = roster.create(json!({ "username": "grace" })).await;
    named(&roster, "POST", &format!("{path}/disable"), "k", json!({}))
        .await
        .expect(200);
    for call in [
        "enable", "disable", "enable", "disable", "enable", "disable", "enable",
    ] {
        roster
            .send("POST", &format!("{path}/{call}"))
            .await
            .expect(200);
    }
    let late = named(&roster, "POST", &format!("{path}/disable"), "k", json!({})).await;
    assert_eq!(late.expect(200).version(), 9);
}

#[apply(on_both_stores)]
async fn a_late_repeat_of_what_changed_nothing_changes_nothing_either(roster: Roster) {
    let path = roster
        .create(json!({
            "username": "grace", "email": "grace@example.org", "email_verified": true,
        }))
        .await;
    let body = json!({ "email": "hopper@example.org", "is_verified": true });
    let user = roster
        .send_json("POST", &format!("{path}/emails"), body)
        .await
        .expect(200)
        .body;
    let of = |primary| {
        let emails = user["emails"].as_array().unwrap();
        let email = emails
            .iter()
            .find(|email| email["primary"] == primary)
            .unwrap();
        format!("{path}/emails/{}", email["id"].as_str().unwrap())
    };
    let (first, other) = (of(true), of(false));
    let none = || json!({});
    let name = |name: &str| json!({ "username": name });
    // Requests that change nothing, and the request that comes between each and its repeat.
    for (n, (method, call, body, between)) in [
        (
            "POST",
            format!("{path}/enable"),
            none(),
            ("POST", format!("{path}/disable"), none()),
        ),
        (
            "POST",
            format!("{path}/disable"),
            none(),
            ("POST", format!("{path}/enable"), none()),
        ),
        (
            "PUT",
            format!("{path}/username"),
            name("grace"),
            ("PUT", format!("{path}/username"), name("hopper")),
        ),
        (
            "POST",
            format!("{first}/primary"),
            none(),
            ("POST", format!("{other}/primary"), none()),
        ),
        (
            "POST",
            format!("{first}/verify"),
            none(),
            ("POST", format!("{first}/unverify"), none()),
        ),
        (
            "POST",
            format!("{first}/unverify"),
            none(),
            ("POST", format!("{first}/verify"), none()),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let key = format!("k{n}");
        let before = roster.send("GET", &path).await.expect(200);
        roster.faults.clear();
        let answer = named(&roster, method, &call, &key, body.clone())
            .await
            .expect(200);
        let sent: Vec<_> = roster
            .faults
            .clear()
            .into_iter()
            .map(|request| request.action)
            .collect();
        assert_eq!(sent[1..], ["UpdateItem"], "{call}");
        assert_eq!(
            (&answer.body, answer.version()),
            (&before.body, before.version()),
            "{call}"
        );

        let (method_between, call_between, body_between) = between;
        let changed = roster
            .send_json(method_between, &call_between, body_between)
            .await
            .expect(200);
        assert_eq!(changed.version(), before.version() + 1, "{call}");
        let late = named(&roster, method, &call, &key, body.clone())
            .await
            .expect(200);
        assert_eq!(
            (&late.body, late.version()),
            (&changed.body, changed.version()),
            "{call}"
        );
        roster.table.check_invariants().await;
    }
}

#[apply(on_both_stores)]
async fn what_changes_nothing_and_has_no_name_writes_nothing(roster: Roster) {
    let path = roster.create(json!({ "username": "grace" })).await;
    let before = roster.table.items().await;
    roster.faults.clear();
    roster
        .send("POST", &format!("{path}/enable"))
        .await
        .expect(200);
    let body = json!({ "username": "grace" });
    roster
        .send_json("PUT", &format!("{path}/username"), body)
        .await
        .expect(200);
    let sent: Vec<_> = roster
        .faults
        .clear()
        .into_iter()
        .map(|request| request.action)
        .collect();
    assert_eq!(sent, ["UpdateItem", "GetItem"]);
    assert_eq!(roster.table.items().await, before);
}

#[apply(on_both_stores)]
async fn a_repeat_of_what_changed_nothing_pushes_its_name_once(roster: Roster) {
    let path = roster.create(json!({ "username": "grace" })).await;
    named(&roster, "POST", &format!("{path}/enable"), "k", json!({}))
        .await
        .expect(200);
    let before = roster.table.items().await;
    for _ in 0..9 {
        named(&roster, "POST", &format!("{path}/enable"), "k", json!({}))
            .await
            .expect(200);
    }
    assert_eq!(roster.table.items().await, before);
}

#[apply(on_both_stores)]
async fn a_lost_reply_does_not_lose_the_name_of_what_changed_nothing(roster: Roster) {
    for (method, call, body, undone) in [
        ("POST", "enable", json!({}), ("POST", "disable", json!({}))),
        (
            "PUT",
            "username",
            json!({ "username": "grace" }),
            ("PUT", "username", json!({ "username": "hopper" })),
        ),
    ] {
        for (at, times) in [(0, 1), (1, 1), (1, usize::MAX)] {
            roster.table.clear().await;
            let path = roster.create(json!({ "username": "grace" })).await;
            let called = format!("{path}/{call}");
            let send = || named(&roster, method, &called, "k", body.clone());
            roster.faults.plan(at, times, Fault::DropReply);
            let answer = send().await;
            roster.faults.clear();
            assert_eq!(
                answer.status,
                if times == 1 { 200 } else { 503 },
                "{call} {at}"
            );
            let (method, call, body) = &undone;
            let call = format!("{path}/{call}");
            let changed = roster
                .send_json(method, &call, body.clone())
                .await
                .expect(200);
            assert_eq!(send().await.expect(200).body, changed.body, "{call} {at}");
        }
    }
}

#[apply(on_both_stores)]
async fn a_change_under_way_does_not_forget_what_changed_nothing_meanwhile(roster: Roster) {
    let path = roster.create(json!({ "username": "grace" })).await;
    let call = format!("{path}/enable");
    let enable = || named(&roster, "POST", &call, "k", json!({}));
    roster.faults.plan(1, 1, Fault::Pause);
    let body = json!({ "username": "hopper" });
    let username = format!("{path}/username");
    let change = roster.send_json("PUT", &username, body);
    let meanwhile = async {
        roster.faults.wait_for_a_held_request().await;
        let answer = enable().await;
        roster.faults.clear();
        answer
    };
    let (changed, enabled) = join(change, meanwhile).await;
    assert_eq!(enabled.expect(200).version(), 1);
    assert_eq!(changed.expect(200).version(), 2);
    let disabled = roster
        .send("POST", &format!("{path}/disable"))
        .await
        .expect(200);
    assert_eq!(enable().await.expect(200).body, disabled.body);
}

#[apply(on_both_stores)]
async fn what_would_have_changed_nothing_is_done_when_the_user_changes_first(roster: Roster) {
    let path = roster.create(json!({ "username": "grace" })).await;
    roster.faults.plan(1, 1, Fault::Pause);
    let call = format!("{path}/enable");
    let enable = named(&roster, "POST", &call, "k", json!({}));
    let disable = async {
        roster.faults.wait_for_a_held_request().await;
        let answer = roster.send("POST", &format!("{path}/disable")).await;
        roster.faults.clear();
        answer
    };
    let (enabled, disabled) = join(enable, disable).await;
    assert_eq!(disabled.expect(200).version(), 2);
    let enabled = enabled.expect(200);
    assert_eq!(
        (&enabled.body["disabled"], enabled.version()),
        (&json!(false), 3)
    );
}

#[apply(on_both_stores)]
async fn keys_of_different_callers_are_different(roster: Roster) {
    let path = roster.create(json!({ "username": "grace" })).await;
    named(&roster, "POST", &format!("{path}/disable"), "k", json!({}))
        .await
        .expect(200);
    let call = roster
        .request("POST", &format!("{path}/disable"))
        .key(Some(READ_ONLY));
    call.header("idempotency-key", "k")
        .json(json!({}))
        .send()
        .await
        .expect(403);
    let call = roster
        .request("POST", &format!("{path}/disable"))
        .key(Some(ADMIN));
    call.header("idempotency-key", "k")
        .json(json!({}))
        .send()
        .await
        .expect(200);
}

#[apply(on_both_stores)]
async fn a_malformed_key_is_refused(roster: Roster) {
    let before = roster.table.items().await;
    for key in ["", &*"k".repeat(256), "\u{e9}", "a\tb"] {
        let call = roster
            .request("POST", "/api/users")
            .json(json!({ "username": "grace" }));
        let answer = call.header("idempotency-key", key.as_bytes()).send().await;
        assert_eq!(answer.status, 400, "{key:?}: {answer:?}");
    }
    assert_eq!(roster.table.items().await, before);
    let longest = "k".repeat(255);
    named(
        &roster,
        "POST",
        "/api/users",
        &longest,
        json!({ "username": "grace" }),
    )
    .await
    .expect(201);
}

#[apply(on_both_stores)]
async fn a_late_repeat_of_a_create_does_not_bring_a_deleted_user_back(roster: Roster) {
    let body = json!({ "email": "grace@example.org" });
    let first = named(&roster, "POST", "/api/users", "k", body.clone())
        .await
        .expect(201);
    let path = first.header("location").unwrap().to_owned();
    roster.send("DELETE", &path).await.expect(204);
    let late = named(&roster, "POST", "/api/users", "k", body.clone())
        .await
        .expect(409);
    assert!(
        late.body["detail"]
            .as_str()
            .unwrap()
            .contains("deleted since"),
        "{late:?}"
    );
    roster.send("GET", &path).await.expect(404);
    named(&roster, "POST", "/api/users", "another", body)
        .await
        .expect(201);
    roster.table.check_invariants().await;
}

#[apply(on_both_stores)]
async fn a_late_repeat_of_a_deletion_spares_a_user_who_came_back(roster: Roster) {
    let path = roster.write(&sample::published()).await;
    named(&roster, "DELETE", &path, "k", json!({}))
        .await
        .expect(204);
    roster.write(&sample::published()).await;
    named(&roster, "DELETE", &path, "k", json!({}))
        .await
        .expect(204);
    let call = roster
        .request("DELETE", &path)
        .header("idempotency-key", "k");
    call.header("if-match", "\"7\"")
        .json(json!({}))
        .send()
        .await
        .expect(204);
    roster.send("GET", &path).await.expect(200);
}

#[apply(on_both_stores)]
async fn of_repeats_at_the_same_time_every_one_answers_success(roster: Roster) {
    for round in 0..10 {
        let body = json!({ "email": format!("grace{round}@example.org") });
        let create = || named(&roster, "POST", "/api/users", "k", body.clone());
        let created = join_all((0..8).map(|_| create())).await;
        let path = created[0].header("location").unwrap().to_owned();
        for answer in created {
            answer.expect(201);
        }
        let delete = || named(&roster, "DELETE", &path, "k", json!({}));
        for answer in join_all((0..8).map(|_| delete())).await {
            answer.expect(204);
        }
    }
}
