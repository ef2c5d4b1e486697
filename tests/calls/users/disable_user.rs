use serde_json::json;

use crate::harness::Roster;

#[tokio::test]
async fn an_enabled_user_is_disabled() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    let first = roster.read(&path).await.unwrap().session_epoch();
    let answer = roster
        .send("POST", &format!("{path}/disable"))
        .await
        .expect(200);
    assert_eq!(
        (&answer.body["disabled"], answer.version()),
        (&json!(true), 2)
    );
    assert_eq!(roster.read(&path).await.unwrap().session_epoch(), first);
    let again = roster
        .send("POST", &format!("{path}/disable"))
        .await
        .expect(200);
    assert_eq!(again.body, answer.body);
    assert_eq!(again.version(), 2);
}

#[tokio::test]
async fn all_sessions_end_in_the_same_write_once() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    let disable = format!("{path}/disable");
    let first = roster.read(&path).await.unwrap().session_epoch();
    roster.send("POST", &disable).await.expect(200);
    for _ in 0..2 {
        let body = json!({ "revoke_sessions": true });
        let answer = roster.send_json("POST", &disable, body).await.expect(200);
        assert_eq!(answer.version(), 3);
        assert_eq!(
            roster.read(&path).await.unwrap().session_epoch(),
            first.next()
        );
    }
}

#[tokio::test]
async fn a_member_of_the_wrong_type_is_named() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    let body = json!({ "revoke_sessions": 1 });
    let answer = roster
        .send_json("POST", &format!("{path}/disable"), body)
        .await
        .expect(422);
    assert!(
        answer.body["errors"]["revoke_sessions"].is_array(),
        "{answer:?}"
    );
    assert!(!roster.read(&path).await.unwrap().is_disabled());
}
