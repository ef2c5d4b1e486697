use domain::sample;
use serde_json::json;

use crate::harness::Roster;

#[tokio::test]
async fn failed_sign_ins_are_forgotten_and_the_lock_out_lifted() {
    let roster = Roster::start().await;
    let path = roster.write(&sample::published()).await;
    let answer = roster
        .send("POST", &format!("{path}/unblock"))
        .await
        .expect(200);
    assert_eq!(answer.body["failure_count"], 0);
    assert_eq!(answer.body["block_until"], json!(null));
    assert_eq!(answer.body["blocked"], false);
    assert_eq!(answer.body["last_updated"], 1_700_000_000);
    assert_eq!(answer.version(), 2);
}

#[tokio::test]
async fn unblocking_twice_changes_nothing() {
    let roster = Roster::start().await;
    let path = roster.write(&sample::published()).await;
    roster
        .send("POST", &format!("{path}/unblock"))
        .await
        .expect(200);
    let before = roster.table.items().await;
    roster
        .send("POST", &format!("{path}/unblock"))
        .await
        .expect(200);
    assert_eq!(roster.table.items().await, before);
}
