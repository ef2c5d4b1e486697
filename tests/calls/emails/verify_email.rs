use serde_json::json;

use crate::harness::Roster;

#[tokio::test]
async fn an_address_that_is_no_mailbox_can_be_verified() {
    let roster = Roster::start().await;
    let path = roster
        .create(json!({ "email": "straße@example.org" }))
        .await;
    let user = roster.send("GET", &path).await.body;
    let id = user["emails"][0]["id"].as_str().unwrap();
    let verify = format!("{path}/emails/{id}/verify");
    let answer = roster.send("POST", &verify).await.expect(200);
    assert_eq!(answer.body["emails"][0]["verified"], true);
    assert_eq!(answer.body["emails"][0]["primary"], true);
}
