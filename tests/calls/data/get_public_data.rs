use domain::sample;
use serde_json::Value;

use crate::harness::Roster;

#[tokio::test]
async fn the_public_data_are_shown_with_the_user_s_version_and_nothing_else() {
    let roster = Roster::start().await;
    let path = roster.write(&sample::published()).await;
    let user = roster.send("GET", &path).await;
    let answer = roster.send("GET", &format!("{path}/public_data")).await;
    let answer = answer.expect(200);
    let members: Vec<_> = answer.body.as_object().unwrap().keys().collect();
    assert_eq!(members, ["public_data"]);
    assert_eq!(answer.body["public_data"], user.body["public_data"]);
    assert_ne!(answer.body["public_data"], user.body["private_data"]);
    assert_eq!(answer.version(), user.version());
}

#[tokio::test]
async fn a_user_without_data_shows_an_empty_object() {
    let roster = Roster::start().await;
    let path = roster
        .create(serde_json::json!({ "username": "grace" }))
        .await;
    let answer = roster.send("GET", &format!("{path}/public_data")).await;
    assert_eq!(answer.expect(200).raw, r#"{"public_data":{}}"#);
}

#[tokio::test]
async fn a_caller_with_the_present_version_gets_no_body() {
    let roster = Roster::start().await;
    let path = roster.write(&sample::published()).await;
    let path = format!("{path}/public_data");
    for (tag, status) in [("\"1\"", 304), ("\"2\"", 200)] {
        let call = roster.request("GET", &path);
        let answer = call.header("if-none-match", tag).send().await;
        let answer = answer.expect(status);
        assert_eq!(answer.body == Value::Null, status == 304);
        assert_eq!(answer.header("etag"), Some("\"1\""));
    }
}
