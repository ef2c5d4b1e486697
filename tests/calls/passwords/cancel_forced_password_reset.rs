use domain::sample;
use serde_json::json;

use crate::harness::Roster;

#[tokio::test]
async fn the_present_password_signs_in_again_and_a_repeat_changes_nothing() {
    let roster = Roster::start().await;
    let body = json!({ "username": "grace", "password": sample::PASSWORD });
    let path = roster.create(body).await;
    roster.login("grace", sample::PASSWORD).await.expect(403);
    let cancel = format!("{path}/password/force_reset");
    let first = roster.send("DELETE", &cancel).await.expect(200);
    assert_eq!(first.body["force_password_reset"], false);
    let again = roster.send("DELETE", &cancel).await.expect(200);
    assert_eq!(again.body, first.body);
    assert_eq!(again.version(), first.version());
    roster.login("grace", sample::PASSWORD).await.expect(200);
}
