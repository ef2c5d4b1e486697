use std::time::Duration;

use domain::sample;
use macro_rules_attribute::apply;
use serde_json::{Value, json};

use crate::harness::{Answer, Roster};

const OLD: &str = "ada@example.org";
const OTHER: &str = "ada.byron@example.org";
const NEW: &str = "countess@example.com";
const PHONE: &str = "+441514960815";
const DAY: Duration = Duration::from_hours(24);

/// The sentence of a problem.
fn detail(answer: &Answer) -> &str {
    answer.body["detail"].as_str().unwrap()
}

fn message_to<'a>(messages: &'a [local::outbox::Message], to: &str) -> &'a local::outbox::Message {
    messages.iter().rfind(|message| message.to == to).unwrap()
}

/// Ways to make earlier links inert.
const MOVES: [&str; 8] = [
    "another primary address",
    "another primary address by the management API",
    "an address dropped",
    "an address removed by the management API",
    "an address added by the management API",
    "an address verified by the management API",
    "an address unverified by the management API",
    "the password replaced",
];

/// Moves a person's e-mail generation in one of the [`MOVES`]. `other` is the person's other address.
async fn make_move(
    roster: &Roster,
    person: &crate::harness::person::Person<'_>,
    how: &str,
    n: usize,
) {
    let other = format!("other{n}@example.org");
    let path = person.email_path(&other).await;
    let added = json!({ "email": format!("third{n}@example.org"), "is_verified": false });
    match how {
        "another primary address" => {
            person.move_to(&other).await;
        }
        "another primary address by the management API" => {
            roster
                .send("POST", &format!("{path}/primary"))
                .await
                .expect(200);
        }
        "an address dropped" => {
            let id = person.email_id(&other).await;
            person
                .delete(&format!("/users/emails/{id}/"))
                .await
                .expect(204);
        }
        "an address removed by the management API" => {
            roster.send("DELETE", &path).await.expect(200);
        }
        "an address added by the management API" => {
            let emails = format!("{}/emails", person.path());
            roster.send_json("POST", &emails, added).await.expect(200);
        }
        "an address unverified by the management API" => {
            roster
                .send("POST", &format!("{path}/unverify"))
                .await
                .expect(200);
        }
        "an address verified by the management API" => {
            // The caller has marked it as not verified before the link was sent.
            roster
                .send("POST", &format!("{path}/verify"))
                .await
                .expect(200);
        }
        "the password replaced" => {
            let undo = format!("first{n}@example.org");
            let link = roster.link_to(&undo).await;
            roster
                .press(&link, "password=a+new+long+password")
                .await
                .expect(200);
        }
        other => panic!("{other}"),
    }
}

#[apply(on_both_stores)]
async fn the_mailed_link_proves_the_new_address_and_makes_it_the_primary_one(roster: Roster) {
    let ada = roster.ada().await;
    let answer = ada.change_email(NEW, sample::PASSWORD).await.expect(200);
    assert_eq!(answer.body, Value::Null);
    assert_eq!(roster.recipients_after(0).await, [PHONE, NEW]);
    assert_eq!(
        ada.listed().await,
        [
            "ada@example.org primary",
            "ada.byron@example.org verified",
            "countess@example.com pending",
        ]
    );

    let link = roster.link_to(NEW).await;
    assert!(link.starts_with("/users/email-set-primary/"), "{link}");
    let page = roster.open(&link).await.expect(200);
    assert!(
        page.html()
            .contains("Change your main <span class=\"whole\">e-mail</span> address?"),
        "{page:#?}"
    );
    assert!(
        page.html()
            .contains("<strong>countess@example.com</strong> becomes the main")
    );
    let primary = ada.get("/users/email-change/").await.expect(200);
    assert_eq!(primary.body["email"], OLD, "looking changes nothing");

    let before = roster.read_ada().await;
    let done = roster.press(&link, "").await.expect(200);
    assert!(done.html().contains("address is set</h1>"), "{done:#?}");
    assert_eq!(
        ada.listed().await,
        [
            "countess@example.com primary",
            "ada@example.org verified",
            "ada.byron@example.org verified",
        ]
    );
    let after = roster.read_ada().await;
    assert_eq!(after.email_generation(), before.email_generation().next());
    assert_eq!(after.session_epoch(), before.session_epoch());
    let own = after
        .emails()
        .get(after.emails().primary().unwrap().id)
        .unwrap();
    assert_eq!(own.source.as_str(), "self_service");
    assert_eq!(
        own.verification_source.as_ref().unwrap().as_str(),
        "self_service"
    );
    assert_eq!(roster.recipients_after(2).await, [OTHER, OLD]);
    roster.table.check_invariants().await;
}

