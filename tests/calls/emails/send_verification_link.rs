use std::time::Duration;

use domain::sample;
use serde_json::{Value, json};

use crate::harness::{Answer, NOW, Roster};

const EMAIL: &str = "grace@example.org";
const DAY: i64 = 24 * 60 * 60;

/// A user with an address that is not proved, and the path of the call.
async fn grace(roster: &Roster) -> (String, String) {
    unproved(roster, EMAIL).await
}

async fn unproved(roster: &Roster, email: &str) -> (String, String) {
    let path = roster
        .create(json!({
            "username": "grace", "email": email,
            "phone_number": "+441514960961", "phone_number_verified": true,
            "password": sample::PASSWORD, "is_temporary_password": false,
        }))
        .await;
    let user = roster.send("GET", &path).await.body;
    let id = user["emails"][0]["id"].as_str().unwrap();
    let send = format!("{path}/emails/{id}/verify/link");
    (path, send)
}

fn answered(answer: &Answer) -> (i64, bool) {
    let (expires_at, email_sent) = (&answer.body["expires_at"], &answer.body["email_sent"]);
    (expires_at.as_i64().unwrap(), email_sent.as_bool().unwrap())
}

fn now_plus(seconds: i64) -> i64 {
    NOW.as_unix() + seconds
}

#[tokio::test]
async fn the_link_is_mailed_to_the_address_and_proves_it() {
    let roster = Roster::start().await;
    let (path, send) = grace(&roster).await;
    let before = roster.read(&path).await.unwrap();
    let answer = roster.send("POST", &send).await.expect(200);
    assert_eq!(answered(&answer), (now_plus(7 * DAY), true));
    assert_eq!(answer.body.as_object().unwrap().len(), 2, "and no link");
    assert_eq!(roster.recipients().await, [EMAIL], "no SMS");
    let link = roster.link_to(EMAIL).await;
    assert!(link.starts_with("/users/email-verify/"), "{link}");

    let page = roster.open(&link).await.expect(200);
    assert!(page.html().contains("Is this your"), "{page:#?}");
    assert!(!page.html().contains("is added"), "{page:#?}");
    let done = roster.press(&link, "").await.expect(200);
    assert!(done.html().contains("address is confirmed"), "{done:#?}");
    let user = roster.send("GET", &path).await.body;
    let email = &user["emails"][0];
    assert_eq!(email["verified"], true);
    assert_eq!(email["source"], "api");
    assert_eq!(email["verification_source"], "self_service");
    let after = roster.read(&path).await.unwrap();
    let moved = before.email_generation().next();
    assert_eq!(after.email_generation(), moved, "older links are inert");
    // Used twice, it is harmless.
    roster.follow(&link).await.expect(200);
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn the_link_makes_no_address_primary_and_offers_to_make_none() {
    let roster = Roster::start().await;
    let (path, send) = grace(&roster).await;
    roster.send("POST", &send).await.expect(200);
    let link = roster.link_to(EMAIL).await;
    let done = roster.press(&link, "").await.expect(200);
    assert!(!done.html().contains("main one"), "{done:#?}");
    let user = roster.send("GET", &path).await.body;
    assert_eq!(user["emails"][0]["primary"], false);
    assert_eq!(roster.recipients().await, [EMAIL], "nobody else is told");
}

#[tokio::test]
async fn where_there_is_a_primary_address_it_is_told_without_a_link() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let other = ada.email_path("ada.byron@example.org").await;
    roster
        .send("POST", &format!("{other}/unverify"))
        .await
        .expect(200);
    let before = roster.accounts.get(roster.read_ada().await.id()).await;
    roster
        .send("POST", &format!("{other}/verify/link"))
        .await
        .expect(200);
    roster.follow_link_to("ada.byron@example.org").await;
    let told = roster.recipients_after(1).await;
    assert_eq!(told, ["ada@example.org"]);
    let messages = roster.outbox.messages();
    let notice = &messages.last().unwrap().text;
    assert!(!notice.contains("http"), "{notice}");
    let after = roster.accounts.get(roster.read_ada().await.id()).await;
    let (before, after) = (before.unwrap().unwrap(), after.unwrap().unwrap());
    assert_eq!(after.rights, before.rights);
    assert_eq!(
        after.user.emails().primary(),
        before.user.emails().primary()
    );
}

#[tokio::test]
async fn a_link_lives_by_its_own_expiry_whatever_others_live_by() {
    let roster = Roster::start().await;
    let (_, send) = grace(&roster).await;
    let mut links = Vec::new();
    for expiry in [300, 30 * DAY] {
        let body = json!({ "expiry": expiry });
        let answer = roster.send_json("POST", &send, body).await.expect(200);
        assert_eq!(answered(&answer), (now_plus(expiry), true));
        links.push(roster.link_to(EMAIL).await);
    }
    let late = roster.later(Duration::from_mins(5)).await;
    late.open(&links[0]).await.expect(400);
    roster.open(&links[0]).await.expect(200);
    let month = Duration::from_hours(30 * 24);
    roster.later(month).await.open(&links[1]).await.expect(400);
    let last = roster.just_before(month).await;
    last.press(&links[1], "").await.expect(200);
}

