use macro_rules_attribute::apply;
use std::time::Duration;

use domain::{User, sample};
use serde_json::json;

use crate::harness::person::Person;
use crate::harness::{NOW, Roster};

const OLD: &str = "ada@example.org";
const OTHER: &str = "ada.byron@example.org";
const NEW: &str = "countess@example.com";
const PHONE: &str = "+441514960815";
const PASSWORD: &str = "a new long password";
const FORM: &str = "password=a+new+long+password";
const LIFETIME: Duration = Duration::from_hours(72);
const SECOND: Duration = Duration::from_secs(1);

/// Changes Ada's primary address. Returns her, and the undo link in the old mailbox.
async fn changed(roster: &Roster) -> (Person<'_>, String) {
    let ada = roster.ada().await;
    ada.move_to(NEW).await;
    let link = roster.link_to(OLD).await;
    assert!(link.starts_with("/users/email-undo/"), "{link}");
    (ada, link)
}

#[apply(on_both_stores)]
async fn the_old_address_learns_of_the_change_and_not_of_the_whole_new_one(roster: Roster) {
    changed(&roster).await;
    assert_eq!(roster.recipients_after(2).await, [OTHER, OLD]);
    let messages = roster.outbox.messages();
    let notice = messages.iter().find(|message| message.to == OLD).unwrap();
    assert_eq!(
        notice.subject.as_deref(),
        Some("Your main e-mail address was changed")
    );
    let html = notice.html.as_deref().unwrap();
    for part in [notice.text.as_str(), html] {
        assert!(part.contains("c…@example.com"), "{part}");
        assert!(part.contains("/users/email-undo/"), "{part}");
        assert!(!part.contains(NEW), "{part}");
    }
}

#[apply(on_both_stores)]
async fn undoing_brings_the_old_address_back_and_ends_what_was_begun_since(roster: Roster) {
    let (ada, link) = changed(&roster).await;
    ada.prove("since@example.com").await;
    ada.add_email("pending@example.com").await.expect(200);
    roster.login("ada", sample::PASSWORD).await.expect(200);
    let pending = roster.link_to("pending@example.com").await;
    let sent = roster.recipients().await.len();

    let page = roster.open(&link).await.expect(200);
    assert!(
        page.html()
            .contains("Undo the change of your <span class=\"whole\">e-mail</span> address"),
        "{page:#?}"
    );
    assert!(
        page.html()
            .contains("<strong>ada@example.org</strong> becomes your main")
    );
    assert_eq!(
        ada.listed().await[0],
        "countess@example.com primary",
        "looking changes nothing"
    );

    let before = roster.read_ada().await;
    let done = roster.press(&link, FORM).await.expect(200);
    assert!(done.html().contains("The change is undone"), "{done:#?}");
    let after = roster.read_ada().await;
    assert_eq!(after.email_generation(), before.email_generation().next());
    assert_eq!(after.session_epoch(), before.session_epoch().next());
    ada.get("/users/emails/").await.expect(401);

    roster.login("ada", sample::PASSWORD).await.expect(401);
    let ada = roster.sign_in("ada", PASSWORD).await;
    assert_eq!(
        ada.listed().await,
        ["ada@example.org primary", "ada.byron@example.org verified"]
    );
    roster.follow(&pending).await.expect(400);
    // Addresses that were dropped are free.
    roster.create(json!({ "email": NEW })).await;
    roster.table.check_invariants().await;

    assert_eq!(roster.recipients_after(sent).await, [NEW]);
    let messages = roster.outbox.messages();
    let notice = &messages[sent];
    assert_eq!(
        notice.subject.as_deref(),
        Some("A change of e-mail address was undone")
    );
    let html = notice.html.as_deref().unwrap();
    for part in [notice.text.as_str(), html] {
        for untold in ["/users/", OLD, PHONE, "href"] {
            assert!(!part.contains(untold), "{untold}: {part}");
        }
    }
}

#[apply(on_both_stores)]
async fn the_link_holds_for_72_hours_and_not_a_second_longer(roster: Roster) {
    let (_, link) = changed(&roster).await;
    let late = roster.later(LIFETIME).await;
    let items = roster.table.items().await;
    late.open(&link).await.expect(400);
    let page = roster
        .later(LIFETIME.saturating_sub(SECOND))
        .await
        .open(&link)
        .await
        .expect(200);
    let (nonce, _) = page.set_cookies()["linknonce"];
    late.submit(&link, nonce, FORM).await.expect(400);
    assert_eq!(roster.table.items().await, items);
    let at_last = roster.later(LIFETIME.saturating_sub(SECOND)).await;
    at_last.press(&link, FORM).await.expect(200);
    roster.login("ada", PASSWORD).await.expect(200);
}