#[apply(on_both_stores)]
async fn a_program_that_asks_for_json_confirms_by_get(roster: Roster) {
    let ada = roster.ada().await;
    ada.change_email(NEW, sample::PASSWORD).await.expect(200);
    let link = roster.link_to(NEW).await;
    let answer = roster.follow(&link).await.expect(200);
    assert_eq!(answer.body, Value::Null);
    let primary = ada.get("/users/email/").await.expect(200);
    let id = primary.body["id"].clone();
    let wanted = json!({ "id": id, "email": NEW, "verified": true, "primary": true });
    assert_eq!(primary.body, wanted);
}

#[apply(on_both_stores)]
async fn each_message_of_a_change_holds_a_link_of_its_own_and_tells_of_no_secret(roster: Roster) {
    let ada = roster.ada().await;
    ada.change_email(NEW, sample::PASSWORD).await.expect(200);
    let (mailed, texted) = (roster.link_to(NEW).await, roster.link_to(PHONE).await);
    assert_ne!(mailed, texted);
    let messages = roster.outbox.messages();
    let (mail, sms) = (message_to(&messages, NEW), message_to(&messages, PHONE));
    assert_eq!(
        mail.subject.as_deref(),
        Some("Confirm your new e-mail address")
    );
    // The new address may be a stranger's, so its mail must say nothing about the account.
    let html = mail.html.as_deref().unwrap();
    for part in [mail.text.as_str(), html] {
        assert!(part.contains(&mailed) && part.contains(NEW), "{part}");
        for other in [OLD, PHONE, "Ada Lovelace", texted.as_str()] {
            assert!(!part.contains(other), "{other}: {part}");
        }
    }
    assert!(
        sms.text.contains(&texted) && !sms.text.contains(&mailed),
        "{sms:#?}"
    );
}

#[apply(on_both_stores)]
async fn an_sms_link_of_an_unproved_address_says_which_mail_to_open(roster: Roster) {
    let ada = roster.ada().await;
    ada.change_email(NEW, sample::PASSWORD).await.expect(200);
    let link = roster.link_to(PHONE).await;
    let items = roster.table.items().await;
    let page = roster.open(&link).await.expect(200);
    assert!(
        page.html()
            .contains("A new <span class=\"whole\">e-mail</span> address is waiting"),
        "{page:#?}"
    );
    assert!(
        page.html()
            .contains("<strong>countess@example.com</strong>")
    );
    assert!(page.html().contains("Cancel this change"));
    let refusal = roster.follow(&link).await.expect(400);
    assert_eq!(
        detail(&refusal),
        "Open the link that was mailed to the new address first."
    );
    let pressed = roster.press(&link, "").await.expect(400);
    assert!(
        pressed
            .html()
            .contains("A new <span class=\"whole\">e-mail</span> address is waiting"),
        "{pressed:#?}"
    );
    assert_eq!(roster.table.items().await, items);
}

