use domain::sample;
use serde_json::json;

use crate::harness::Roster;

#[tokio::test]
async fn a_new_username_frees_the_old_one() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    let body = json!({ "username": "Hopper" });
    let answer = roster
        .send_json("PUT", &format!("{path}/username"), body)
        .await
        .expect(200);
    assert_eq!(answer.body["username"]["username"], "Hopper");
    assert_eq!(answer.body["username"]["source"], "api");
    roster.create(json!({ "username": "GRACE" })).await;
    let refused = roster
        .send_json("POST", "/api/users", json!({ "username": "hopper" }))
        .await;
    assert_eq!(refused.expect(422).codes(), ["DuplicateUserName"]);
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn a_user_without_username_gets_one() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "email": "grace@example.org" })).await;
    let body = json!({ "username": "grace" });
    roster
        .send_json("PUT", &format!("{path}/username"), body)
        .await
        .expect(200);
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn a_username_of_another_user_is_refused() {
    let roster = Roster::start().await;
    roster.write(&sample::published()).await;
    let path = roster.create(json!({ "username": "grace" })).await;
    let before = roster.table.items().await;
    let body = json!({ "username": "USERNAME" });
    let answer = roster
        .send_json("PUT", &format!("{path}/username"), body)
        .await
        .expect(422);
    assert_eq!(answer.codes(), ["DuplicateUserName"]);
    assert_eq!(roster.table.items().await, before);
}

#[tokio::test]
async fn a_respelled_username_keeps_its_id() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    let before = roster.send("GET", &path).await.body;
    let body = json!({ "username": "Grace" });
    let answer = roster
        .send_json("PUT", &format!("{path}/username"), body.clone())
        .await;
    assert_eq!(answer.body["username"]["id"], before["username"]["id"]);
    assert_eq!(answer.body["username"]["username"], "Grace");
    let again = roster
        .send_json("PUT", &format!("{path}/username"), body)
        .await
        .expect(200);
    assert_eq!(again.version(), 2);
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn what_is_no_username_is_refused() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    let username = format!("{path}/username");
    for name in [
        "",
        "a b",
        "grace@example.org",
        "+441514960453",
        "4915112345678",
    ] {
        let answer = roster
            .send_json("PUT", &username, json!({ "username": name }))
            .await;
        assert_eq!(answer.expect(422).codes(), ["InvalidUserName"], "{name}");
    }
    for body in ["", "{}", r#"{"username":null}"#, r#"{"username":7}"#] {
        let answer = roster
            .request("PUT", &username)
            .body(body)
            .send()
            .await
            .expect(422);
        assert!(answer.body["errors"]["username"].is_array(), "{answer:?}");
    }
}
