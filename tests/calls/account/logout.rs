use std::collections::BTreeMap;
use std::time::Duration;

use domain::sample;
use serde_json::json;

use crate::harness::person::Person;
use crate::harness::{Fault, Roster};

#[tokio::test]
async fn this_session_ends_and_its_cookies_are_cleared() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let elsewhere = roster.sign_in("ada", sample::PASSWORD).await;
    let before = roster.shown(&ada.id).await;
    let answer = ada.post("/users/logout/", json!({})).await.expect(204);
    let cleared = BTreeMap::from([
        (
            "__Host-sessionid",
            ("", "HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0"),
        ),
        ("csrftoken", ("", "SameSite=Lax; Secure; Path=/; Max-Age=0")),
        (
            "osessionid",
            ("", "HttpOnly; SameSite=None; Secure; Path=/; Max-Age=0"),
        ),
        (
            "sessionid",
            ("", "HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0"),
        ),
    ]);
    assert_eq!(answer.set_cookies(), cleared);
    ada.get("/users/emails/").await.expect(401);
    ada.post("/users/logout/", json!({})).await.expect(401);
    elsewhere.get("/users/emails/").await.expect(200);
    assert_eq!(roster.shown(&ada.id).await, before);
}

#[tokio::test]
async fn a_session_that_was_not_used_for_a_day_can_be_ended() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let day_after = roster.later(Duration::from_hours(24)).await;
    let ada = Person {
        roster: &day_after,
        ..ada
    };
    ada.post("/users/logout/", json!({})).await.expect(204);
    ada.get("/users/emails/").await.expect(401);
}

#[tokio::test]
async fn nothing_of_the_session_is_left() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.request("POST", "/users/logout")
        .send()
        .await
        .expect(204);
    let items = roster.table.items().await;
    let left: Vec<_> = items
        .into_keys()
        .filter(|(_, sort)| sort.starts_with("SESSION#"))
        .collect();
    assert_eq!(left, []);
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn another_site_can_not_sign_a_person_out() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let cookies = format!("sessionid={}; csrftoken={}", ada.session, ada.csrf);
    let forged = roster
        .visit("POST", "/users/logout/")
        .header("cookie", cookies);
    let answer = forged.send().await.expect(403);
    assert!(!answer.headers.contains_key("set-cookie"));
    ada.get("/users/emails").await.expect(200);
}

#[tokio::test]
async fn without_a_session_there_is_nothing_to_end() {
    let roster = Roster::start().await;
    let answer = roster
        .visit("POST", "/users/logout/")
        .send()
        .await
        .expect(401);
    assert_eq!(
        answer.problem(),
        json!({
            "type": "https://httpstatuses.io/401", "title": "Unauthorized", "status": 401,
            "detail": "You are not signed in.", "instance": "/users/logout/",
        })
    );
}

#[tokio::test]
async fn a_lost_reply_makes_no_difference() {
    let roster = Roster::start().await;
    for at in 0..2 {
        roster.table.clear().await;
        let ada = roster.ada().await;
        roster.faults.plan(at, 1, Fault::DropReply);
        ada.post("/users/logout/", json!({})).await.expect(204);
        roster.faults.clear();
        ada.get("/users/emails/").await.expect(401);
    }
}