#[apply(on_both_stores)]
async fn cancelling_drops_the_pending_address_and_its_mailed_link(roster: Roster) {
    let ada = roster.ada().await;
    ada.change_email(NEW, sample::PASSWORD).await.expect(200);
    let (mailed, texted) = (roster.link_to(NEW).await, roster.link_to(PHONE).await);
    let page = roster.open(&texted).await.expect(200);
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
    for link in [&mailed, &texted] {
        roster.follow(link).await.expect(400);
        let page = roster.open(link).await.expect(400);
        assert!(page.html().contains("This link is not valid"), "{page:#?}");
    }
    // The address can be asked for again, and the earlier links stay inert.
    ada.change_email(NEW, sample::PASSWORD).await.expect(200);
    roster.follow(&mailed).await.expect(400);
    roster.follow_link_to(NEW).await;
}

#[apply(on_both_stores)]
async fn what_is_on_the_profile_is_not_cancelled(roster: Roster) {
    let ada = roster.ada().await;
    ada.change_email(NEW, sample::PASSWORD).await.expect(200);
    let texted = roster.link_to(PHONE).await;
    let nonce = roster.nonce(&texted).await;
    roster.follow_link_to(NEW).await;
    let items = roster.table.items().await;
    roster
        .submit(&texted, &nonce, "action=cancel")
        .await
        .expect(400);
    assert_eq!(roster.table.items().await, items);
}

#[apply(on_both_stores)]
async fn once_the_address_is_proved_the_sms_link_makes_it_the_primary_one(roster: Roster) {
    let ada = roster.ada().await;
    ada.change_email(NEW, sample::PASSWORD).await.expect(200);
    let texted = roster.link_to(PHONE).await;
    roster.follow(&texted).await.expect(400);
    ada.prove(NEW).await;
    assert_eq!(ada.listed().await[0], "ada@example.org primary");
    let done = roster.press(&texted, "").await.expect(200);
    assert!(done.html().contains("address is set</h1>"), "{done:#?}");
    assert_eq!(ada.listed().await[0], "countess@example.com primary");
}

#[apply(on_both_stores)]
async fn an_account_without_a_primary_address_gets_one_without_a_notice(roster: Roster) {
    let body = json!({
        "username": "grace", "password": sample::PASSWORD, "is_temporary_password": false,
    });
    roster.create(body).await;
    let grace = roster.sign_in("grace", sample::PASSWORD).await;
    grace.change_email(NEW, sample::PASSWORD).await.expect(200);
    roster.follow_link_to(NEW).await;
    assert_eq!(grace.listed().await, ["countess@example.com primary"]);
    assert_eq!(roster.recipients().await, [NEW]);
    roster.table.check_invariants().await;
}

#[apply(on_both_stores)]
async fn a_link_that_is_used_twice_is_200_for_as_long_as_its_effect_holds(roster: Roster) {
    let ada = roster.ada().await;
    ada.change_email(NEW, sample::PASSWORD).await.expect(200);
    let link = roster.link_to(NEW).await;
    roster.follow(&link).await.expect(200);
    let items = roster.table.items().await;
    roster.follow(&link).await.expect(200);
    let page = roster.open(&link).await.expect(200);
    assert!(page.html().contains("address is set</h1>"), "{page:#?}");
    let (nonce, _) = page.set_cookies()["linknonce"];
    roster.submit(&link, nonce, "").await.expect(200);
    assert_eq!(roster.table.items().await, items);
    assert_eq!(roster.recipients_after(2).await, [OTHER, OLD], "told once");

    let old = ada.email_path(OLD).await;
    roster
        .send("POST", &format!("{old}/primary"))
        .await
        .expect(200);
    let items = roster.table.items().await;
    roster.follow(&link).await.expect(400);
    roster.open(&link).await.expect(400);
    assert_eq!(roster.table.items().await, items);
}

