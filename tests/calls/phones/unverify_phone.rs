use serde_json::json;

use crate::harness::Roster;

#[tokio::test]
async fn a_number_that_is_not_proved_can_be_verified_again() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let phones = format!("{}/phones", ada.path());
    let body = json!({ "phone_number": "+441514960961", "is_verified": true });
    let answer = roster.send_json("POST", &phones, body).await.expect(200);
    let numbers = answer.body["phone_numbers"].as_array().unwrap();
    let other = numbers.iter().find(|own| own["primary"] == false).unwrap();
    let other = format!("{phones}/{}", other["id"].as_str().unwrap());
    for (call, status) in [
        ("unverify", 200),
        ("primary", 422),
        ("verify", 200),
        ("primary", 200),
    ] {
        let path = format!("{other}/{call}");
        roster.send("POST", &path).await.expect(status);
    }
}
