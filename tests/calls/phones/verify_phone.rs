use serde_json::json;

use crate::harness::Roster;

#[tokio::test]
async fn sms_go_to_a_number_once_it_is_verified() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    let phones = format!("{}/phones", grace.path());
    let body = json!({ "phone_number": "+441514960961" });
    let answer = roster.send_json("POST", &phones, body).await.expect(200);
    let id = answer.body["phone_numbers"][0]["id"].as_str().unwrap();
    grace.add_email("first@example.com").await.expect(200);
    assert_eq!(roster.recipients_after(0).await, ["first@example.com"]);
    let verify = format!("{phones}/{id}/verify");
    roster.send("POST", &verify).await.expect(200);
    grace.add_email("second@example.com").await.expect(200);
    assert_eq!(
        roster.recipients_after(1).await,
        ["+441514960961", "second@example.com"]
    );
}
