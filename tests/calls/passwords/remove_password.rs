use domain::sample;
use serde_json::{Value, json};

use crate::harness::Roster;

#[tokio::test]
async fn a_removed_password_signs_nobody_in_and_leaves_sessions_as_they_are() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    let path = format!("/api/users/{}", grace.id);
    roster
        .send("DELETE", &format!("{path}/password"))
        .await
        .expect(204);
    let user = roster.send("GET", &path).await.expect(200).body;
    assert_eq!(user["has_password"], false);
    assert_eq!(user["password_updated_at"], Value::Null);
    assert_eq!(user["username"]["authenticators"], json!([]));
    roster.login("grace", sample::PASSWORD).await.expect(401);
    grace.get("/users/email/").await.expect(200);
}

#[tokio::test]
async fn the_need_to_change_the_password_goes_with_it_and_so_do_links() {
    let roster = Roster::start().await;
    let body = json!({
        "username": "grace", "email": "grace@example.org", "email_verified": true,
        "password": sample::PASSWORD,
    });
    let path = roster.create(body).await;
    roster.login("grace", sample::PASSWORD).await.expect(403);
    let link = roster.link_to("grace@example.org").await;
    roster
        .send("DELETE", &format!("{path}/password"))
        .await
        .expect(204);
    let user = roster.send("GET", &path).await.body;
    assert_eq!(user["force_password_reset"], false);
    roster.open(&link).await.expect(400);
}

#[tokio::test]
async fn sessions_end_when_that_is_asked_for() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    let body = json!({ "revoke_sessions": true });
    let path = format!("/api/users/{}/password", grace.id);
    roster.send_json("DELETE", &path, body).await.expect(204);
    grace.get("/users/email/").await.expect(401);
}

#[tokio::test]
async fn what_is_not_there_is_not_found_unless_this_request_removed_it() {
    let roster = Roster::start().await;
    let body = json!({ "username": "grace", "password": sample::PASSWORD });
    let path = format!("{}/password", roster.create(body).await);
    let named = || {
        roster
            .request("DELETE", &path)
            .header("idempotency-key", "k")
            .send()
    };
    named().await.expect(204);
    named().await.expect(204);
    let answer = roster.send("DELETE", &path).await.expect(404);
    assert_eq!(answer.body["detail"], "There is no such password.");
}
