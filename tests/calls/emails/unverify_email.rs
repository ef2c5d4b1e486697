use domain::sample;
use serde_json::json;

use crate::harness::Roster;

const EMAIL: &str = "6cec8047-6149-4d9b-8d99-91c83c22a9dc";

#[tokio::test]
async fn an_address_is_marked_as_not_proved() {
    let roster = Roster::start().await;
    let path = roster.write(&sample::published()).await;
    let unverify = format!("{path}/emails/{EMAIL}/unverify");
    let answer = roster.send("POST", &unverify).await.expect(200);
    let email = &answer.body["emails"][0];
    assert_eq!(email["verified"], false);
    assert_eq!(email["verification_source"], json!(null));
    assert_eq!(email["source"], "monocloud");
    assert_eq!(email["authenticators"], json!(["password"]));
    let before = roster.table.items().await;
    roster.send("POST", &unverify).await.expect(200);
    assert_eq!(roster.table.items().await, before);
}

#[tokio::test]
async fn the_primary_address_stays_verified() {
    let roster = Roster::start().await;
    let path = roster.write(&sample::published()).await;
    roster
        .send("POST", &format!("{path}/emails/{EMAIL}/primary"))
        .await
        .expect(200);
    let answer = roster
        .send("POST", &format!("{path}/emails/{EMAIL}/unverify"))
        .await;
    assert_eq!(answer.expect(422).codes(), ["PrimaryIdentifier"]);
    roster.table.check_invariants().await;
}
