use domain::sample;
use serde_json::json;

use crate::harness::Roster;

const EMAIL: &str = "6cec8047-6149-4d9b-8d99-91c83c22a9dc";

#[tokio::test]
async fn a_removed_address_is_free_for_others() {
    let roster = Roster::start().await;
    let path = roster.write(&sample::published()).await;
    let answer = roster
        .send("DELETE", &format!("{path}/emails/{EMAIL}"))
        .await
        .expect(200);
    assert_eq!(answer.body["emails"], json!([]));
    roster.create(json!({ "email": "user@example.com" })).await;
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn a_removed_address_is_not_found_afterwards() {
    let roster = Roster::start().await;
    let path = roster.write(&sample::published()).await;
    let email = format!("{path}/emails/{EMAIL}");
    roster.send("DELETE", &email).await.expect(200);
    let answer = roster.send("DELETE", &email).await.expect(404);
    assert_eq!(answer.body["detail"], "There is no such e-mail.");
}

#[tokio::test]
async fn the_primary_address_stays_while_there_are_others() {
    let roster = Roster::start().await;
    let path = roster
        .create(json!({ "email": "a@x.example", "email_verified": true }))
        .await;
    let body = json!({ "email": "b@x.example" });
    let answer = roster
        .send_json("POST", &format!("{path}/emails"), body)
        .await
        .expect(200);
    let emails = answer.body["emails"].as_array().unwrap();
    let id = |primary: bool| {
        emails.iter().find(|e| e["primary"] == primary).unwrap()["id"]
            .as_str()
            .unwrap()
    };
    let primary = format!("{path}/emails/{}", id(true));
    let refused = roster.send("DELETE", &primary).await.expect(422);
    assert_eq!(refused.codes(), ["PrimaryIdentifier"]);
    roster
        .send("DELETE", &format!("{path}/emails/{}", id(false)))
        .await
        .expect(200);
    let refused = roster.send("DELETE", &primary).await.expect(422);
    assert_eq!(refused.codes(), ["LastIdentifier"]);
    let body = json!({ "username": "grace" });
    roster
        .send_json("PUT", &format!("{path}/username"), body)
        .await
        .expect(200);
    let answer = roster.send("DELETE", &primary).await.expect(200);
    assert_eq!(answer.body["emails"], json!([]));
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn a_malformed_id_is_named() {
    let roster = Roster::start().await;
    let path = roster.write(&sample::published()).await;
    let answer = roster
        .send("DELETE", &format!("{path}/emails/1"))
        .await
        .expect(422);
    assert!(
        answer.body["errors"]["identifier_id"].is_array(),
        "{answer:?}"
    );
}
