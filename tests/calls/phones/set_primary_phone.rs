use serde_json::json;

use crate::harness::Roster;

const OTHER: &str = "+441514960961";

#[tokio::test]
async fn sms_go_to_the_primary_number() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let body = json!({ "phone_number": OTHER, "is_verified": true });
    let answer = roster
        .send_json("POST", &format!("{}/phones", ada.path()), body)
        .await
        .expect(200);
    let numbers = answer.body["phone_numbers"].as_array().unwrap();
    let other = numbers.iter().find(|own| own["phone"] == OTHER).unwrap();
    let id = other["id"].as_str().unwrap();
    let primary = format!("{}/phones/{id}/primary", ada.path());
    roster.send("POST", &primary).await.expect(200);
    ada.add_email("countess@example.com").await.expect(200);
    assert_eq!(
        roster.recipients_after(0).await,
        [OTHER, "countess@example.com"]
    );
}
