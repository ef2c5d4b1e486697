use std::time::Duration;

use domain::sample;
use serde_json::{Value, json};

use crate::harness::{Fault, NOW, Roster, UNKNOWN_ID, person::Person};

const PRIMARY: &str = "0192d0f0-0000-7000-8000-000000000001";
const OTHER: &str = "0192d0f0-0000-7000-8000-000000000002";

async fn id_of(person: &Person<'_>, email: &str) -> String {
    let emails = person.get("/users/emails").await.expect(200).body;
    let emails = emails.as_array().unwrap();
    let own = emails.iter().find(|own| own["email"] == email).unwrap();
    own["id"].as_str().unwrap().to_owned()
}

fn path(id: &str) -> String {
    format!("/users/emails/{id}/")
}

/// A person with only these identifiers.
async fn only(roster: &Roster, identifiers: Value) -> Person<'_> {
    let mut body = json!({ "password": sample::PASSWORD, "is_temporary_password": false });
    let members = identifiers.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(members.clone());
    roster.create(body).await;
    let name = if members.contains_key("username") {
        "username"
    } else {
        "email"
    };
    let mut attempt = json!({ "password": sample::PASSWORD });
    attempt[name] = members[name].clone();
    let answer = roster.attempt(attempt).send().await.expect(200);
    Person::of(roster, &answer)
}

#[tokio::test]
async fn a_pending_address_is_dropped_and_its_link_is_dead() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.add_email("countess@example.com").await.expect(200);
    ada.add_email("lady@example.com").await.expect(200);
    let (dropped, kept) = (
        roster.link_to("countess@example.com").await,
        roster.link_to("lady@example.com").await,
    );
    let before = roster.read_ada().await;
    let answer = ada
        .delete(&path(&id_of(&ada, "countess@example.com").await))
        .await;
    answer.expect(204);
    assert_eq!(ada.emails().await.len(), 3);
    roster.follow(&dropped).await.expect(400);
    roster.follow(&kept).await.expect(200);
    // Dropping a pending address changes nothing on the profile.
    let after = roster.read_ada().await;
    assert_eq!(after.email_generation(), before.email_generation());
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn an_address_that_is_not_primary_is_dropped_and_older_links_are_dead() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.add_email("countess@example.com").await.expect(200);
    let link = roster.link_to("countess@example.com").await;
    ada.delete(&path(OTHER)).await.expect(204);
    let left = [("ada@example.org".to_owned(), true, true)];
    assert_eq!(ada.emails().await, left);
    roster.follow(&link).await.expect(400);
    let user = roster.read_ada().await;
    assert_eq!(
        (user.email_generation().as_u64(), user.last_updated()),
        (1, NOW)
    );
    ada.delete(&path(OTHER)).await.expect(404);
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn a_proved_address_that_is_dropped_and_the_primary_one_are_told() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.delete(&path(OTHER)).await.expect(204);
    assert_eq!(
        roster.recipients_after(0).await,
        ["ada.byron@example.org", "ada@example.org"]
    );
    for message in roster.outbox.messages() {
        assert_eq!(
            message.subject.as_deref(),
            Some("An e-mail address was removed from your account")
        );
        let html = message.html.as_deref().unwrap();
        for part in [message.text.as_str(), html] {
            assert!(part.contains("a…@example.org"), "{part}");
            assert!(
                !part.contains("/users/") && !part.contains("ada.byron"),
                "{part}"
            );
        }
    }
}

#[tokio::test]
async fn a_dropped_address_that_was_not_proved_is_not_told_itself() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let own = format!("/api/users/{}/emails", ada.id);
    let body = json!({ "email": "unproved@example.org" });
    roster.send_json("POST", &own, body).await.expect(200);
    ada.add_email("countess@example.com").await.expect(200);
    let asked = roster.recipients().await.len();
    for (email, told) in [
        ("countess@example.com", [].as_slice()),
        // It was on the profile, so it could be used to sign in.
        ("unproved@example.org", &["ada@example.org"]),
    ] {
        ada.delete(&path(&id_of(&ada, email).await))
            .await
            .expect(204);
        assert_eq!(roster.recipients_after(asked).await, told, "{email}");
    }
}

