//! Which addresses earn a right to undo a change of the primary address, when a right stays, and what
//! ends it (email-self-service.md, "The flow", 4 and 5).

use std::time::Duration;

use domain::address::{Primary, Tenure};
use domain::sample;
use serde_json::json;

use crate::harness::person::{Person, with_primary};
use crate::harness::{NOW, Roster};

const A: &str = "ada@example.org";
const OTHER: &str = "ada.byron@example.org";
const T: &str = "thief@example.net";
const V: &str = "fresh@example.com";
const PHONE: &str = "+441514960815";
const PASSWORD: &str = "a new long password";
const FORM: &str = "password=a+new+long+password";
const HOUR: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);
const LIFETIME: Duration = Duration::from_hours(72);

/// The text of the last message to an address, after the consumers have run.
async fn told(roster: &Roster, to: &str) -> String {
    roster.send_notifications().await;
    let messages = roster.outbox.messages();
    let last = messages.iter().rfind(|message| message.to == to);
    last.unwrap_or_else(|| panic!("nothing to {to}: {messages:#?}"))
        .text
        .clone()
}

async fn has_undo_link(roster: &Roster, to: &str) -> bool {
    let text = told(roster, to).await;
    assert!(
        text.contains("main e-mail address of your account was changed"),
        "{text}"
    );
    text.contains("/users/email-undo/")
}

/// The same person at a later time, with a new session, so that limits of an hour don't apply.
async fn later(roster: &Roster) -> Person<'_> {
    roster.sign_in("ada", sample::PASSWORD).await
}

/// Asks for a proved address of the person's own as the primary one.
async fn return_to(person: &Person<'_>, email: &str) {
    person
        .change_email(email, sample::PASSWORD)
        .await
        .expect(200);
    assert_eq!(person.listed().await[0], format!("{email} primary"));
}

/// The owner uses an undo link. Afterwards only the owner can sign in.
async fn the_owner_is_in(roster: &Roster, link: &str, thief: &Person<'_>) {
    roster.press(link, FORM).await.expect(200);
    thief.at(roster).get("/users/emails/").await.expect(401);
    roster.login("ada", sample::PASSWORD).await.expect(401);
    let ada = roster.sign_in("ada", PASSWORD).await;
    assert_eq!(
        ada.listed().await,
        [format!("{A} primary"), format!("{OTHER} verified")]
    );
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn a_thiefs_address_has_no_right_to_undo_the_owners_return() {
    let roster = Roster::start().await;
    let thief = roster.ada().await;
    thief.move_to(T).await;
    let undo = roster.link_to(A).await;
    let roster = roster.later(HOUR).await;
    let ada = later(&roster).await;
    return_to(&ada, A).await;
    assert!(
        !has_undo_link(&roster, T).await,
        "the thief got a right to undo the repair"
    );
    the_owner_is_in(&roster, &undo, &thief).await;
}

#[tokio::test]
async fn the_owner_of_an_address_that_was_moved_twice_has_a_fresh_right() {
    let roster = Roster::start().await;
    // From A to T, back to A, and to T again: that is a minute before the first right lapses.
    let thief = roster.ada().await;
    thief.move_to(T).await;
    let first = roster.link_to(A).await;
    let hour = roster.later(HOUR).await;
    return_to(&later(&hour).await, A).await;

    let strike = roster.later(LIFETIME.saturating_sub(MINUTE)).await;
    let thief = later(&strike).await;
    return_to(&thief, T).await;
    assert!(
        has_undo_link(&strike, A).await,
        "the second change gives a right, too"
    );
    let second = strike.link_to(A).await;
    assert_ne!(first, second);

    let last = strike.just_before(LIFETIME).await;
    last.open(&first).await.expect(400);
    the_owner_is_in(&last, &second, &thief).await;
}

#[tokio::test]
async fn the_first_right_of_an_address_that_was_moved_twice_holds_on() {
    let roster = Roster::start().await;
    let thief = roster.ada().await;
    thief.move_to(T).await;
    let first = roster.link_to(A).await;
    let hour = roster.later(HOUR).await;
    let thief = later(&hour).await;
    return_to(&thief, A).await;
    return_to(&thief, T).await;
    let second = hour.link_to(A).await;
    the_owner_is_in(&hour, &first, &thief).await;
    // What the other link would undo is undone already.
    let page = hour.open(&second).await.expect(200);
    assert!(page.html().contains("This was done already"), "{page:#?}");
}

#[tokio::test]
async fn the_owners_move_to_a_fresh_address_gives_the_thief_no_right() {
    let roster = Roster::start().await;
    let thief = roster.ada().await;
    thief.move_to(T).await;
    let roster = roster.later(HOUR).await;
    let ada = later(&roster).await;
    ada.move_to(V).await;
    assert!(!has_undo_link(&roster, T).await);
    // The established address is told about each change, each time with its link.
    assert!(has_undo_link(&roster, A).await);
    // The thief acts again. V is young, and the owner's older right stays.
    let sent = roster.recipients().await.len();
    return_to(&ada, T).await;
    assert_eq!(roster.recipients_after(sent).await, [PHONE, A, V]);
    assert!(!has_undo_link(&roster, V).await);
    let undo = roster.link_to(A).await;
    the_owner_is_in(&roster, &undo, &ada).await;
}

#[tokio::test]
async fn a_new_accounts_address_has_a_right_from_the_start() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    grace.move_to(T).await;
    assert!(has_undo_link(&roster, "grace@example.org").await);
}

