use domain::{JsonObject, sample};
use macro_rules_attribute::apply;
use serde_json::{Value, json};

use super::KINDS;
use crate::harness::{ADMIN, Answer, Roster};

async fn update(roster: &Roster, path: &str, kind: &str, changes: &str) -> Answer {
    roster
        .request("PATCH", &format!("{path}/{kind}"))
        .body(format!("{{\"{kind}\":{changes}}}"))
        .send()
        .await
}

#[tokio::test]
async fn a_member_that_is_sent_replaces_the_one_there_whole_and_null_removes_it() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    for kind in KINDS {
        for (changes, result) in [
            (
                r#"{"a":{"x":1,"y":2},"b":1}"#,
                r#"{"a":{"x":1,"y":2},"b":1}"#,
            ),
            (
                r#"{"a":{"z":null},"c":[]}"#,
                r#"{"a":{"z":null},"b":1,"c":[]}"#,
            ),
            (r#"{"b":null,"none":null}"#, r#"{"a":{"z":null},"c":[]}"#),
        ] {
            let answer = update(&roster, &path, kind, changes).await.expect(200);
            assert_eq!(answer.raw, format!("{{\"{kind}\":{result}}}"));
        }
    }
    assert_eq!(roster.send("GET", &path).await.version(), 7);
}

#[tokio::test]
async fn every_value_is_kept_exactly_as_sent() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    let sent = r#"{"z":1.0,"":-0,"wide":1152921504606846976,"a":{"b":[ 1E2 , "\u00e9\/" ],"a":null},"\u0041":1e-7}"#;
    for kind in KINDS {
        let answer = update(&roster, &path, kind, sent).await.expect(200);
        assert_eq!(answer.raw, format!("{{\"{kind}\":{sent}}}"));
        let read = roster.send("GET", &format!("{path}/{kind}")).await;
        assert_eq!(read.raw, answer.raw);
        let user = roster.send("GET", &path).await;
        assert!(user.raw.contains(&answer.raw[1..answer.raw.len() - 1]));
    }
}

#[tokio::test]
async fn a_number_past_a_double_is_kept() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    let body = r#"{"private_data":{"far":1e400}}"#;
    // Not by the harness, whose reader of JSON takes no such number.
    let answer = reqwest::Client::new()
        .patch(format!("{}{path}/private_data", roster.base))
        .header("x-api-key", ADMIN)
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.text().await.unwrap(), body);
}

#[tokio::test]
async fn what_is_so_already_changes_nothing() {
    let roster = Roster::start().await;
    let path = roster.write(&sample::published()).await;
    for changes in [
        "{}",
        r#"{"subscription_plan":"premium"}"#,
        r#"{"none":null}"#,
    ] {
        let answer = update(&roster, &path, "private_data", changes).await;
        assert_eq!(answer.expect(200).version(), 1, "{changes}");
    }
}

#[tokio::test]
async fn a_map_is_needed_with_each_member_once() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    for kind in KINDS {
        for body in [
            "{}".to_owned(),
            String::new(),
            format!("{{\"{kind}\":null}}"),
            format!("{{\"{kind}\":[]}}"),
            format!("{{\"{kind}\":\"{{}}\"}}"),
            format!("{{\"{kind}\":1e400}}"),
            format!("{{\"{kind}\":{{\"a\":1,\"\\u0061\":2}}}}"),
        ] {
            let call = roster.request("PATCH", &format!("{path}/{kind}"));
            let answer = call.body(body.clone()).send().await.expect(422);
            let named: Vec<_> = answer.body["errors"].as_object().unwrap().keys().collect();
            assert_eq!(named, [kind], "{body}");
        }
        let twice = format!("{{\"{kind}\":{{}},\"{kind}\":{{}}}}");
        let call = roster.request("PATCH", &format!("{path}/{kind}"));
        call.body(twice).send().await.expect(400);
    }
    assert_eq!(roster.read(&path).await.unwrap().version().as_u64(), 1);
}

#[tokio::test]
async fn there_are_64_kb_and_64_levels_before_and_after() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    let nested = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
    let sized = |name: &str, bytes: usize| {
        let frame = format!("{{\"{name}\":\"\"}}").len();
        format!("{{\"{name}\":\"{}\"}}", "x".repeat(bytes - frame))
    };
    for kind in KINDS {
        let refused = async |changes: &str| {
            let answer = update(&roster, &path, kind, changes).await.expect(422);
            assert!(answer.body["errors"][kind].is_array(), "{answer:?}");
        };
        refused(&nested(65)).await;
        refused(&sized("a", 65_537)).await;
        update(&roster, &path, kind, &nested(64)).await.expect(200);
        update(&roster, &path, kind, &sized("a", 40_000))
            .await
            .expect(200);
        refused(&sized("b", 40_000)).await;
        update(&roster, &path, kind, &sized("a", 65_536))
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn a_user_past_the_store_s_limit_is_refused() {
    let roster = Roster::start().await;
    let large =
        |bytes: usize| JsonObject::parse(&json!({ "x": "y".repeat(bytes) }).to_string()).unwrap();
    let user = sample::changed(sample::published(), |user| {
        let provider = user.external_providers[0].clone();
        user.external_providers = (0..6)
            .map(|n| {
                let mut one = provider.clone();
                one.provider_user_id = n.to_string();
                one.claims = large(60_000);
                one
            })
            .collect();
    });
    let path = roster.write(&user).await;
    let before = roster.table.items().await;
    let changes = large(50_000);
    let answer = update(&roster, &path, "public_data", changes.as_str()).await;
    assert_eq!(answer.expect(422).codes(), ["UserTooLarge"]);
    assert_eq!(roster.table.items().await, before);
}

#[tokio::test]
async fn private_data_never_show_in_public_data() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    update(&roster, &path, "private_data", r#"{"secret":"plan"}"#)
        .await
        .expect(200);
    let shown = update(&roster, &path, "public_data", r#"{"open":1}"#).await;
    assert_eq!(shown.expect(200).raw, r#"{"public_data":{"open":1}}"#);
    let read = roster.send("GET", &format!("{path}/public_data")).await;
    assert_eq!(read.raw, r#"{"public_data":{"open":1}}"#);
}

#[apply(on_both_stores)]
async fn a_repeat_of_a_named_request_changes_nothing(roster: Roster) {
    let path = roster.create(json!({ "username": "grace" })).await;
    let named = || {
        roster
            .request("PATCH", &format!("{path}/private_data"))
            .header("idempotency-key", "k")
            .json(json!({ "private_data": { "plan": "free" } }))
            .send()
    };
    named().await.expect(200);
    update(&roster, &path, "private_data", r#"{"plan":"premium"}"#)
        .await
        .expect(200);
    let late = named().await.expect(200);
    assert_eq!(late.body["private_data"], json!({ "plan": "premium" }));
    assert_eq!(late.body.get("public_data"), None::<&Value>);
}