#[tokio::test]
async fn an_unproved_address_of_the_profile_is_dropped_with_what_waits_for_it() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let own = format!("/api/users/{}/emails", ada.id);
    let body = json!({ "email": "unproved@example.org" });
    roster.send_json("POST", &own, body).await.expect(200);
    ada.add_email("unproved@example.org").await.expect(200);
    let link = roster.link_to("unproved@example.org").await;
    ada.delete(&path(&id_of(&ada, "unproved@example.org").await))
        .await
        .expect(204);
    assert_eq!(ada.emails().await.len(), 2);
    roster.follow(&link).await.expect(400);
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn a_dropped_address_is_free_for_others() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let grace = roster.person("grace").await;
    grace.add_email("ada.byron@example.org").await.expect(400);
    ada.delete(&path(OTHER)).await.expect(204);
    grace.add_email("ada.byron@example.org").await.expect(200);
    roster
        .follow(&roster.link_to("ada.byron@example.org").await)
        .await
        .expect(200);
    let proved = ("ada.byron@example.org".to_owned(), true, false);
    assert!(grace.emails().await.contains(&proved));
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn the_primary_address_stays() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let before = roster.table.items().await;
    let answer = ada.delete(&path(PRIMARY)).await.expect(400);
    assert_eq!(
        answer.problem(),
        json!({
            "type": "https://httpstatuses.io/400", "title": "Bad Request", "status": 400,
            "detail": "The primary e-mail address can't be dropped.", "instance": path(PRIMARY),
            "errors": [{
                "code": "PrimaryIdentifier",
                "description": "The primary e-mail address can't be dropped.",
                "field": null,
            }],
        })
    );
    assert_eq!(roster.table.items().await, before);
    let grace = roster.person("grace").await;
    let only = id_of(&grace, "grace@example.org").await;
    assert_eq!(
        grace.delete(&path(&only)).await.expect(400).codes(),
        ["PrimaryIdentifier"]
    );
}

#[tokio::test]
async fn the_former_address_stays_while_the_change_can_be_undone() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.change_email("countess@example.com", sample::PASSWORD)
        .await
        .expect(200);
    roster
        .follow(&roster.link_to("countess@example.com").await)
        .await
        .expect(200);
    let before = roster.table.items().await;
    let answer = ada.delete(&path(PRIMARY)).await.expect(400);
    let why = "was the primary address until lately and can't be dropped before that can no longer be undone";
    assert_eq!(answer.body["errors"], json!({ "identifier_id": [why] }));
    assert_eq!(answer.body["detail"], format!("identifier_id {why}."));
    assert_eq!(roster.table.items().await, before);
    // Other addresses have no such right, and can be dropped.
    ada.delete(&path(OTHER)).await.expect(204);
    let day = Duration::from_hours(24);
    let last = roster.just_before(3 * day).await;
    ada.at(&last).delete(&path(PRIMARY)).await.expect(400);
    let over = roster.later(3 * day).await;
    ada.at(&over).delete(&path(PRIMARY)).await.expect(204);
    let left = [("countess@example.com".to_owned(), true, true)];
    assert_eq!(ada.at(&over).emails().await, left);
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn the_former_address_goes_where_a_change_can_not_be_undone() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let final_at_once = roster.also(NOW, &[("UndoTtlSeconds", "0")]).await;
    let ada = ada.at(&final_at_once);
    ada.change_email("countess@example.com", sample::PASSWORD)
        .await
        .expect(200);
    let link = final_at_once.link_to("countess@example.com").await;
    final_at_once.follow(&link).await.expect(200);
    ada.delete(&path(PRIMARY)).await.expect(204);
}

#[tokio::test]
async fn the_last_identifier_stays() {
    let roster = Roster::start().await;
    let grace = only(&roster, json!({ "email": "grace@example.org" })).await;
    let id = id_of(&grace, "grace@example.org").await;
    let answer = grace.delete(&path(&id)).await.expect(400);
    assert_eq!(answer.codes(), ["LastIdentifier"]);
    grace.get("/users/emails").await.expect(200);
    let hopper = only(
        &roster,
        json!({ "username": "hopper", "email": "h@example.org" }),
    )
    .await;
    let id = id_of(&hopper, "h@example.org").await;
    hopper.delete(&path(&id)).await.expect(204);
    assert_eq!(hopper.emails().await, []);
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let grace = roster.person("grace").await;
    grace.add_email("hopper@example.org").await.expect(200);
    let before = roster.table.items().await;
    for not_own in [
        UNKNOWN_ID.to_owned(),
        id_of(&grace, "grace@example.org").await,
        id_of(&grace, "hopper@example.org").await,
        // The username's identifier id.
        "0192d0f0-0000-7000-8000-000000000000".to_owned(),
    ] {
        let answer = ada.delete(&path(&not_own)).await.expect(404);
        assert_eq!(answer.body["detail"], "There is no such e-mail.");
    }
    let answer = ada.delete(&path("x")).await.expect(400);
    assert!(
        answer.body["errors"]["identifier_id"].is_array(),
        "{answer:?}"
    );
    assert_eq!(roster.table.items().await, before);
}

#[tokio::test]
async fn a_lapsed_pending_address_is_not_found() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.add_email("countess@example.com").await.expect(200);
    let id = id_of(&ada, "countess@example.com").await;
    let lapsed = roster.later(Duration::from_hours(7 * 24)).await;
    ada.at(&lapsed).delete(&path(&id)).await.expect(404);
}

#[tokio::test]
async fn a_lost_reply_makes_no_difference() {
    let roster = Roster::start().await;
    let mut at = 0;
    loop {
        roster.table.clear().await;
        let ada = roster.ada().await;
        roster.faults.plan(at, 1, Fault::DropReply);
        ada.delete(&path(OTHER)).await.expect(204);
        let requests = roster.faults.clear().len();
        let user = roster.read_ada().await;
        assert_eq!(
            (user.emails().len(), user.email_generation().as_u64()),
            (1, 1),
            "at {at}"
        );
        at += 1;
        if at >= requests {
            break;
        }
    }
}
