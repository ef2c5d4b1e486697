use domain::{JsonObject, sample};
use serde_json::{Value, json};

use crate::harness::{Answer, Roster};

async fn update(roster: &Roster, path: &str, body: Value) -> Answer {
    roster
        .send_json("PATCH", &format!("{path}/claims"), body)
        .await
}

#[tokio::test]
async fn claims_that_are_sent_change_and_null_removes() {
    let roster = Roster::start().await;
    let path = roster
        .create(json!({ "username": "grace", "name": "Grace", "nickname": "g", "given_name": "G" }))
        .await;
    let body = json!({
        "name": "Grace Hopper", "nickname": null, "picture": null,
        "profile": "https://example.org/grace", "website": "http://example.org",
        "preferred_username": "grace", "gender": "female", "birthdate": "1906-12-09",
        "zoneinfo": "America/New_York", "locale": "en_US", "unknown": [1],
    });
    let answer = update(&roster, &path, body).await.expect(200);
    let claims = json!({
        "name": "Grace Hopper", "given_name": "G", "profile": "https://example.org/grace",
        "website": "http://example.org", "preferred_username": "grace", "gender": "female",
        "birthdate": "1906-12-09", "zoneinfo": "America/New_York", "locale": "en_US",
    });
    assert_eq!(answer.body["claims"], claims);
    assert_eq!(answer.version(), 2);
    assert_eq!(roster.send("GET", &path).await.body, answer.body);
}

#[tokio::test]
async fn an_address_replaces_the_one_that_is_there() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    let formatted = "1 Navy Way\r\nArlington\n";
    for (sent, shown) in [
        (
            json!({ "formatted": formatted, "locality": "Arlington", "region": null, "x": {} }),
            json!({ "formatted": formatted, "locality": "Arlington" }),
        ),
        (
            json!({ "street_address": "1 Navy Way\nGate 2", "country": "US" }),
            json!({ "street_address": "1 Navy Way\nGate 2", "country": "US" }),
        ),
        (Value::Null, Value::Null),
    ] {
        let answer = update(&roster, &path, json!({ "address": sent })).await;
        assert_eq!(answer.expect(200).body["claims"]["address"], shown);
    }
}

#[tokio::test]
async fn what_is_not_as_openid_connect_says_is_refused_unless_that_is_skipped() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    for (claim, value) in [
        ("picture", "grace.png"),
        ("website", "javascript:alert(1)"),
        ("profile", "//example.org"),
        ("birthdate", "1906-02-29"),
        ("zoneinfo", "Europe/Atlantis"),
        ("locale", "english language"),
    ] {
        let answer = update(&roster, &path, json!({ "name": "x", claim: value })).await;
        let answer = answer.expect(422);
        let named: Vec<_> = answer.body["errors"].as_object().unwrap().keys().collect();
        assert_eq!(named, [claim]);
        let body = json!({ claim: value, "skip_conformance_checks": true });
        let answer = update(&roster, &path, body).await.expect(200);
        assert_eq!(answer.body["claims"][claim], value);
    }
}

#[tokio::test]
async fn wrong_types_and_texts_are_named_whatever_is_skipped() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    for (body, member) in [
        (json!({ "name": 7 }), "name"),
        (json!({ "gender": true }), "gender"),
        (json!({ "name": "a\u{0}b" }), "name"),
        (json!({ "given_name": "x".repeat(2049) }), "given_name"),
        (json!({ "address": "1 Navy Way" }), "address"),
        (json!({ "address": ["1 Navy Way"] }), "address"),
        (
            json!({ "address": { "locality": ["x"] } }),
            "address.locality",
        ),
        (
            json!({ "address": { "locality": "a\nb" } }),
            "address.locality",
        ),
        (
            json!({ "skip_conformance_checks": 1 }),
            "skip_conformance_checks",
        ),
    ] {
        let mut body = body;
        if member != "skip_conformance_checks" {
            body["skip_conformance_checks"] = json!(true);
        }
        let answer = update(&roster, &path, body).await.expect(422);
        let named: Vec<_> = answer.body["errors"].as_object().unwrap().keys().collect();
        assert_eq!(named, [member]);
    }
    assert_eq!(roster.read(&path).await.unwrap().version().as_u64(), 1);
}

#[tokio::test]
async fn claims_that_the_call_does_not_know_stay_as_they_are() {
    let roster = Roster::start().await;
    let stored = r#"{"score":1.0,"name":"John","roles":[1152921504606846976]}"#;
    let user = sample::changed(sample::published(), |user| {
        user.claims = JsonObject::parse(stored).unwrap();
    });
    let path = roster.write(&user).await;
    let body = json!({ "name": null, "roles": null, "nickname": "J" });
    update(&roster, &path, body).await.expect(200);
    assert_eq!(
        roster.read(&path).await.unwrap().claims().as_str(),
        r#"{"score":1.0,"roles":[1152921504606846976],"nickname":"J"}"#
    );
}

#[tokio::test]
async fn what_is_so_already_changes_nothing() {
    let roster = Roster::start().await;
    let path = roster
        .create(json!({ "username": "grace", "name": "Grace" }))
        .await;
    for body in [json!({}), json!({ "name": "Grace", "picture": null })] {
        assert_eq!(update(&roster, &path, body).await.expect(200).version(), 1);
    }
}

#[tokio::test]
async fn claims_have_64_kb_at_most_with_those_that_are_there() {
    let roster = Roster::start().await;
    let user = sample::changed(sample::published(), |user| {
        let long = "x".repeat(65_000);
        user.claims = JsonObject::parse(&json!({ "carried": long }).to_string()).unwrap();
    });
    let path = roster.write(&user).await;
    let answer = update(&roster, &path, json!({ "name": "x".repeat(600) })).await;
    assert!(answer.expect(422).body["errors"]["claims"].is_array());
    update(&roster, &path, json!({ "name": "x".repeat(500) }))
        .await
        .expect(200);
}
