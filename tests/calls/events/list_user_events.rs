//! `GET /api/users/{user_id}/events`.

use std::time::Duration;

use domain::sample::{PASSWORD, PERSON};
use macro_rules_attribute::apply;
use serde_json::{Value, json};

use crate::harness::{Answer, NOW, Roster};

/// The events of a user, after the consumers have run.
async fn events(roster: &Roster, path: &str) -> Vec<Value> {
    roster.deliver().await;
    let answer = roster.send("GET", &format!("{path}/events?size=100")).await;
    listed(answer)
}

fn listed(answer: Answer) -> Vec<Value> {
    let body = answer.expect(200).body;
    body.as_array().unwrap().clone()
}

fn calls(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["call"].as_str().unwrap())
        .collect()
}

#[apply(on_both_stores)]
async fn each_change_is_told_once_by_whom_and_without_a_value(roster: Roster) {
    let path = roster
        .create(
            json!({ "username": "grace", "email": "grace@example.org", "email_verified": true }),
        )
        .await;
    roster
        .send("POST", &format!("{path}/disable"))
        .await
        .expect(200);
    // What holds already is no change.
    roster
        .send("POST", &format!("{path}/disable"))
        .await
        .expect(200);
    let added = json!({ "email": "hopper@example.org" });
    let user = roster
        .send_json("POST", &format!("{path}/emails"), added)
        .await
        .expect(200)
        .body;
    let emails = user["emails"].as_array().unwrap();
    let added = emails
        .iter()
        .find(|email| email["primary"] == false)
        .unwrap();

    let told = events(&roster, &path).await;
    assert_eq!(calls(&told), ["create_user", "disable_user", "add_email"]);
    for (index, event) in told.iter().enumerate() {
        assert_eq!(event["revision"], index + 1);
        assert_eq!(event["by"]["kind"], "key");
        assert_eq!(event["user_id"], path.rsplit('/').next().unwrap());
        assert_eq!(event["deleted"], false);
    }
    assert_eq!(told[1]["changed"], json!(["disabled"]));
    assert_eq!(told[2]["changed"], json!(["emails", added["id"]]));
    let text = json!(told).to_string();
    assert!(!text.contains('@') && !text.contains("grace"), "{text}");

    // The stream brings everything once more.
    roster.deliver_again().await;
    assert_eq!(events(&roster, &path).await, told);
}

