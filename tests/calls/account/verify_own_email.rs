use std::time::Duration;

use domain::sample;
use serde_json::{Value, json};

use crate::harness::Roster;

const OLD: &str = "ada@example.org";
const OTHER: &str = "ada.byron@example.org";
const NEW: &str = "countess@example.com";
const PHONE: &str = "+441514960815";

/// The text of all messages that were sent after the first `earlier` ones.
fn said_after(roster: &Roster, earlier: usize) -> String {
    let messages = roster.outbox.messages();
    let later: Vec<&str> = messages
        .iter()
        .skip(earlier)
        .map(|message| message.text.as_str())
        .collect();
    later.join("\n")
}

#[tokio::test]
async fn the_mailed_link_puts_the_address_on_the_profile_as_verified() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let answer = ada.add_email(NEW).await.expect(200);
    assert_eq!(answer.body, Value::Null);
    assert_eq!(roster.recipients_after(0).await, [PHONE, NEW]);
    let link = roster.link_to(NEW).await;
    assert!(link.starts_with("/users/email-verify/"), "{link}");
    assert!(
        roster
            .link_to(PHONE)
            .await
            .starts_with("/users/email-verify/")
    );

    let page = roster.open(&link).await.expect(200);
    assert!(
        page.html()
            .contains("Is this your <span class=\"whole\">e-mail</span> address?"),
        "{page:#?}"
    );
    assert!(
        page.html()
            .contains("<strong>countess@example.com</strong> is added")
    );
    assert_eq!(ada.listed().await[2], "countess@example.com pending");

    let before = roster.read_ada().await;
    let done = roster.press(&link, "").await.expect(200);
    assert!(
        done.html().contains("address is confirmed</h1>"),
        "{done:#?}"
    );
    assert_eq!(
        ada.listed().await,
        [
            "ada@example.org primary",
            "countess@example.com verified",
            "ada.byron@example.org verified",
        ]
    );
    let after = roster.read_ada().await;
    assert_eq!(
        after.email_generation(),
        before.email_generation(),
        "links hold on"
    );
    let own = after
        .emails()
        .iter()
        .find(|(_, own)| own.value.as_str() == NEW)
        .unwrap()
        .1;
    assert_eq!(own.source.as_str(), "self_service");
    assert_eq!(
        own.verification_source.as_ref().unwrap().as_str(),
        "self_service"
    );
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn the_present_address_and_the_phone_get_links_to_make_it_primary_and_the_new_address_none() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.prove(NEW).await;
    assert_eq!(roster.recipients_after(2).await, [PHONE, OTHER, OLD]);
    let (mailed, texted) = (roster.link_to(OLD).await, roster.link_to(PHONE).await);
    assert_ne!(mailed, texted);
    for link in [&mailed, &texted] {
        assert!(link.starts_with("/users/email-set-primary/"), "{link}");
        let page = roster.open(link).await.expect(200);
        assert!(
            page.html()
                .contains("<strong>countess@example.com</strong> becomes the main")
        );
    }
    assert_eq!(
        roster
            .recipients()
            .await
            .iter()
            .filter(|to| *to == NEW)
            .count(),
        1
    );

    roster.press(&mailed, "").await.expect(200);
    assert_eq!(ada.listed().await[0], "countess@example.com primary");
    // The effect of the other link has happened, too, and no second notice is sent.
    roster.follow(&texted).await.expect(200);
    assert_eq!(roster.recipients_after(5).await, [OLD]);
    assert!(said_after(&roster, 5).contains("/users/email-undo/"));
}

#[tokio::test]
async fn the_sms_link_makes_a_proved_address_the_primary_one() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.prove(NEW).await;
    let texted = roster.link_to(PHONE).await;
    roster.follow(&texted).await.expect(200);
    assert_eq!(ada.listed().await[0], "countess@example.com primary");
}

#[tokio::test]
async fn an_account_without_a_primary_address_gets_the_proved_one_by_the_phones_link() {
    let roster = Roster::start().await;
    let body = json!({
        "username": "grace", "phone_number": "+441514960961", "phone_number_verified": true,
        "password": sample::PASSWORD, "is_temporary_password": false,
    });
    roster.create(body).await;
    let grace = roster.sign_in("grace", sample::PASSWORD).await;
    grace.prove(NEW).await;
    assert_eq!(grace.listed().await, ["countess@example.com verified"]);
    let phone = "+441514960961";
    assert_eq!(roster.recipients_after(0).await, [phone, phone, NEW]);
    roster.follow_link_to(phone).await;
    assert_eq!(grace.listed().await, ["countess@example.com primary"]);
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn an_sms_link_proves_nothing_and_can_cancel() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.add_email(NEW).await.expect(200);
    let (mailed, texted) = (roster.link_to(NEW).await, roster.link_to(PHONE).await);
    let items = roster.table.items().await;
    let page = roster.open(&texted).await.expect(200);
    assert!(
        page.html()
            .contains("A new <span class=\"whole\">e-mail</span> address is waiting"),
        "{page:#?}"
    );
    assert!(page.html().contains("Cancel this change"));
    roster.follow(&texted).await.expect(400);
    roster.press(&texted, "").await.expect(400);
    assert_eq!(roster.table.items().await, items);

    let (nonce, _) = page.set_cookies()["linknonce"];
    for _ in 0..2 {
        let done = roster
            .submit(&texted, nonce, "action=cancel")
            .await
            .expect(200);
        assert!(done.html().contains("The change is cancelled"), "{done:#?}");
    }
    assert_eq!(
        ada.listed().await,
        ["ada@example.org primary", "ada.byron@example.org verified"]
    );
    roster.follow(&mailed).await.expect(400);
    roster.open(&texted).await.expect(400);
}

