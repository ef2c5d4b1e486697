use domain::sample;
use insta::assert_json_snapshot;
use serde_json::json;

use crate::harness::Roster;

#[tokio::test]
async fn an_address_is_put_on_the_profile() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    let body = json!({ "email": " Grace@Example.org ", "skip_restriction_checks": true });
    let answer = roster
        .send_json("POST", &format!("{path}/emails"), body)
        .await
        .expect(200);
    assert_json_snapshot!("added_email", answer.body["emails"]);
    assert_eq!(answer.version(), 2);
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn the_first_verified_address_becomes_primary() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    for (email, verified) in [
        ("a@x.example", false),
        ("b@x.example", true),
        ("c@x.example", true),
    ] {
        let body = json!({ "email": email, "is_verified": verified });
        roster
            .send_json("POST", &format!("{path}/emails"), body)
            .await
            .expect(200);
    }
    let answer = roster.send("GET", &path).await;
    let emails = answer.body["emails"].as_array().unwrap();
    let primary: Vec<_> = emails
        .iter()
        .filter(|email| email["primary"] == true)
        .collect();
    assert_eq!(primary.len(), 1);
    assert_eq!(primary[0]["email"], "b@x.example");
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn an_address_in_use_is_refused_in_any_spelling() {
    let roster = Roster::start().await;
    roster.write(&sample::published()).await;
    let path = roster
        .create(json!({ "email": "grace@bücher.example" }))
        .await;
    let emails = format!("{path}/emails");
    for email in [
        "User@Example.COM",
        "ｕser@example.com",
        "GRACE@xn--bcher-kva.example",
    ] {
        let answer = roster
            .send_json("POST", &emails, json!({ "email": email }))
            .await;
        assert_eq!(answer.expect(422).codes(), ["DuplicateEmail"], "{email}");
    }
    assert_eq!(roster.read(&path).await.unwrap().version().as_u64(), 1);
}

#[tokio::test]
async fn the_forty_first_address_is_refused() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    let emails = format!("{path}/emails");
    for n in 0..40 {
        let body = json!({ "email": format!("grace{n}@example.org") });
        roster.send_json("POST", &emails, body).await.expect(200);
    }
    let answer = roster
        .send_json("POST", &emails, json!({ "email": "g@example.org" }))
        .await;
    assert_eq!(answer.expect(422).codes(), ["UserTooLarge"]);
    roster.send("DELETE", &path).await.expect(204);
    assert!(roster.table.items().await.is_empty());
}

#[tokio::test]
async fn what_is_no_address_is_refused() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    let emails = format!("{path}/emails");
    let answer = roster
        .send_json("POST", &emails, json!({ "email": "nobody" }))
        .await;
    assert_eq!(answer.expect(422).codes(), ["InvalidEmail"]);
    for body in [
        "",
        "{}",
        r#"{"email":null}"#,
        r#"{"email":["a@b.example"]}"#,
    ] {
        let answer = roster
            .request("POST", &emails)
            .body(body)
            .send()
            .await
            .expect(422);
        assert!(answer.body["errors"]["email"].is_array(), "{answer:?}");
    }
}