#[tokio::test]
async fn an_address_that_its_owner_put_there_earns_a_right_in_72_hours() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.move_to(V).await;
    for (since, earns) in [(LIFETIME.saturating_sub(MINUTE), false), (LIFETIME, true)] {
        let roster = roster.later(since).await;
        let ada = later(&roster).await;
        ada.move_to(&format!("next{earns}@example.com")).await;
        let told = told(&roster, V).await;
        assert_eq!(told.contains("/users/email-undo/"), earns, "{told}");
        // Sets the state from before.
        roster
            .edit(&ada.id, |user| {
                let (id, _) = user
                    .emails
                    .iter()
                    .find(|(_, own)| own.value.as_str() == V)
                    .unwrap();
                let primary = Primary {
                    id,
                    tenure: Tenure::Since(NOW),
                };
                user.emails = with_primary(&user.emails, Some(primary));
            })
            .await;
    }
}

#[tokio::test]
async fn an_address_that_an_undo_brought_back_has_a_right_at_once() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.move_to(T).await;
    let undo = roster.link_to(A).await;
    roster.press(&undo, FORM).await.expect(200);
    let ada = roster.sign_in("ada", PASSWORD).await;
    ada.change_email(V, PASSWORD).await.expect(200);
    roster.follow_link_to(V).await;
    assert!(has_undo_link(&roster, A).await);
}

#[tokio::test]
async fn an_administrators_move_ends_the_right_and_what_they_added_stays() {
    let roster = Roster::start().await;
    // A belongs to a stranger now. The stranger has moved nothing, and has a right.
    let ada = roster.ada().await;
    ada.move_to(T).await;
    let undo = roster.link_to(A).await;
    let nonce = roster.nonce(&undo).await;
    let added = json!({ "email": V, "is_verified": true });
    roster
        .send_json("POST", &format!("{}/emails", ada.path()), added)
        .await
        .expect(200);
    let sent = roster.recipients().await.len();
    let fresh = ada.email_path(V).await;
    roster
        .send("POST", &format!("{fresh}/primary"))
        .await
        .expect(200);
    let told = roster.recipients_after(sent).await;
    assert!(told.is_empty(), "the management API tells nobody: {told:?}");
    let items = roster.table.items().await;
    roster.open(&undo).await.expect(400);
    roster.submit(&undo, &nonce, FORM).await.expect(400);
    assert_eq!(roster.table.items().await, items);
    // The right doesn't come back with the address either.
    let old = ada.email_path(A).await;
    roster
        .send("POST", &format!("{old}/primary"))
        .await
        .expect(200);
    roster.open(&undo).await.expect(400);
}

#[tokio::test]
async fn an_administrator_who_makes_the_present_address_primary_ends_the_right_to_undo_it() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.move_to(V).await;
    let undo = roster.link_to(A).await;
    let present = ada.email_path(V).await;
    let once = roster
        .send("POST", &format!("{present}/primary"))
        .await
        .expect(200);
    roster.open(&undo).await.expect(400);
    // From now on the address is established, and a repeat changes nothing.
    let twice = roster
        .send("POST", &format!("{present}/primary"))
        .await
        .expect(200);
    assert_eq!(once.version(), twice.version());
    ada.change_email(A, sample::PASSWORD).await.expect(200);
    assert!(has_undo_link(&roster, V).await);
}

