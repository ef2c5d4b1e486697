use std::time::Duration;

use domain::sample;
use serde_json::json;

use crate::harness::Roster;

const DAY: Duration = Duration::from_hours(24);

fn listed(email: &str, verified: bool, primary: bool) -> (String, bool, bool) {
    (email.to_owned(), verified, primary)
}

#[tokio::test]
async fn the_primary_address_comes_first_and_the_pending_ones_last() {
    let roster = Roster::start().await;
    // Within a group they are in the order of their ids, which is the order of time. The sample
    // person's ids are later than the time of this test.
    let ada = roster.ada().await;
    let path = format!("/api/users/{}/emails", ada.id);
    let body = json!({ "email": "unproved@example.org" });
    roster.send_json("POST", &path, body).await.expect(200);
    ada.change_email("countess@example.com", sample::PASSWORD)
        .await
        .expect(200);
    roster
        .follow(&roster.link_to("countess@example.com").await)
        .await
        .expect(200);
    ada.add_email("b@example.org").await.expect(200);
    ada.add_email("a@example.org").await.expect(200);
    let emails = ada.emails().await;
    let mut pending = emails[4..].to_vec();
    pending.sort();
    assert_eq!(
        emails[..4],
        [
            listed("countess@example.com", true, true),
            listed("unproved@example.org", false, false),
            listed("ada@example.org", true, false),
            listed("ada.byron@example.org", true, false),
        ]
    );
    assert_eq!(
        pending,
        [
            listed("a@example.org", false, false),
            listed("b@example.org", false, false),
        ]
    );
}

#[tokio::test]
async fn each_has_the_members_of_the_primary_one() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let expected = json!([
        { "id": "0192d0f0-0000-7000-8000-000000000001", "email": "ada@example.org",
          "verified": true, "primary": true },
        { "id": "0192d0f0-0000-7000-8000-000000000002", "email": "ada.byron@example.org",
          "verified": true, "primary": false },
    ]);
    for path in ["/users/emails/", "/users/emails"] {
        let answer = ada.get(path).await.expect(200);
        assert_eq!(answer.body, expected);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

#[tokio::test]
async fn a_pending_address_lapses_with_its_links() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.add_email("countess@example.com").await.expect(200);
    let link = roster.link_to("countess@example.com").await;
    let last = roster.just_before(7 * DAY).await;
    assert_eq!(ada.at(&last).emails().await.len(), 3);
    last.open(&link).await.expect(200);
    let lapsed = roster.later(7 * DAY).await;
    assert_eq!(ada.at(&lapsed).emails().await.len(), 2);
    lapsed.open(&link).await.expect(400);
}

#[tokio::test]
async fn a_pending_address_of_an_older_generation_is_not_shown() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.add_email("a@example.org").await.expect(200);
    assert_eq!(ada.emails().await.len(), 3);
    // The management API changes the addresses.
    let body = json!({ "email": "c@example.org" });
    let path = format!("/api/users/{}/emails", ada.id);
    roster.send_json("POST", &path, body).await.expect(200);
    assert_eq!(
        ada.emails().await,
        [
            listed("ada@example.org", true, true),
            listed("c@example.org", false, false),
            listed("ada.byron@example.org", true, false),
        ]
    );
}

#[tokio::test]
async fn an_address_on_the_profile_that_is_being_proved_is_listed_once() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let path = format!("/api/users/{}/emails", ada.id);
    let body = json!({ "email": "unproved@example.org" });
    roster.send_json("POST", &path, body).await.expect(200);
    ada.add_email("Unproved@Example.org").await.expect(200);
    assert_eq!(
        ada.emails().await[1..],
        [
            listed("unproved@example.org", false, false),
            listed("ada.byron@example.org", true, false),
        ]
    );
}

#[tokio::test]
async fn a_user_without_addresses_has_an_empty_list() {
    let roster = Roster::start().await;
    roster
        .create(json!({
            "username": "grace", "password": sample::PASSWORD, "is_temporary_password": false,
        }))
        .await;
    let grace = roster.sign_in("grace", sample::PASSWORD).await;
    assert_eq!(grace.get("/users/emails").await.expect(200).body, json!([]));
}

#[tokio::test]
async fn a_person_does_not_see_anothers_addresses() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.add_email("countess@example.com").await.expect(200);
    let grace = roster.person("grace").await;
    assert_eq!(
        grace.emails().await,
        [listed("grace@example.org", true, true)]
    );
    roster
        .visit("GET", "/users/emails/")
        .send()
        .await
        .expect(401);
}