#[apply(on_both_stores)]
async fn where_undoing_is_turned_off_the_notice_has_no_link(roster: Roster) {
    let ada = roster.ada().await;
    ada.change_email(NEW, sample::PASSWORD).await.expect(200);
    let link = roster.link_to(NEW).await;
    let off = roster
        .also(NOW.plus(SECOND), &[("UndoTtlSeconds", "0")])
        .await;
    off.follow(&link).await.expect(200);
    assert_eq!(roster.recipients_after(2).await, [OTHER, OLD]);
    let messages = roster.outbox.messages();
    let notice = messages.iter().find(|message| message.to == OLD).unwrap();
    assert_eq!(
        notice.subject.as_deref(),
        Some("Your main e-mail address was changed")
    );
    for part in [notice.text.as_str(), notice.html.as_deref().unwrap()] {
        assert!(
            !part.contains("/users/") && !part.contains("undo"),
            "{part}"
        );
    }
    let items = roster.table.items().await;
    assert!(
        items
            .keys()
            .all(|(_, sort)| !sort.starts_with("USER#EMAIL_CHANGE#"))
    );
    // The old address has no right that protects it either.
    let id = ada.email_id(OLD).await;
    ada.delete(&format!("/users/emails/{id}/"))
        .await
        .expect(204);
}

#[apply(on_both_stores)]
async fn a_bad_new_password_is_told_on_the_page_and_changes_nothing(roster: Roster) {
    let (ada, link) = changed(&roster).await;
    let items = roster.table.items().await;
    let nonce = roster.nonce(&link).await;
    let long = format!("password={}", "x".repeat(129));
    for (form, error) in [
        ("", "The password needs at least 8 characters."),
        ("password=", "The password needs at least 8 characters."),
        (
            "password=short",
            "The password needs at least 8 characters.",
        ),
        (
            "password=Password1",
            "The password is among those that attackers try first.",
        ),
        (
            long.as_str(),
            "The password may have at most 128 characters.",
        ),
    ] {
        let answer = roster.submit(&link, &nonce, form).await.expect(400);
        assert!(answer.html().contains(error), "{form}: {answer:#?}");
        assert!(answer.html().contains("Nothing has changed yet."));
        assert!(
            answer.html().contains("name=\"password\""),
            "the form is there again"
        );
        assert!(!answer.html().contains("Password1"));
    }
    assert_eq!(roster.table.items().await, items);
    assert_eq!(ada.listed().await[0], "countess@example.com primary");
    roster.submit(&link, &nonce, FORM).await.expect(200);
}

#[apply(on_both_stores)]
async fn a_program_gets_the_same_refusals_as_problems(roster: Roster) {
    let (_, link) = changed(&roster).await;
    let nonce = roster.nonce(&link).await;
    let post = |password: &str| {
        roster
            .visit("POST", &link)
            .header("accept", "application/json")
            .header("cookie", format!("linknonce={nonce}"))
            .json(json!({ "password": password }))
    };
    let refusal = post("short").send().await.expect(400);
    assert_eq!(refusal.codes(), ["PasswordTooShort"]);
    post(PASSWORD).send().await.expect(200);
    roster.login("ada", PASSWORD).await.expect(200);
}

#[apply(on_both_stores)]
async fn a_second_undo_says_that_it_was_done_and_sets_no_password(roster: Roster) {
    let (_, link) = changed(&roster).await;
    let page = roster.open(&link).await.expect(200);
    let (nonce, _) = page.set_cookies()["linknonce"];
    roster.submit(&link, nonce, FORM).await.expect(200);
    let items = roster.table.items().await;
    let second = roster
        .submit(&link, nonce, "password=another+long+password")
        .await
        .expect(200);
    assert!(
        second.html().contains("This was done already"),
        "{second:#?}"
    );
    let page = roster.open(&link).await.expect(200);
    assert!(page.html().contains("This was done already"), "{page:#?}");
    assert_eq!(roster.table.items().await, items);
    roster
        .login("ada", "another long password")
        .await
        .expect(401);
    roster.login("ada", PASSWORD).await.expect(200);
}

#[apply(on_both_stores)]
async fn of_two_undos_at_once_only_the_one_whose_password_is_set_says_so(roster: Roster) {
    let (_, link) = changed(&roster).await;
    roster
        .race_passwords(&link, "The change is undone", "ada")
        .await;
}

#[apply(on_both_stores)]
async fn once_something_moved_on_the_used_link_is_not_valid_any_more(roster: Roster) {
    let (_, link) = changed(&roster).await;
    roster.press(&link, FORM).await.expect(200);
    let ada = roster.sign_in("ada", PASSWORD).await;
    ada.change_email("next@example.com", PASSWORD)
        .await
        .expect(200);
    roster.follow_link_to("next@example.com").await;
    let items = roster.table.items().await;
    let page = roster.open(&link).await.expect(400);
    assert!(page.html().contains("This link is not valid"), "{page:#?}");
    assert_eq!(roster.table.items().await, items);
}