#[tokio::test]
async fn an_expiry_that_is_null_is_a_week_and_one_out_of_bounds_is_named() {
    let roster = Roster::start().await;
    let (_, send) = grace(&roster).await;
    let body = json!({ "expiry": null });
    let answer = roster.send_json("POST", &send, body).await.expect(200);
    assert_eq!(answered(&answer), (now_plus(7 * DAY), true));
    let items = roster.table.items().await;
    for bad in [
        json!(299),
        json!(30 * DAY + 1),
        json!(0),
        json!(-300),
        json!(i64::MAX),
        json!("300"),
        json!(300.5),
    ] {
        let body = json!({ "expiry": bad });
        let answer = roster.send_json("POST", &send, body).await.expect(422);
        assert!(answer.body["errors"]["expiry"].is_array(), "{answer:?}");
    }
    assert_eq!(roster.table.items().await, items);
}

#[tokio::test]
async fn a_verified_address_and_one_that_is_no_mailbox_get_no_mail() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let verified = ada.email_path("ada.byron@example.org").await;
    let (_, unreachable) = unproved(&roster, "straße@example.org").await;
    let items = roster.table.items().await;
    for path in [format!("{verified}/verify/link"), unreachable] {
        let answer = roster.send("POST", &path).await.expect(200);
        assert_eq!(answered(&answer), (now_plus(7 * DAY), false));
    }
    assert_eq!(roster.recipients().await, [""; 0]);
    assert_eq!(roster.table.items().await, items);
}

#[tokio::test]
async fn an_address_that_the_user_has_not_is_not_found() {
    let roster = Roster::start().await;
    let (path, _) = grace(&roster).await;
    let send = format!("{path}/emails/00000000-0000-4000-8000-000000000000/verify/link");
    let answer = roster.send("POST", &send).await.expect(404);
    assert_eq!(answer.body["detail"], "There is no such e-mail.");
}

#[tokio::test]
async fn a_named_repeat_mails_once_and_answers_the_same() {
    let roster = Roster::start().await;
    let (path, send) = grace(&roster).await;
    let named = async |roster: &Roster| {
        let call = roster.request("POST", &send).json(json!({ "expiry": 600 }));
        let call = call.header("idempotency-key", "k");
        call.send().await.expect(200)
    };
    let first = named(&roster).await;
    assert_eq!(answered(&first), (now_plus(600), true));
    let later = roster.later(Duration::from_mins(1)).await;
    // It has been proved since, and the answer is of the same mail.
    roster.follow_link_to(EMAIL).await;
    let again = named(&later).await;
    assert_eq!(again.body, first.body);
    assert_eq!(roster.recipients().await, [EMAIL]);
    assert_eq!(roster.read(&path).await.unwrap().version().as_u64(), 3);
}

#[tokio::test]
async fn the_named_repeat_of_what_mailed_nothing_mails_nothing() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let email = ada.email_path("ada.byron@example.org").await;
    let send = format!("{email}/verify/link");
    let named = || roster.request("POST", &send).header("idempotency-key", "k");
    let answer = named().send().await.expect(200);
    assert!(!answered(&answer).1);
    roster
        .send("POST", &format!("{email}/unverify"))
        .await
        .expect(200);
    let answer = named().send().await.expect(200);
    assert!(!answered(&answer).1);
    assert_eq!(roster.recipients().await, [""; 0]);
}

#[tokio::test]
async fn it_moves_the_version_and_not_the_profile_and_is_not_limited_by_the_hour() {
    let roster = Roster::start().await;
    let (path, send) = grace(&roster).await;
    let later = roster.later(Duration::from_mins(1)).await;
    let before = roster.read(&path).await.unwrap();
    for _ in 0..7 {
        later.send("POST", &send).await.expect(200);
    }
    let after = roster.read(&path).await.unwrap();
    assert_eq!(after.version().as_u64(), 8);
    assert_eq!(after.last_updated(), before.last_updated());
    assert_eq!(later.recipients().await.len(), 7);
    // Nor does it use up what the person may ask for.
    let grace = later.sign_in("grace", sample::PASSWORD).await;
    grace.add_email("next@example.org").await.expect(200);
}

#[tokio::test]
async fn a_changed_address_makes_the_link_inert_and_its_form_cancels_nothing() {
    let roster = Roster::start().await;
    let (path, send) = grace(&roster).await;
    roster.send("POST", &send).await.expect(200);
    let link = roster.link_to(EMAIL).await;
    let items = roster.table.items().await;
    roster.press(&link, "action=cancel").await.expect(400);
    assert_eq!(roster.table.items().await, items);
    let body = json!({ "email": "other@example.org" });
    roster
        .send_json("POST", &format!("{path}/emails"), body)
        .await
        .expect(200);
    roster.follow(&link).await.expect(400);
    let user: Value = roster.send("GET", &path).await.body;
    assert_eq!(user["emails"][0]["verified"], false);
}

#[tokio::test]
async fn a_disabled_users_link_works_once_the_user_is_enabled() {
    let roster = Roster::start().await;
    let (path, send) = grace(&roster).await;
    let switch = async |to: &str| {
        roster
            .send("POST", &format!("{path}/{to}"))
            .await
            .expect(200)
    };
    switch("disable").await;
    let answer = roster.send("POST", &send).await.expect(200);
    assert!(answered(&answer).1);
    let link = roster.link_to(EMAIL).await;
    roster.follow(&link).await.expect(400);
    switch("enable").await;
    roster.follow(&link).await.expect(200);
}
