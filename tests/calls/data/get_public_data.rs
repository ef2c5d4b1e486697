use domain::sample;

use crate::harness::Roster;

#[tokio::test]
async fn public_data_show_the_application_s_data_of_the_published_user() {
    let roster = Roster::start().await;
    let path = roster.write(&sample::published()).await;
    let answer = roster.send("GET", &format!("{path}/public_data")).await;
    assert_eq!(
        answer.expect(200).raw,
        r#"{"public_data":{"color_preference":{"dashboard":"monochrome"},"send_emails":true,"days_to_retain":1}}"#
    );
}
