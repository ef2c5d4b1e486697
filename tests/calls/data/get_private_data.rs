use domain::sample;
use serde_json::{Value, json};

use super::KINDS;
use crate::harness::Roster;

#[tokio::test]
async fn data_of_a_kind_are_shown_with_the_user_s_version_and_nothing_else() {
    let roster = Roster::start().await;
    let path = roster.write(&sample::published()).await;
    let user = roster.send("GET", &path).await;
    for (kind, other) in [
        ("private_data", "public_data"),
        ("public_data", "private_data"),
    ] {
        let answer = roster.send("GET", &format!("{path}/{kind}")).await;
        let answer = answer.expect(200);
        let members: Vec<_> = answer.body.as_object().unwrap().keys().collect();
        assert_eq!(members, [kind]);
        assert_eq!(answer.body[kind], user.body[kind]);
        assert_ne!(answer.body[kind], user.body[other]);
        assert_eq!(answer.version(), user.version());
    }
}

#[tokio::test]
async fn a_user_without_data_shows_an_empty_object() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    for kind in KINDS {
        let answer = roster.send("GET", &format!("{path}/{kind}")).await;
        let empty = format!("{{\"{kind}\":{{}}}}");
        assert_eq!(answer.expect(200).raw, empty);
    }
}

#[tokio::test]
async fn a_caller_with_the_present_version_gets_no_body() {
    let roster = Roster::start().await;
    let path = roster.write(&sample::published()).await;
    for kind in KINDS {
        for (tag, status) in [("\"1\"", 304), ("\"2\"", 200)] {
            let call = roster.request("GET", &format!("{path}/{kind}"));
            let answer = call.header("if-none-match", tag).send().await;
            let answer = answer.expect(status);
            assert_eq!(answer.body == Value::Null, status == 304);
            assert_eq!(answer.header("etag"), Some("\"1\""));
        }
    }
}