#[apply(on_both_stores)]
async fn a_page_starts_after_the_revision_that_was_read_last(roster: Roster) {
    let path = roster.create(json!({ "username": "grace" })).await;
    for call in ["disable", "enable", "disable"] {
        roster
            .send("POST", &format!("{path}/{call}"))
            .await
            .expect(200);
    }
    roster.deliver().await;
    let page = async |query: &str| {
        let answer = roster.send("GET", &format!("{path}/events?{query}")).await;
        let events = listed(answer);
        events
            .iter()
            .map(|event| event["revision"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(page("").await, [1, 2, 3, 4]);
    assert_eq!(page("size=3").await, [1, 2, 3]);
    assert_eq!(page("after=3&size=3").await, [4]);
    assert_eq!(page("after=4").await, [0; 0]);
    assert_eq!(page("after=18446744073709551615").await, [0; 0]);
    for query in ["after=-1", "after=x", "after=1.5", "size=0", "size=101"] {
        roster
            .send("GET", &format!("{path}/events?{query}"))
            .await
            .expect(400);
    }
}

#[apply(on_both_stores)]
async fn what_happened_is_still_told_after_the_deletion_and_then_begins_anew(roster: Roster) {
    roster.ada().await;
    let path = format!("/api/users/{PERSON}");
    roster
        .send("POST", &format!("{path}/disable"))
        .await
        .expect(200);
    roster.deliver().await;
    roster.send("DELETE", &path).await.expect(204);
    let told = events(&roster, &path).await;
    let last = told.last().unwrap();
    assert_eq!(last["call"], "delete_user");
    assert_eq!(last["by"]["kind"], "key");
    assert_eq!(
        (&last["deleted"], &last["changed"]),
        (&json!(true), &json!([]))
    );
    let revisions: Vec<_> = told
        .iter()
        .map(|event| event["revision"].as_u64().unwrap())
        .collect();
    assert!(
        revisions.windows(2).all(|pair| pair[0] + 1 == pair[1]),
        "{revisions:?}"
    );
    roster.deliver_again().await;
    assert_eq!(events(&roster, &path).await, told);
}

#[tokio::test]
async fn failed_sign_ins_are_not_told_and_people_are_told_by_their_own_id() {
    let roster = Roster::start().await;
    roster.write_ada().await;
    let path = format!("/api/users/{PERSON}");
    let before = events(&roster, &path).await.len();
    roster.login("ada", "not the password").await.expect(401);
    assert_eq!(events(&roster, &path).await.len(), before);
    roster.sign_in("ada", PASSWORD).await;
    let told = events(&roster, &path).await;
    let last = told.last().unwrap();
    assert_eq!(last["call"], "login");
    assert_eq!(last["by"], json!({ "kind": "user", "id": PERSON }));
}

#[tokio::test]
async fn the_end_of_a_session_is_told_though_the_profile_stays() {
    let roster = Roster::start().await;
    roster.ada().await;
    let path = format!("/api/users/{PERSON}");
    let session = listed(roster.send("GET", &format!("{path}/sessions")).await);
    let session = session[0]["session_id"].as_str().unwrap();
    let before = roster.send("GET", &path).await;
    let ended = roster
        .send("DELETE", &format!("{path}/sessions/{session}"))
        .await;
    ended.expect(204);
    assert_eq!(roster.send("GET", &path).await.body, before.body);
    let told = events(&roster, &path).await;
    let last = told.last().unwrap();
    assert_eq!(
        (&last["call"], &last["changed"]),
        (&json!("end_session"), &json!(["sessions", session]))
    );
}

#[tokio::test]
async fn what_lies_beside_the_profile_is_told_by_name_and_id() {
    let roster = Roster::start().await;
    roster.ada().await;
    let path = format!("/api/users/{PERSON}");
    let group = roster.create_group(json!({ "name": "Editors" })).await;
    let id = group.rsplit('/').next().unwrap();
    let place = format!("{path}/groups/{id}");
    roster.send("POST", &place).await.expect(201);
    roster.send("DELETE", &place).await.expect(204);
    roster.login("ada", "not the password").await.expect(401);
    let all = json!({ "ip_address": "all" });
    let unblock = format!("{path}/blocked_ips/unblock");
    roster.send_json("POST", &unblock, all).await.expect(200);
    let told = events(&roster, &path).await;
    let last: Vec<_> = told
        .iter()
        .rev()
        .take(3)
        .map(|event| (event["call"].clone(), event["changed"].clone()))
        .collect();
    let wanted = [
        (json!("unblock_ip"), json!(["blocked_ips"])),
        (json!("unassign_group"), json!(["groups", id])),
        (json!("assign_group"), json!(["groups", id])),
    ];
    assert_eq!(last, wanted);
}

#[tokio::test]
async fn imports_and_links_are_told_as_such() {
    let roster = Roster::start().await;
    let line = json!({ "user_id": "grace", "username": { "username": "grace" } });
    roster
        .send_json("POST", "/api/users/import", line)
        .await
        .expect(200);
    let told = events(&roster, "/api/users/grace").await;
    assert_eq!(calls(&told), ["import_users"]);
    assert_eq!(told[0]["by"]["kind"], "import");
    assert!(told[0]["by"]["id"].is_string());

    let ada = roster.ada().await;
    ada.add_email("countess@example.com").await.expect(200);
    roster.follow_link_to("countess@example.com").await;
    let told = events(&roster, &format!("/api/users/{PERSON}")).await;
    let last = told.last().unwrap();
    assert_eq!(last["call"], "verify_own_email");
    assert_eq!(last["by"], json!({ "kind": "link", "id": null }));
}

#[tokio::test]
async fn an_event_lapses_after_as_many_days_as_the_deployment_says() {
    for (days, parameters) in [(90, &[][..]), (7, &[("EventRetentionDays", "7")][..])] {
        let roster = Roster::with_parameters(parameters).await;
        roster.create(json!({ "username": "grace" })).await;
        roster.deliver().await;
        let items = roster.table.items().await;
        let (_, event) = items
            .iter()
            .find(|((_, sort), _)| sort.starts_with("EVENT#"))
            .unwrap();
        let lapses = NOW.plus(Duration::from_hours(24 * days)).as_unix();
        assert_eq!(event["expires_at"].as_n().unwrap(), &lapses.to_string());
    }
}
