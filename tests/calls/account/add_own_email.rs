use domain::sample;
use serde_json::json;

use crate::harness::{Fault, Roster};

const NEW: &str = "countess@example.com";
const PHONE: &str = "+441514960815";
const PATH: &str = "/users/email/";

#[tokio::test]
async fn mail_goes_to_the_mailbox_that_is_reserved() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    for (typed, mailbox) in [
        ("Grace@Bücher.example", "Grace@xn--bcher-kva.example"),
        ("ｇrace@example.net", "grace@example.net"),
        ("grace@straße.example", "grace@xn--strae-oqa.example"),
    ] {
        ada.add_email(typed).await.expect(200);
        roster.follow_link_to(mailbox).await;
        let shown = (typed.to_owned(), true, false);
        assert!(ada.emails().await.contains(&shown), "{typed}");
    }
}

#[tokio::test]
async fn an_address_that_mail_cannot_get_to_is_refused() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    // After folding this is ASCII, but another mailbox, which may belong to another person.
    for email in [
        "grâce@example.com",
        "straße@example.com",
        "ﬁona@example.com",
    ] {
        let (detail, errors) = ada.refused(PATH, json!({ "email": email })).await;
        assert_eq!(
            detail,
            "email can't get mail: the part before the @ must be in ASCII."
        );
        let why = "can't get mail: the part before the @ must be in ASCII";
        assert_eq!(errors, json!({ "email": [why] }));
    }
}

#[tokio::test]
async fn an_address_waits_to_be_proved_and_two_links_are_sent() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let before = roster.shown(&ada.id).await;
    let answer = ada.add_email(NEW).await.expect(200);
    assert_eq!(
        (answer.body, answer.headers.contains_key("set-cookie")),
        (json!(null), false)
    );
    assert_eq!(ada.emails().await[2..], [(NEW.to_owned(), false, false)]);
    assert_eq!(roster.shown(&ada.id).await, before);
    let mut recipients = roster.recipients().await;
    recipients.sort();
    assert_eq!(recipients, [PHONE, NEW]);
    for recipient in [NEW, PHONE] {
        let link = roster.link_to(recipient).await;
        assert!(link.starts_with("/users/email-verify/"), "{link}");
    }
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn without_a_phone_one_notification_is_sent() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    grace
        .request("POST", "/users/email")
        .json(json!({ "email": NEW }))
        .send()
        .await
        .expect(200);
    assert_eq!(roster.recipients().await, [NEW]);
}

#[tokio::test]
async fn a_pending_address_is_no_identifier_to_sign_in_with() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.add_email(NEW).await.expect(200);
    let by_email = json!({ "email": NEW, "password": sample::PASSWORD });
    roster.attempt(by_email).send().await.expect(401);
}

#[tokio::test]
async fn what_is_no_address_is_refused() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    for email in ["", "nobody", "a b@example.org"] {
        let (detail, errors) = ada.refused(PATH, json!({ "email": email })).await;
        assert_eq!(
            errors,
            json!([{ "code": "InvalidEmail", "description": detail, "field": "email" }])
        );
    }
    let required = (
        "email is required.".to_owned(),
        json!({ "email": ["is required"] }),
    );
    assert_eq!(ada.refused(PATH, json!({ "email": null })).await, required);
    let (_, errors) = ada.refused(PATH, json!({ "email": 7 })).await;
    assert!(errors["email"].is_array(), "{errors}");
    ada.request("POST", "/users/email/")
        .body("{")
        .send()
        .await
        .expect(400);
}

#[tokio::test]
async fn an_address_in_use_is_refused() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    roster.person("grace").await;
    let (detail, errors) = ada
        .refused(PATH, json!({ "email": "GRACE@example.org" }))
        .await;
    assert_eq!(detail, "The e-mail address is already in use.");
    assert_eq!(
        errors,
        json!([{ "code": "DuplicateEmail", "description": detail, "field": "email" }])
    );
}

#[tokio::test]
async fn an_own_address_that_is_proved_is_refused() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let own = "is an address of yours already";
    for email in ["ada@example.org", "ADA.Byron@example.org"] {
        let refusal = ada.refused(PATH, json!({ "email": email })).await;
        assert_eq!(
            refusal,
            (format!("email {own}."), json!({ "email": [own] }))
        );
    }
}

#[tokio::test]
async fn an_own_address_that_is_not_proved_can_be_proved() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let unproved = json!({ "email": "unproved@example.org" });
    let path = format!("/api/users/{}/emails", ada.id);
    roster.send_json("POST", &path, unproved).await.expect(200);
    let id = ada.get("/users/emails").await.body[1]["id"].clone();
    ada.add_email("unproved@example.org").await.expect(200);
    roster
        .follow(&roster.link_to("unproved@example.org").await)
        .await
        .expect(200);
    let proved =
        json!({ "id": id, "email": "unproved@example.org", "verified": true, "primary": false });
    assert_eq!(ada.get("/users/emails").await.body[1], proved);
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn two_people_can_wait_for_one_address_and_the_first_who_proves_it_has_it() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let grace = roster.person("grace").await;
    ada.add_email(NEW).await.expect(200);
    let adas = roster.link_to(NEW).await;
    grace.add_email(NEW).await.expect(200);
    let graces = roster.link_to(NEW).await;
    roster.follow(&graces).await.expect(200);
    let before = roster.table.items().await;
    roster.follow(&adas).await.expect(400);
    assert_eq!(roster.table.items().await, before);
    assert_eq!(grace.emails().await[1], (NEW.to_owned(), true, false));
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn asking_again_keeps_one_pending_address() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.add_email(NEW).await.expect(200);
    let first = ada.get("/users/emails").await.body;
    ada.add_email(NEW).await.expect(200);
    assert_eq!(ada.get("/users/emails").await.body, first);
    ada.change_email(NEW, sample::PASSWORD).await.expect(200);
    assert_eq!(ada.get("/users/emails").await.body, first);
    assert_eq!(roster.recipients().await.len(), 6);
}

#[tokio::test]
async fn a_user_with_forty_addresses_can_ask_for_no_more() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let path = format!("/api/users/{}/emails", ada.id);
    for n in 2..40 {
        let body = json!({ "email": format!("a{n}@example.org") });
        roster.send_json("POST", &path, body).await.expect(200);
    }
    let (_, errors) = ada.refused(PATH, json!({ "email": NEW })).await;
    assert_eq!(
        errors,
        json!({ "email": ["would be one address too many: drop one first"] })
    );
    // One of the forty addresses may still be proved.
    ada.add_email("a7@example.org").await.expect(200);
}

#[tokio::test]
async fn five_an_hour_is_the_most_and_refused_ones_count() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    for email in ["nobody", "ada@example.org", NEW, NEW, ""] {
        ada.add_email(email).await;
    }
    let answer = ada.add_email("free@example.org").await.expect(429);
    assert_eq!(answer.header("retry-after"), Some("2800"));
    assert_eq!(ada.emails().await.len(), 3);
}

#[tokio::test]
async fn a_lost_reply_notifies_once() {
    let roster = Roster::start().await;
    let mut at = 0;
    loop {
        roster.table.clear().await;
        let ada = roster.ada().await;
        roster.send_notifications().await;
        let sent = roster.outbox.messages().len();
        roster.faults.plan(at, 1, Fault::DropReply);
        ada.add_email(NEW).await.expect(200);
        let requests = roster.faults.clear().len();
        assert_eq!(roster.recipients().await.len(), sent + 2, "at {at}");
        assert_eq!(ada.emails().await.len(), 3, "at {at}");
        at += 1;
        if at >= requests {
            break;
        }
    }
}