#[tokio::test]
async fn an_administrator_who_makes_the_old_address_primary_leaves_its_right() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.move_to(T).await;
    let undo = roster.link_to(A).await;
    let old = ada.email_path(A).await;
    roster
        .send("POST", &format!("{old}/primary"))
        .await
        .expect(200);
    the_owner_is_in(&roster, &undo, &ada).await;
}

#[tokio::test]
async fn an_administrator_who_doubts_the_old_address_ends_its_right_for_good() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.move_to(T).await;
    let undo = roster.link_to(A).await;
    let old = ada.email_path(A).await;
    for call in ["unverify", "verify"] {
        roster
            .send("POST", &format!("{old}/{call}"))
            .await
            .expect(200);
        roster.open(&undo).await.expect(400);
    }
    // The address on the profile has no right that protects it either.
    let id = ada.email_id(A).await;
    ada.delete(&format!("/users/emails/{id}/"))
        .await
        .expect(204);
}

#[tokio::test]
async fn no_other_call_of_the_management_api_ends_a_right() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.move_to(T).await;
    let undo = roster.link_to(A).await;
    let (path, other) = (ada.path(), ada.email_path(OTHER).await);
    for (method, path, body) in [
        (
            "POST",
            format!("{path}/emails"),
            json!({ "email": V, "is_verified": true }),
        ),
        ("POST", format!("{other}/unverify"), json!({})),
        ("POST", format!("{other}/verify"), json!({})),
        ("DELETE", other.clone(), json!({})),
        (
            "PUT",
            format!("{path}/username"),
            json!({ "username": "lovelace" }),
        ),
        ("DELETE", format!("{path}/username"), json!({})),
        (
            "POST",
            format!("{path}/disable"),
            json!({ "revoke_sessions": true }),
        ),
        ("POST", format!("{path}/unblock"), json!({})),
    ] {
        roster.send_json(method, &path, body).await.expect(200);
    }
    // Links of a disabled account don't work until it is enabled again.
    roster.open(&undo).await.expect(400);
    roster
        .send("POST", &format!("{path}/enable"))
        .await
        .expect(200);
    roster.press(&undo, FORM).await.expect(200);
    let signed_in = roster
        .attempt(json!({ "email": A, "password": PASSWORD }))
        .send()
        .await;
    let ada = Person::of(&roster, &signed_in.expect(200));
    // What the management API has added since stays.
    assert_eq!(
        ada.listed().await,
        [format!("{A} primary"), format!("{V} verified")]
    );
}

#[tokio::test]
async fn an_undo_keeps_what_the_management_api_proved_since() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.move_to(T).await;
    let undo = roster.link_to(A).await;
    let added = json!({ "email": V, "is_verified": false });
    roster
        .send_json("POST", &format!("{}/emails", ada.path()), added)
        .await
        .expect(200);
    let fresh = ada.email_path(V).await;
    roster
        .send("POST", &format!("{fresh}/verify"))
        .await
        .expect(200);
    ada.prove("since@example.net").await;
    roster.press(&undo, FORM).await.expect(200);
    let ada = roster.sign_in("ada", PASSWORD).await;
    let mut listed = ada.listed().await;
    listed[1..].sort();
    assert_eq!(
        listed,
        [
            format!("{A} primary"),
            format!("{OTHER} verified"),
            format!("{V} verified")
        ]
    );
}

#[tokio::test]
async fn without_a_time_to_undo_there_are_no_rights_not_even_older_ones() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.move_to(T).await;
    let undo = roster.link_to(A).await;
    let off = roster.also(NOW, &[("UndoTtlSeconds", "0")]).await;
    off.open(&undo).await.expect(400);
    let ada = ada.at(&off);
    return_to(&ada, A).await;
    assert!(!has_undo_link(&off, T).await);
    return_to(&ada, T).await;
    assert!(!has_undo_link(&off, A).await);
    let id = ada.email_id(A).await;
    ada.delete(&format!("/users/emails/{id}/"))
        .await
        .expect(204);
}

