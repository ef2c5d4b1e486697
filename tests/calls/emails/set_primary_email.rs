use domain::sample;
use insta::assert_json_snapshot;
use macro_rules_attribute::apply;
use serde_json::json;

use crate::harness::{Roster, UNKNOWN_ID};

const EMAIL: &str = "6cec8047-6149-4d9b-8d99-91c83c22a9dc";

#[apply(on_both_stores)]
async fn a_verified_address_becomes_primary(roster: Roster) {
    let path = roster.write(&sample::published()).await;
    let primary = format!("{path}/emails/{EMAIL}/primary");
    let answer = roster.send("POST", &primary).await.expect(200);
    assert_json_snapshot!("primary_email", answer.body);
    assert_eq!(answer.header("etag"), Some("\"2\""));
    assert_eq!(roster.send("GET", &path).await.body, answer.body);
    assert_eq!(
        roster
            .read(&path)
            .await
            .unwrap()
            .email_generation()
            .as_u64(),
        1
    );

    let before = roster.table.items().await;
    let again = roster.send("POST", &primary).await.expect(200);
    assert_eq!(again.body, answer.body);
    assert_eq!(roster.table.items().await, before);
    roster.table.check_invariants().await;
}

#[apply(on_both_stores)]
async fn the_other_address_is_primary_no_longer(roster: Roster) {
    let path = roster
        .create(json!({ "email": "a@x.example", "email_verified": true }))
        .await;
    let body = json!({ "email": "b@x.example", "is_verified": true });
    let answer = roster
        .send_json("POST", &format!("{path}/emails"), body)
        .await
        .expect(200);
    let emails = answer.body["emails"].as_array().unwrap();
    let other = emails.iter().find(|e| e["primary"] == false).unwrap();
    let id = other["id"].as_str().unwrap();
    let answer = roster
        .send("POST", &format!("{path}/emails/{id}/primary"))
        .await
        .expect(200);
    for email in answer.body["emails"].as_array().unwrap() {
        assert_eq!(email["primary"], email["email"] == "b@x.example");
    }
}

#[apply(on_both_stores)]
async fn an_unknown_address_is_not_found(roster: Roster) {
    let path = roster.write(&sample::published()).await;
    let answer = roster
        .send("POST", &format!("{path}/emails/{UNKNOWN_ID}/primary"))
        .await;
    assert_json_snapshot!("unknown_email", answer.expect(404).body);
}

#[apply(on_both_stores)]
async fn an_address_of_another_user_is_not_found(roster: Roster) {
    roster.write(&sample::published()).await;
    let path = roster.create(json!({ "username": "grace" })).await;
    roster
        .send("POST", &format!("{path}/emails/{EMAIL}/primary"))
        .await
        .expect(404);
}

#[apply(on_both_stores)]
async fn an_unknown_user_is_not_found(roster: Roster) {
    let path = format!("/api/users/nobody/emails/{EMAIL}/primary");
    let answer = roster.send("POST", &path).await.expect(404);
    assert_eq!(answer.body["detail"], "There is no such user.");
    assert!(roster.table.items().await.is_empty());
}

#[apply(on_both_stores)]
async fn an_unverified_address_is_refused(roster: Roster) {
    let path = roster.create(json!({ "email": "a@x.example" })).await;
    let user = roster.send("GET", &path).await.body;
    let id = user["emails"][0]["id"].as_str().unwrap();
    let answer = roster
        .send("POST", &format!("{path}/emails/{id}/primary"))
        .await
        .expect(422);
    assert_json_snapshot!("email_not_verified", answer.body["errors"]);
    assert_eq!(roster.send("GET", &path).await.body, user);
}

#[apply(on_both_stores)]
async fn a_malformed_identifier_id_is_named(roster: Roster) {
    let path = roster.write(&sample::published()).await;
    let answer = roster
        .send("POST", &format!("{path}/emails/x/primary"))
        .await
        .expect(422);
    assert_json_snapshot!("malformed_identifier_id", answer.body);
}
