use domain::sample;
use insta::assert_json_snapshot;
use macro_rules_attribute::apply;
use serde_json::json;

use crate::harness::Roster;

#[apply(on_both_stores)]
async fn the_username_is_null_afterwards_and_free_for_others(roster: Roster) {
    let path = roster.write(&sample::published()).await;
    let answer = roster
        .send("DELETE", &format!("{path}/username"))
        .await
        .expect(200);
    assert_json_snapshot!("user_without_username", answer.body);
    assert_eq!(answer.header("etag"), Some("\"2\""));
    assert_eq!(roster.send("GET", &path).await.body, answer.body);
    roster.create(json!({ "username": "username" })).await;
    roster.table.check_invariants().await;
}

#[apply(on_both_stores)]
async fn without_username_it_is_not_found(roster: Roster) {
    let path = roster.create(json!({ "email": "grace@example.org" })).await;
    let answer = roster
        .send("DELETE", &format!("{path}/username"))
        .await
        .expect(404);
    assert_json_snapshot!("no_username", answer.body);
}

#[apply(on_both_stores)]
async fn an_unknown_user_is_not_found(roster: Roster) {
    let answer = roster
        .send("DELETE", "/api/users/nobody/username")
        .await
        .expect(404);
    assert_eq!(answer.body["detail"], "There is no such user.");
}

#[apply(on_both_stores)]
async fn the_last_identifier_stays(roster: Roster) {
    let path = roster.create(json!({ "username": "grace" })).await;
    let before = roster.table.items().await;
    let answer = roster
        .send("DELETE", &format!("{path}/username"))
        .await
        .expect(422);
    assert_json_snapshot!("last_identifier", answer.body);
    assert_eq!(roster.table.items().await, before);
}