#[tokio::test]
async fn a_forced_change_of_the_password_goes_to_the_address_with_the_right() {
    let roster = Roster::start().await;
    let thief = roster.ada().await;
    thief.move_to(T).await;
    roster
        .edit(&thief.id, |user| {
            user.credential.as_mut().unwrap().force_reset = true;
        })
        .await;
    let sent = roster.recipients().await.len();
    roster.login("ada", sample::PASSWORD).await.expect(403);
    assert_eq!(
        roster.recipients_after(sent).await,
        [A],
        "the primary one gets nothing"
    );
    let told = told(&roster, A).await;
    assert!(
        told.contains("right password") && !told.contains("password-reset"),
        "{told}"
    );
    let undo = roster.link_to(A).await;
    assert!(undo.starts_with("/users/email-undo/"), "{undo}");
    the_owner_is_in(&roster, &undo, &thief).await;
}

#[tokio::test]
async fn a_forced_change_goes_to_the_primary_address_once_the_right_is_over() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.move_to(V).await;
    roster
        .edit(&ada.id, |user| {
            user.credential.as_mut().unwrap().force_reset = true;
        })
        .await;
    let roster = roster.later(LIFETIME).await;
    let sent = roster.recipients().await.len();
    roster.login("ada", sample::PASSWORD).await.expect(403);
    assert_eq!(roster.recipients_after(sent).await, [V]);
    assert!(
        roster
            .link_to(V)
            .await
            .starts_with("/users/password-reset/")
    );
}

#[tokio::test]
async fn a_session_alone_makes_no_address_primary_where_there_is_none() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    roster
        .edit(&ada.id, |user| {
            user.emails = with_primary(&user.emails, None);
        })
        .await;
    ada.add_email(T).await.expect(200);
    let own = roster.link_to(T).await;
    let sent = roster.recipients().await.len();
    roster.follow(&own).await.expect(200);
    assert!(
        ada.listed()
            .await
            .iter()
            .all(|line| !line.ends_with("primary"))
    );
    // The phone has a link that would do it, and every proved address is told.
    assert_eq!(roster.recipients_after(sent).await, [PHONE, OTHER, A]);
    for told_one in [OTHER, A] {
        let told = told(&roster, told_one).await;
        assert!(
            told.contains("t…@example.net") && !told.contains("/users/"),
            "{told}"
        );
        assert!(!told.contains(T), "{told}");
    }
    ada.change_email(T, "guess of a thief").await.expect(400);
    assert!(
        ada.listed()
            .await
            .iter()
            .all(|line| !line.ends_with("primary"))
    );

    // A person who knows the password, or has the phone, can do it.
    ada.change_email(A, sample::PASSWORD).await.expect(200);
    assert_eq!(ada.listed().await[0], format!("{A} primary"));
}

#[tokio::test]
async fn the_phones_link_makes_a_proved_address_primary_where_there_is_none() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    roster
        .edit(&ada.id, |user| {
            user.emails = with_primary(&user.emails, None);
        })
        .await;
    ada.prove(V).await;
    roster.follow_link_to(PHONE).await;
    assert_eq!(ada.listed().await[0], format!("{V} primary"));
}

#[tokio::test]
async fn the_other_addresses_are_told_of_proved_ones_once_a_day() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.prove(V).await;
    assert_eq!(roster.recipients_after(2).await, [PHONE, OTHER, A]);
    let sent = roster.recipients().await.len();
    ada.prove("second@example.com").await;
    assert_eq!(
        roster.recipients_after(sent).await,
        [PHONE, PHONE, A, "second@example.com"]
    );
    let day = roster.later(Duration::from_hours(24)).await;
    let sent = day.recipients().await.len();
    later(&day).await.prove("third@example.com").await;
    assert_eq!(
        day.recipients_after(sent).await,
        [
            PHONE,
            PHONE,
            OTHER,
            A,
            V,
            "second@example.com",
            "third@example.com"
        ]
    );
}

#[tokio::test]
async fn a_proved_address_becomes_primary_at_once_with_the_password() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.change_email(OTHER, sample::PASSWORD).await.expect(200);
    assert_eq!(
        ada.listed().await,
        [format!("{OTHER} primary"), format!("{A} verified")]
    );
    // The new address gets no mail. The old one gets its undo link, and the phone its notice.
    assert_eq!(roster.recipients_after(0).await, [PHONE, A]);
    assert!(has_undo_link(&roster, A).await);
    let sms = told(&roster, PHONE).await;
    assert!(
        sms.contains("a…@example.org") && !sms.contains("http"),
        "{sms}"
    );
}
