use std::time::Duration;

use domain::sample;
use serde_json::json;

use crate::harness::{NOW, Roster};

#[tokio::test]
async fn a_right_password_is_not_enough_any_more_and_a_repeat_changes_nothing() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    let path = format!("/api/users/{}/password/force_reset", grace.id);
    let first = roster.send("POST", &path).await.expect(200);
    assert_eq!(first.body["force_password_reset"], true);
    grace.get("/users/email/").await.expect(200);
    let later = roster.later(Duration::from_mins(1)).await;
    let again = later.send("POST", &path).await.expect(200);
    assert_eq!(again.body, first.body);
    assert_eq!(again.body["last_updated"], NOW.as_unix());
    assert_eq!(again.version(), first.version());
    roster.login("grace", sample::PASSWORD).await.expect(403);
}

#[tokio::test]
async fn sessions_end_once_also_of_a_user_who_must_change_the_password_by_now() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    let path = format!("/api/users/{}/password/force_reset", grace.id);
    roster.send("POST", &path).await.expect(200);
    grace.get("/users/email/").await.expect(200);
    let body = json!({ "revoke_sessions": true });
    let first = roster.send_json("POST", &path, body.clone()).await;
    grace.get("/users/email/").await.expect(401);
    let again = roster.send_json("POST", &path, body).await;
    assert_eq!(again.expect(200).version(), first.expect(200).version());
}

#[tokio::test]
async fn a_user_without_a_password_is_none_that_could_change_it() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    let path = format!("{path}/password/force_reset");
    for method in ["POST", "DELETE"] {
        let answer = roster.send(method, &path).await.expect(400);
        assert_eq!(answer.body["type"], "https://httpstatuses.io/400");
        assert_eq!(answer.body["detail"], "The user has no password.");
    }
}

#[tokio::test]
async fn a_member_of_the_wrong_type_is_named() {
    let roster = Roster::start().await;
    let path = roster.write(&sample::published()).await;
    let body = json!({ "revoke_sessions": "true" });
    let path = format!("{path}/password/force_reset");
    let answer = roster.send_json("POST", &path, body).await.expect(422);
    assert!(answer.body["errors"]["revoke_sessions"].is_array());
}
