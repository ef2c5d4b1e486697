use crate::harness::Roster;

const PHONE: &str = "+441514960815";

#[tokio::test]
async fn a_removed_number_gets_no_sms() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let user = roster.shown(&ada.id).await;
    let id = user["phone_numbers"][0]["id"].as_str().unwrap();
    let phone = format!("{}/phones/{id}", ada.path());
    ada.add_email("first@example.com").await.expect(200);
    assert_eq!(
        roster.recipients_after(0).await,
        [PHONE, "first@example.com"]
    );
    roster.send("DELETE", &phone).await.expect(200);
    ada.add_email("second@example.com").await.expect(200);
    assert_eq!(roster.recipients_after(2).await, ["second@example.com"]);
}
