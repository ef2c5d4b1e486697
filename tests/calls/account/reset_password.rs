use std::time::Duration;

use domain::sample;
use serde_json::json;

use crate::harness::Roster;

const EMAIL: &str = "grace@example.org";
const PASSWORD: &str = "a new long password";
const FORM: &str = "password=a+new+long+password";
const LIFETIME: Duration = Duration::from_hours(1);
const SECOND: Duration = Duration::from_secs(1);

/// A user whose password must be changed, and the link that a sign-in with it sends.
async fn link(roster: &Roster) -> (String, String) {
    let path = roster
        .create(json!({
            "username": "grace", "email": EMAIL, "email_verified": true,
            "phone_number": "+441514960961", "phone_number_verified": true,
            "password": sample::PASSWORD, "is_temporary_password": true,
        }))
        .await;
    let refusal = roster.login("grace", sample::PASSWORD).await.expect(403);
    assert!(refusal.set_cookies().is_empty(), "{refusal:#?}");
    let link = roster.link_to(EMAIL).await;
    assert!(link.starts_with("/users/password-reset/"), "{link}");
    (path, link)
}

#[tokio::test]
async fn a_password_that_must_be_changed_is_replaced_by_the_mailed_link() {
    let roster = Roster::start().await;
    let (path, link) = link(&roster).await;
    assert_eq!(roster.recipients_after(0).await, [EMAIL]);
    let before = roster.read(&path).await.unwrap();
    let page = roster.open(&link).await.expect(200);
    assert!(page.html().contains("Choose a new password"), "{page:#?}");
    assert_eq!(roster.read(&path).await.unwrap(), before);

    let done = roster.press(&link, FORM).await.expect(200);
    assert!(
        done.html().contains("Your new password is set"),
        "{done:#?}"
    );
    let cookies: Vec<_> = done.set_cookies().into_keys().collect();
    assert_eq!(cookies, ["__Host-device"], "it signs nobody in: {done:#?}");
    let after = roster.read(&path).await.unwrap();
    assert_eq!(after.session_epoch(), before.session_epoch().next());
    assert_eq!(after.email_generation(), before.email_generation().next());
    assert_eq!(after.emails(), before.emails());
    roster.login("grace", sample::PASSWORD).await.expect(401);
    roster.login("grace", PASSWORD).await.expect(200);
    assert_eq!(roster.recipients_after(0).await, [EMAIL]);
}

#[tokio::test]
async fn the_link_holds_for_an_hour_and_not_a_second_longer() {
    let roster = Roster::start().await;
    let (_, link) = link(&roster).await;
    let late = roster.later(LIFETIME).await;
    let at_last = roster.later(LIFETIME.saturating_sub(SECOND)).await;
    let items = roster.table.items().await;
    late.open(&link).await.expect(400);
    let nonce = at_last.nonce(&link).await;
    late.submit(&link, &nonce, FORM).await.expect(400);
    assert_eq!(roster.table.items().await, items);
    at_last.submit(&link, &nonce, FORM).await.expect(200);
    roster.login("grace", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn the_link_sets_one_password() {
    let roster = Roster::start().await;
    let (path, link) = link(&roster).await;
    roster.login("grace", sample::PASSWORD).await.expect(403);
    let twin = roster.link_to(EMAIL).await;
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
    let page = roster.open(&twin).await.expect(200);
    assert!(page.html().contains("This was done already"), "{page:#?}");
    assert_eq!(roster.table.items().await, items);
    roster.login("grace", PASSWORD).await.expect(200);

    // This change makes both links inert.
    let added = json!({ "email": "next@example.org", "is_verified": true });
    roster
        .send_json("POST", &format!("{path}/emails"), added)
        .await
        .expect(200);
    for link in [&link, &twin] {
        roster.open(link).await.expect(400);
    }
}

#[tokio::test]
async fn of_two_resets_at_the_same_moment_only_the_one_whose_password_is_set_says_so() {
    let roster = Roster::start().await;
    let (_, link) = link(&roster).await;
    roster
        .race_passwords(&link, "Your new password is set", "grace")
        .await;
}

#[tokio::test]
async fn a_bad_new_password_is_told_on_the_page_and_changes_nothing() {
    let roster = Roster::start().await;
    let (_, link) = link(&roster).await;
    let items = roster.table.items().await;
    for (form, error) in [
        ("", "The password needs at least 8 characters."),
        (
            "password=short",
            "The password needs at least 8 characters.",
        ),
        (
            "password=Password1",
            "The password is among those that attackers try first.",
        ),
    ] {
        let answer = roster.press(&link, form).await.expect(400);
        assert!(answer.html().contains(error), "{form}: {answer:#?}");
        assert!(
            answer.html().contains("name=\"password\""),
            "the form is there again"
        );
    }
    assert_eq!(roster.table.items().await, items);
    roster.press(&link, FORM).await.expect(200);
}

#[tokio::test]
async fn the_link_dies_with_the_primary_address_that_it_was_mailed_to() {
    let roster = Roster::start().await;
    let (path, link) = link(&roster).await;
    let nonce = roster.nonce(&link).await;
    let added = json!({ "email": "next@example.org", "is_verified": true });
    let answer = roster
        .send_json("POST", &format!("{path}/emails"), added)
        .await
        .expect(200);
    let emails = answer.body["emails"].as_array().unwrap();
    let next = emails
        .iter()
        .find(|own| own["email"] == "next@example.org")
        .unwrap();
    let next = next["id"].as_str().unwrap();
    roster
        .send("POST", &format!("{path}/emails/{next}/primary"))
        .await
        .expect(200);
    let items = roster.table.items().await;
    roster.open(&link).await.expect(400);
    roster.submit(&link, &nonce, FORM).await.expect(400);
    assert_eq!(roster.table.items().await, items);
}

#[tokio::test]
async fn no_get_sets_a_password() {
    let roster = Roster::start().await;
    let (_, link) = link(&roster).await;
    let acting = roster
        .also(crate::harness::NOW.plus(SECOND), &[("LinkGet", "act")])
        .await;
    let items = roster.table.items().await;
    for roster in [&roster, &acting] {
        roster.open(&link).await.expect(200);
        roster.follow(&format!("{link}?{FORM}")).await.expect(200);
    }
    assert_eq!(roster.table.items().await, items);
}

#[tokio::test]
async fn a_disabled_users_link_does_nothing() {
    let roster = Roster::start().await;
    let (path, link) = link(&roster).await;
    let nonce = roster.nonce(&link).await;
    roster
        .send("POST", &format!("{path}/disable"))
        .await
        .expect(200);
    let items = roster.table.items().await;
    roster.open(&link).await.expect(400);
    roster.submit(&link, &nonce, FORM).await.expect(400);
    assert_eq!(roster.table.items().await, items);
}
