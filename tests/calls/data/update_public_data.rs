use domain::sample;
use serde_json::json;

use crate::harness::Roster;

#[tokio::test]
async fn public_data_change_beside_private_data_that_stay() {
    let roster = Roster::start().await;
    let path = roster.write(&sample::published()).await;
    let before = roster.send("GET", &path).await.body;
    let body = json!({
        "public_data": { "send_emails": false, "days_to_retain": null },
        "private_data": { "subscription_plan": "free" },
    });
    let answer = roster
        .send_json("PATCH", &format!("{path}/public_data"), body)
        .await
        .expect(200);
    let changed =
        json!({ "color_preference": { "dashboard": "monochrome" }, "send_emails": false });
    assert_eq!(answer.body, json!({ "public_data": changed }));
    assert_eq!(answer.version(), 2);
    let user = roster.send("GET", &path).await.body;
    assert_eq!(user["public_data"], changed);
    assert_eq!(user["private_data"], before["private_data"]);
}
