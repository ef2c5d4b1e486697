use crate::harness::Roster;

#[tokio::test]
async fn an_address_that_is_not_proved_gets_no_mail() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let other = ada.email_path("ada.byron@example.org").await;
    let unverify = format!("{other}/unverify");
    roster.send("POST", &unverify).await.expect(200);
    ada.prove("countess@example.com").await;
    let told = roster.recipients().await;
    assert!(told.contains(&"ada@example.org".to_owned()), "{told:?}");
    assert!(
        !told.contains(&"ada.byron@example.org".to_owned()),
        "{told:?}"
    );
}
