use domain::sample;
use serde_json::json;

use crate::harness::Roster;

#[tokio::test]
async fn a_verified_address_becomes_primary_when_there_is_none() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "email": "a@x.example" })).await;
    let user = roster.send("GET", &path).await.body;
    let id = user["emails"][0]["id"].as_str().unwrap();
    let answer = roster
        .send("POST", &format!("{path}/emails/{id}/verify"))
        .await
        .expect(200);
    let email = &answer.body["emails"][0];
    assert_eq!(email["verified"], true);
    assert_eq!(email["primary"], true);
    assert_eq!(email["verification_source"], "api");
    assert_eq!(email["authenticators"], json!(["email"]));
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn a_primary_address_keeps_its_place() {
    let roster = Roster::start().await;
    let path = roster
        .create(json!({ "email": "a@x.example", "email_verified": true }))
        .await;
    let body = json!({ "email": "b@x.example" });
    let answer = roster
        .send_json("POST", &format!("{path}/emails"), body)
        .await;
    let emails = answer.body["emails"].as_array().unwrap();
    let added = emails.iter().find(|e| e["verified"] == false).unwrap();
    let id = added["id"].as_str().unwrap();
    let answer = roster
        .send("POST", &format!("{path}/emails/{id}/verify"))
        .await
        .expect(200);
    for email in answer.body["emails"].as_array().unwrap() {
        assert_eq!(email["verified"], true);
        assert_eq!(email["primary"], email["email"] == "a@x.example");
    }
}

#[tokio::test]
async fn verifying_a_verified_address_changes_nothing() {
    let roster = Roster::start().await;
    let path = roster.write(&sample::published()).await;
    let before = roster.table.items().await;
    let verify = format!("{path}/emails/6cec8047-6149-4d9b-8d99-91c83c22a9dc/verify");
    let answer = roster.send("POST", &verify).await.expect(200);
    assert_eq!(answer.body["emails"][0]["verification_source"], "monocloud");
    assert_eq!(roster.table.items().await, before);
}
