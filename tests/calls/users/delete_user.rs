use domain::sample;
use serde_json::json;

use crate::harness::Roster;

#[tokio::test]
async fn a_deleted_user_is_gone_and_leaves_nothing_behind() {
    let roster = Roster::start().await;
    let path = roster.write(&sample::published()).await;
    roster.send("DELETE", &path).await.expect(204);
    roster.send("GET", &path).await.expect(404);
    assert!(roster.table.items_without_log().await.is_empty());
}

#[tokio::test]
async fn the_second_time_it_is_not_found() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    roster.send("DELETE", &path).await.expect(204);
    roster.send("DELETE", &path).await.expect(404);
}

#[tokio::test]
async fn freed_identifiers_can_be_taken_by_another_user() {
    let roster = Roster::start().await;
    let body = json!({
        "username": "grace", "email": "grace@example.org", "phone_number": "+441514960454",
    });
    let path = roster.create(body.clone()).await;
    roster.send("DELETE", &path).await.expect(204);
    roster.create(body).await;
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn no_later_write_brings_a_deleted_user_back() {
    let roster = Roster::start().await;
    let path = roster.write(&sample::published()).await;
    let email = format!("{path}/emails/6cec8047-6149-4d9b-8d99-91c83c22a9dc");
    roster.send("DELETE", &path).await.expect(204);
    for (method, path) in [
        ("POST", format!("{path}/enable")),
        ("POST", format!("{path}/disable")),
        ("POST", format!("{path}/unblock")),
        ("DELETE", format!("{path}/username")),
        ("POST", format!("{email}/primary")),
        ("POST", format!("{email}/verify")),
        ("POST", format!("{email}/unverify")),
        ("DELETE", email.clone()),
    ] {
        roster.send(method, &path).await.expect(404);
    }
    let body = json!({ "username": "grace" });
    roster
        .send_json("PUT", &format!("{path}/username"), body)
        .await
        .expect(404);
    let body = json!({ "email": "grace@example.org" });
    roster
        .send_json("POST", &format!("{path}/emails"), body)
        .await
        .expect(404);
    assert!(roster.table.items_without_log().await.is_empty());
}
