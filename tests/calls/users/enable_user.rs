use domain::sample;
use insta::assert_json_snapshot;
use macro_rules_attribute::apply;
use serde_json::json;

use crate::harness::Roster;

#[apply(on_both_stores)]
async fn a_disabled_user_is_enabled(roster: Roster) {
    let path = roster.write(&sample::published()).await;
    let answer = roster
        .send("POST", &format!("{path}/enable"))
        .await
        .expect(200);
    assert_eq!(answer.header("etag"), Some("\"2\""));
    assert_json_snapshot!("enabled_user", answer.body);
    assert_eq!(roster.send("GET", &path).await.body, answer.body);
}

#[apply(on_both_stores)]
async fn enabling_an_enabled_user_changes_nothing(roster: Roster) {
    let path = roster.create(json!({ "username": "grace" })).await;
    let before = roster.table.items().await;
    let answer = roster
        .send("POST", &format!("{path}/enable"))
        .await
        .expect(200);
    assert_eq!(answer.body["disabled"], false);
    assert_eq!(roster.table.items().await, before);
}

#[apply(on_both_stores)]
async fn an_unknown_user_is_not_found(roster: Roster) {
    let answer = roster
        .send("POST", "/api/users/nobody/enable")
        .await
        .expect(404);
    assert_json_snapshot!("enable_unknown_user", answer.body);
    assert!(roster.table.items().await.is_empty());
}