#[apply(on_both_stores)]
async fn an_address_that_was_there_before_the_change_stays(roster: Roster) {
    let ada = roster.ada().await;
    ada.change_email(OTHER, sample::PASSWORD).await.expect(200);
    let link = roster.link_to(OLD).await;
    ada.prove("since@example.com").await;
    roster.press(&link, FORM).await.expect(200);
    let ada = roster.sign_in("ada", PASSWORD).await;
    assert_eq!(
        ada.listed().await,
        ["ada@example.org primary", "ada.byron@example.org verified"]
    );
}

#[apply(on_both_stores)]
async fn while_the_old_address_is_primary_the_used_link_says_that_it_is_done(roster: Roster) {
    let (_, link) = changed(&roster).await;
    roster.press(&link, FORM).await.expect(200);
    let ada = roster.sign_in("ada", PASSWORD).await;
    let other = ada.email_id("ada.byron@example.org").await;
    ada.delete(&format!("/users/emails/{other}/"))
        .await
        .expect(204);
    let items = roster.table.items().await;
    let page = roster.open(&link).await.expect(200);
    assert!(page.html().contains("This was done already"), "{page:#?}");
    assert_eq!(roster.table.items().await, items);
}

#[apply(on_both_stores)]
async fn later_changes_and_removals_do_not_disarm_the_link(roster: Roster) {
    let (ada, link) = changed(&roster).await;
    ada.move_to("second@example.com").await;
    let id = ada.email_id("ada.byron@example.org").await;
    ada.delete(&format!("/users/emails/{id}/"))
        .await
        .expect(204);
    ada.prove("third@example.com").await;
    ada.change_email("third@example.com", sample::PASSWORD)
        .await
        .expect(200);
    roster.press(&link, FORM).await.expect(200);
    let ada = roster.sign_in("ada", PASSWORD).await;
    assert_eq!(ada.listed().await, ["ada@example.org primary"]);
    roster.table.check_invariants().await;
}

#[apply(on_both_stores)]
async fn a_later_password_change_does_not_disarm_the_link(roster: Roster) {
    let (ada, link) = changed(&roster).await;
    // The password is set without the calls, with the effects that a reset link has.
    let hash = roster.read_ada().await.password_hash().unwrap().clone();
    roster
        .edit(&ada.id, |facts| {
            let mut user = User::restore(facts.clone());
            user.replace_password(hash.clone(), NOW);
            *facts = user.into();
        })
        .await;
    ada.get("/users/emails/").await.expect(401);
    roster.press(&link, FORM).await.expect(200);
    let ada = roster.sign_in("ada", PASSWORD).await;
    assert_eq!(
        ada.listed().await,
        ["ada@example.org primary", "ada.byron@example.org verified"]
    );
}

#[apply(on_both_stores)]
async fn self_service_keeps_the_old_address_while_the_change_can_be_undone(roster: Roster) {
    let (ada, link) = changed(&roster).await;
    let id = ada.email_id(OLD).await;
    let path = format!("/users/emails/{id}/");
    let refusal = ada.delete(&path).await.expect(400);
    assert!(
        refusal.body["detail"]
            .as_str()
            .unwrap()
            .contains("can no longer be undone")
    );
    assert_eq!(ada.listed().await[1], "ada@example.org verified");
    let late = roster.later(LIFETIME).await;
    late.open(&link).await.expect(400);
    late.sign_in("ada", sample::PASSWORD)
        .await
        .delete(&path)
        .await
        .expect(204);
}

#[apply(on_both_stores)]
async fn the_management_api_can_remove_the_old_address_and_the_link_with_it(roster: Roster) {
    let (ada, link) = changed(&roster).await;
    let nonce = roster.nonce(&link).await;
    let old = ada.email_path(OLD).await;
    roster.send("DELETE", &old).await.expect(200);
    let items = roster.table.items().await;
    roster.open(&link).await.expect(400);
    roster.submit(&link, &nonce, FORM).await.expect(400);
    assert_eq!(roster.table.items().await, items);
    // The right doesn't come back, even when the address does.
    let again = json!({ "email": OLD, "is_verified": true });
    roster
        .send_json("POST", &format!("{}/emails", ada.path()), again)
        .await
        .expect(200);
    roster.open(&link).await.expect(400);
}

#[apply(on_both_stores)]
async fn no_get_undoes_anything(roster: Roster) {
    let (_, link) = changed(&roster).await;
    let acting = roster.also(NOW.plus(SECOND), &[("LinkGet", "act")]).await;
    let items = roster.table.items().await;
    for roster in [&roster, &acting] {
        roster.open(&link).await.expect(200);
        roster.follow(&link).await.expect(200);
        let with_password = format!("{link}?password=a+new+long+password");
        roster.follow(&with_password).await.expect(200);
    }
    assert_eq!(roster.table.items().await, items);
}