#[apply(on_both_stores)]
async fn links_are_inert_after_what_moves_the_generation(roster: Roster) {
    for (n, how) in MOVES.into_iter().enumerate() {
        let person = roster.person(&format!("first{n}")).await;
        let other = format!("other{n}@example.org");
        person.prove(&other).await;
        if how == "the password replaced" {
            // The first address gets an undo link, by which the password is replaced.
            person.move_to(&other).await;
        }
        if how == "an address verified by the management API" {
            let path = person.email_path(&other).await;
            roster
                .send("POST", &format!("{path}/unverify"))
                .await
                .expect(200);
        }
        let (primary, added) = (format!("p{n}@example.com"), format!("a{n}@example.com"));
        person
            .change_email(&primary, sample::PASSWORD)
            .await
            .expect(200);
        person.add_email(&added).await.expect(200);
        let links = [roster.link_to(&primary).await, roster.link_to(&added).await];
        for link in &links {
            roster.open(link).await.expect(200);
        }
        make_move(&roster, &person, how, n).await;
        let items = roster.table.items().await;
        for link in &links {
            let refusal = roster.follow(link).await.expect(400);
            assert_eq!(detail(&refusal), "This link is not valid.", "{how}");
            roster.open(link).await.expect(400);
        }
        assert_eq!(roster.table.items().await, items, "{how}");
    }
    roster.table.check_invariants().await;
}

#[apply(on_both_stores)]
async fn links_hold_while_others_are_added_proved_and_dropped_before_they_are(roster: Roster) {
    let ada = roster.ada().await;
    ada.change_email(NEW, sample::PASSWORD).await.expect(200);
    let link = roster.link_to(NEW).await;
    ada.add_email("dropped@example.com").await.expect(200);
    let id = ada.email_id("dropped@example.com").await;
    ada.delete(&format!("/users/emails/{id}/"))
        .await
        .expect(204);
    ada.prove("proved@example.com").await;
    roster.follow(&link).await.expect(200);
    assert_eq!(ada.listed().await[0], "countess@example.com primary");
}

#[apply(on_both_stores)]
async fn an_address_that_was_taken_meanwhile_is_refused_and_nothing_moves(roster: Roster) {
    let ada = roster.ada().await;
    ada.change_email(NEW, sample::PASSWORD).await.expect(200);
    let link = roster.link_to(NEW).await;
    roster
        .create(json!({ "email": NEW, "email_verified": true }))
        .await;
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
    roster.table.check_invariants().await;
}

#[apply(on_both_stores)]
async fn links_and_pending_addresses_lapse_after_seven_days(roster: Roster) {
    let ada = roster.ada().await;
    ada.change_email(NEW, sample::PASSWORD).await.expect(200);
    let (mailed, texted) = (roster.link_to(NEW).await, roster.link_to(PHONE).await);
    let late = roster.later(7 * DAY).await;
    for link in [&mailed, &texted] {
        late.follow(link).await.expect(400);
        late.open(link).await.expect(400);
    }
    let at_last = roster
        .later((7 * DAY).saturating_sub(Duration::from_secs(1)))
        .await;
    at_last.open(&texted).await.expect(200);
    at_last.follow(&mailed).await.expect(200);
}

#[apply(on_both_stores)]
async fn a_disabled_users_links_do_nothing(roster: Roster) {
    let ada = roster.ada().await;
    ada.change_email(NEW, sample::PASSWORD).await.expect(200);
    let (mailed, texted) = (roster.link_to(NEW).await, roster.link_to(PHONE).await);
    let nonce = roster.nonce(&texted).await;
    roster
        .send("POST", &format!("{}/disable", ada.path()))
        .await
        .expect(200);
    let items = roster.table.items().await;
    roster.follow(&mailed).await.expect(400);
    roster.open(&mailed).await.expect(400);
    roster
        .submit(&texted, &nonce, "action=cancel")
        .await
        .expect(400);
    assert_eq!(roster.table.items().await, items);
}

#[apply(on_both_stores)]
async fn a_deleted_users_links_do_nothing(roster: Roster) {
    let ada = roster.ada().await;
    ada.change_email(NEW, sample::PASSWORD).await.expect(200);
    let link = roster.link_to(NEW).await;
    let nonce = roster.nonce(&link).await;
    roster.send("DELETE", &ada.path()).await.expect(204);
    let items = roster.table.items().await;
    roster.follow(&link).await.expect(400);
    roster.open(&link).await.expect(400);
    roster.submit(&link, &nonce, "").await.expect(400);
    assert_eq!(roster.table.items().await, items);
}
