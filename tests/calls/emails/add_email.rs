use domain::sample;
use insta::assert_json_snapshot;
use serde_json::json;

use crate::harness::Roster;

#[tokio::test]
async fn an_address_is_put_on_the_profile() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    let body = json!({ "email": " Grace@Example.org ", "skip_restriction_checks": true });
    let answer = roster
        .send_json("POST", &format!("{path}/emails"), body)
        .await
        .expect(200);
    assert_json_snapshot!("added_email", answer.body["emails"]);
    assert_eq!(answer.version(), 2);
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn an_address_in_use_is_refused_in_any_spelling() {
    let roster = Roster::start().await;
    roster.write(&sample::published()).await;
    let path = roster
        .create(json!({ "email": "grace@bücher.example" }))
        .await;
    let emails = format!("{path}/emails");
    for email in [
        "User@Example.COM",
        "ｕser@example.com",
        "GRACE@xn--bcher-kva.example",
    ] {
        let answer = roster
            .send_json("POST", &emails, json!({ "email": email }))
            .await;
        assert_eq!(answer.expect(422).codes(), ["DuplicateEmail"], "{email}");
    }
    assert_eq!(roster.read(&path).await.unwrap().version().as_u64(), 1);
}