#[tokio::test]
async fn the_mailed_link_can_cancel_too() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.add_email(NEW).await.expect(200);
    let link = roster.link_to(NEW).await;
    roster.press(&link, "action=cancel").await.expect(200);
    assert_eq!(ada.listed().await.len(), 2);
    roster.follow(&link).await.expect(400);
}

#[tokio::test]
async fn a_link_that_is_used_twice_is_200_for_as_long_as_its_effect_holds() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.add_email(NEW).await.expect(200);
    let (mailed, texted) = (roster.link_to(NEW).await, roster.link_to(PHONE).await);
    roster.follow(&mailed).await.expect(200);
    // The address stays on the profile, however the generation moves.
    ada.change_email(OTHER, sample::PASSWORD).await.expect(200);
    let items = roster.table.items().await;
    for link in [&mailed, &texted] {
        roster.follow(link).await.expect(200);
        let page = roster.open(link).await.expect(200);
        assert!(
            page.html().contains("address is confirmed</h1>"),
            "{page:#?}"
        );
        roster.press(link, "").await.expect(200);
    }
    assert_eq!(roster.table.items().await, items);

    let id = ada.email_id(NEW).await;
    ada.delete(&format!("/users/emails/{id}/"))
        .await
        .expect(204);
    for link in [&mailed, &texted] {
        roster.follow(link).await.expect(400);
        roster.open(link).await.expect(400);
    }
    assert_eq!(
        ada.listed().await,
        ["ada.byron@example.org primary", "ada@example.org verified",]
    );
}

#[tokio::test]
async fn an_address_that_was_taken_meanwhile_is_refused_and_nothing_moves() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.add_email(NEW).await.expect(200);
    let link = roster.link_to(NEW).await;
    // The other user's address is not even proved.
    roster.create(json!({ "email": NEW })).await;
    let items = roster.table.items().await;
    let refusal = roster.follow(&link).await.expect(400);
    assert_eq!(refusal.codes(), ["DuplicateEmail"]);
    let page = roster.press(&link, "").await.expect(400);
    assert!(
        page.html()
            .contains("This address belongs to another account"),
        "{page:#?}"
    );
    assert_eq!(roster.table.items().await, items);
    assert_eq!(roster.recipients_after(0).await, [PHONE, NEW]);
}

#[tokio::test]
async fn a_pending_address_blocks_no_other_user() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.add_email(NEW).await.expect(200);
    let ada_link = roster.link_to(NEW).await;
    let grace = roster.person("grace").await;
    grace.add_email(NEW).await.expect(200);
    roster.follow_link_to(NEW).await;
    assert_eq!(
        grace.listed().await,
        ["grace@example.org primary", "countess@example.com verified"]
    );
    roster.follow(&ada_link).await.expect(400);
}

#[tokio::test]
async fn an_unproved_address_of_the_profile_keeps_its_id_when_it_is_proved() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let body = json!({ "email": NEW, "is_verified": false });
    roster
        .send_json("POST", &format!("{}/emails", ada.path()), body)
        .await
        .expect(200);
    let id = ada.email_id(NEW).await;
    ada.prove(NEW).await;
    assert_eq!(ada.email_id(NEW).await, id);
    assert_eq!(ada.listed().await[1], "countess@example.com verified");
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn the_link_lapses_after_seven_days() {
    let roster = Roster::start().await;
    let week = Duration::from_hours(7 * 24);
    let ada = roster.ada().await;
    ada.add_email(NEW).await.expect(200);
    let link = roster.link_to(NEW).await;
    let late = roster.later(week).await;
    late.follow(&link).await.expect(400);
    late.open(&link).await.expect(400);
    let at_last = roster
        .later(week.saturating_sub(Duration::from_secs(1)))
        .await;
    at_last.follow(&link).await.expect(200);
}

#[tokio::test]
async fn a_shorter_life_of_links_can_be_set() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let now = crate::harness::NOW;
    let second = Duration::from_secs(1);
    let short = roster
        .also(now.plus(second), &[("LinkTtlSeconds", "60")])
        .await;
    let grace = short.person("grace").await;
    grace.add_email(NEW).await.expect(200);
    let link = short.link_to(NEW).await;
    short
        .later(60 * second)
        .await
        .follow(&link)
        .await
        .expect(400);
    short
        .later(59 * second)
        .await
        .follow(&link)
        .await
        .expect(200);
    assert_eq!(ada.listed().await.len(), 2);
}
