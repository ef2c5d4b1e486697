use std::time::Duration;

use domain::sample;
use management::passwords::make_reset_link;
use roster_http::{AccountSettings, App, Event};
use serde_json::{Value, json};

use crate::harness::{Answer, NOW, READ_ONLY, Roster, log, root};

const EMAIL: &str = "grace@example.org";
const PASSWORD: &str = "a new long password";
const FORM: &str = "password=a+new+long+password";
const HOUR: i64 = 60 * 60;

/// A user with a primary address and a password; its path.
async fn grace(roster: &Roster) -> String {
    roster
        .create(json!({
            "username": "grace", "email": EMAIL, "email_verified": true,
            "password": sample::PASSWORD, "is_temporary_password": false,
        }))
        .await
}

async fn make(roster: &Roster, path: &str, body: Value) -> Answer {
    let path = format!("{path}/password/reset");
    roster.send_json("POST", &path, body).await
}

/// The path of the link that was answered.
fn link(answer: &Answer) -> String {
    let url = answer.body["link"].as_str().unwrap();
    url[url.find("/users/").unwrap()..].to_owned()
}

fn now_plus(seconds: i64) -> i64 {
    NOW.as_unix() + seconds
}

#[tokio::test]
async fn the_link_is_answered_and_sets_a_password_and_nothing_is_mailed() {
    let roster = Roster::start().await;
    let path = grace(&roster).await;
    let items = roster.table.items().await;
    let answer = make(&roster, &path, json!({})).await.expect(200);
    assert_eq!(roster.table.items().await, items, "it changes nothing");
    let url = answer.body["link"].as_str().unwrap();
    assert!(url.starts_with(&format!("{}/users/password-reset/", roster.base)));
    assert_eq!(answer.body["expires_at"], now_plus(HOUR));
    assert_eq!(answer.body["email_sent"], false);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(roster.recipients().await, [""; 0]);

    let page = roster.open(&link(&answer)).await.expect(200);
    assert!(page.html().contains("Choose a new password"), "{page:#?}");
    let done = roster.press(&link(&answer), FORM).await.expect(200);
    assert!(done.html().contains("Your new password is set"));
    roster.login("grace", sample::PASSWORD).await.expect(401);
    roster.login("grace", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn it_works_without_a_password_and_without_an_address() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    let body = json!({ "send_email": true });
    let answer = make(&roster, &path, body).await.expect(200);
    assert_eq!(answer.body["email_sent"], false, "there is no address");
    roster.press(&link(&answer), FORM).await.expect(200);
    roster.login("grace", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_mailed_link_lives_by_the_same_expiry_and_says_who_asked_for_it() {
    let roster = Roster::start().await;
    let path = grace(&roster).await;
    let body = json!({ "send_email": true, "expiry": 600 });
    let answer = make(&roster, &path, body).await.expect(200);
    assert_eq!(answer.body["expires_at"], now_plus(600));
    assert_eq!(answer.body["email_sent"], true);
    assert_eq!(roster.recipients().await, [EMAIL]);
    let mailed = roster.link_to(EMAIL).await;
    let text = roster.outbox.messages()[0].text.clone();
    assert!(!text.contains("tried to sign in"), "{text}");
    for link in [&link(&answer), &mailed] {
        let late = roster.later(Duration::from_mins(10)).await;
        late.open(link).await.expect(400);
        let last = roster.just_before(Duration::from_mins(10)).await;
        last.open(link).await.expect(200);
    }
    roster.press(&mailed, FORM).await.expect(200);
    // Each of them sets one password, and the other one none.
    for link in [&link(&answer), &mailed] {
        let page = roster.open(link).await.expect(200);
        assert!(page.html().contains("This was done already"), "{page:#?}");
    }
}

#[tokio::test]
async fn a_user_without_a_password_gets_the_mail_too() {
    let roster = Roster::start().await;
    let path = roster
        .create(json!({ "username": "grace", "email": EMAIL, "email_verified": true }))
        .await;
    let body = json!({ "send_email": true });
    make(&roster, &path, body).await.expect(200);
    let mailed = roster.link_to(EMAIL).await;
    roster.press(&mailed, FORM).await.expect(200);
    roster.login("grace", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn while_a_right_to_undo_lives_the_mail_goes_to_the_address_that_has_it() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.move_to("countess@example.com").await;
    let earlier = roster.recipients().await.len();
    let body = json!({ "send_email": true });
    let answer = make(&roster, &ada.path(), body).await.expect(200);
    assert_eq!(answer.body["email_sent"], true);
    assert_eq!(roster.recipients_after(earlier).await, ["ada@example.org"]);
    let mailed = roster.link_to("ada@example.org").await;
    assert!(mailed.starts_with("/users/email-undo/"), "{mailed}");
    roster.press(&mailed, FORM).await.expect(200);
    assert_eq!(
        roster
            .read_ada()
            .await
            .emails()
            .primary_value()
            .unwrap()
            .1
            .as_str(),
        "ada@example.org"
    );
}

#[tokio::test]
async fn a_link_is_inert_once_the_password_is_another_one() {
    let roster = Roster::start().await;
    let path = grace(&roster).await;
    let old = link(&make(&roster, &path, json!({})).await.expect(200));
    let used = link(&make(&roster, &path, json!({})).await.expect(200));
    roster.press(&used, FORM).await.expect(200);
    let later = link(&make(&roster, &path, json!({})).await.expect(200));
    let form = "password=another+long+password";
    roster.press(&later, form).await.expect(200);
    for link in [&old, &used] {
        roster.open(link).await.expect(400);
    }
    roster
        .login("grace", "another long password")
        .await
        .expect(200);
}

#[tokio::test]
async fn an_expiry_out_of_bounds_is_named() {
    let roster = Roster::start().await;
    let path = grace(&roster).await;
    for good in [json!(300), json!(7 * 24 * HOUR), Value::Null] {
        let body = json!({ "expiry": good });
        make(&roster, &path, body).await.expect(200);
    }
    for bad in [json!(299), json!(7 * 24 * HOUR + 1), json!(-1), json!("1")] {
        let body = json!({ "expiry": bad });
        let answer = make(&roster, &path, body).await.expect(422);
        assert!(answer.body["errors"]["expiry"].is_array(), "{answer:?}");
    }
    let body = json!({ "send_email": "yes" });
    let answer = make(&roster, &path, body).await.expect(422);
    assert!(answer.body["errors"]["send_email"].is_array(), "{answer:?}");
}

#[tokio::test]
async fn a_named_repeat_mails_once() {
    let roster = Roster::start().await;
    let path = grace(&roster).await;
    let reset = format!("{path}/password/reset");
    for _ in 0..2 {
        let call = roster.request("POST", &reset);
        let call = call.json(json!({ "send_email": true }));
        let answer = call.header("idempotency-key", "k").send().await.expect(200);
        assert_eq!(answer.body["email_sent"], true);
        roster.open(&link(&answer)).await.expect(200);
    }
    assert_eq!(roster.recipients().await, [EMAIL]);
}

#[tokio::test]
async fn a_disabled_users_link_works_once_the_user_is_enabled() {
    let roster = Roster::start().await;
    let path = grace(&roster).await;
    let disable = format!("{path}/disable");
    roster.send("POST", &disable).await.expect(200);
    let link = link(&make(&roster, &path, json!({})).await.expect(200));
    roster.open(&link).await.expect(400);
    let enable = format!("{path}/enable");
    roster.send("POST", &enable).await.expect(200);
    roster.press(&link, FORM).await.expect(200);
}

#[tokio::test]
async fn the_log_tells_for_whom_a_link_was_made_and_by_which_key_and_never_the_link() {
    let roster = Roster::start().await;
    let path = grace(&roster).await;
    let reset = format!("{path}/password/reset");
    // At a time of its own, and so with ids that no other test draws.
    let roster = roster.later(Duration::from_secs(4321)).await;
    let refused = roster.request("POST", &reset).key(Some(READ_ONLY));
    let refused = refused.send().await.expect(403);
    let answer = make(&roster, &path, json!({})).await.expect(200);
    let logged = log::lines();
    let line_of = |id: &str| -> Value {
        let mut lines = logged.lines();
        let line = lines.find(|line| line.contains(id));
        serde_json::from_str(line.unwrap_or_else(|| panic!("no line for {id}"))).unwrap()
    };
    let told = line_of(answer.header("x-amzn-requestid").unwrap());
    assert_eq!(told["handed_out"], "reset link");
    assert_eq!(told["user_id"], path.rsplit('/').next().unwrap());
    assert!(told["key_id"].is_string(), "{told}");
    assert!(line_of(refused.body["trace_id"].as_str().unwrap())["handed_out"].is_null());
    let made = link(&answer);
    let token = made.split('/').nth(3).unwrap();
    assert!(!logged.contains(token.rsplit('.').next().unwrap()));
}

#[tokio::test]
async fn without_a_public_url_no_link_can_be_made() {
    let roster = Roster::start().await;
    roster.write(&sample::published()).await;
    let app = App {
        account: AccountSettings::default(),
        ..roster.app()
    };
    let event = std::fs::read_to_string(root().join("events/make_reset_link.json")).unwrap();
    let event: Event = serde_json::from_str(&event).unwrap();
    let answer = roster_http::call(&app, &make_reset_link::ENDPOINT, event.into()).await;
    assert_eq!(answer.status(), 503);
    let body = String::from_utf8(answer.body().as_ref().to_vec()).unwrap();
    assert!(body.contains("PublicUrl"), "{body}");
}

#[tokio::test]
async fn a_link_says_that_it_is_not_valid_once_the_management_api_has_set_a_password() {
    let roster = Roster::start().await;
    let path = grace(&roster).await;
    for (call, body) in [
        (
            "",
            json!({ "password": "staple battery horse", "is_temporary_password": false }),
        ),
        (
            "/change",
            json!({ "old_password": "staple battery horse", "new_password": "horse staple battery" }),
        ),
    ] {
        let answer = make(&roster, &path, json!({})).await.expect(200);
        let set = format!("{path}/password{call}");
        roster.send_json("PUT", &set, body).await.expect(200);
        roster.follow(&link(&answer)).await.expect(400);
    }
}
