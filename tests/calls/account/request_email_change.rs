use std::time::Duration;

use domain::sample;
use macro_rules_attribute::apply;
use serde_json::{Value, json};

use crate::harness::{Answer, Fault, NOW, Roster};

const PASSWORD: &str = sample::PASSWORD;
const NEW: &str = "countess@example.com";
const PHONE: &str = "+441514960815";
/// How long the hour lasts after the time of the tests.
const TO_THE_HOUR: Duration = Duration::from_secs(2800);
const PATH: &str = "/users/email-change/";

fn body(email: &str, password: &str) -> Value {
    json!({ "user": sample::PERSON, "email": email, "password": password })
}

async fn pending_items(roster: &Roster) -> usize {
    let items = roster.table.items().await;
    items
        .keys()
        .filter(|(_, sort)| sort.starts_with("USER#PENDING_EMAIL#"))
        .count()
}

fn wait(answer: &Answer) -> Option<&str> {
    answer.header("retry-after")
}

/// The state after one request in which the reply to one of its own requests was lost: the user as
/// shown, the number of pending addresses and of notifications, and how many more notifications may be
/// asked for. Also the number of requests.
async fn left_by_request(
    roster: &Roster,
    password: &str,
    status: u16,
    lost: Option<usize>,
) -> ((Value, usize, usize, usize), usize) {
    roster.table.clear().await;
    let ada = roster.ada().await;
    let before = roster.recipients().await.len();
    roster.faults.clear();
    if let Some(at) = lost {
        roster.faults.plan(at, 1, Fault::DropReply);
    }
    ada.change_email(NEW, password).await.expect(status);
    let requests = roster.faults.clear().len();
    let shown = roster.shown(&ada.id).await;
    let pending = pending_items(roster).await;
    let notified = roster.recipients().await.len() - before;
    let mut left = 0;
    while ada.add_email(NEW).await.status == 200 {
        left += 1;
    }
    roster.send_notifications().await;
    ((shown, pending, notified, left), requests)
}

#[apply(on_both_stores)]
async fn the_new_address_and_the_phone_get_a_link_and_nothing_else_changes(roster: Roster) {
    let ada = roster.ada().await;
    let before = roster.shown(&ada.id).await;
    let answer = ada
        .change_email(" Countess@Example.com ", PASSWORD)
        .await
        .expect(200);
    assert_eq!(
        (answer.body, answer.headers.contains_key("set-cookie")),
        (json!(null), false)
    );
    assert_eq!(
        ada.emails().await,
        [
            ("ada@example.org".to_owned(), true, true),
            ("ada.byron@example.org".to_owned(), true, false),
            ("Countess@Example.com".to_owned(), false, false),
        ]
    );
    assert_eq!(roster.shown(&ada.id).await, before);
    let mut recipients = roster.recipients().await;
    recipients.sort();
    assert_eq!(recipients, [PHONE, "Countess@example.com"]);
    let (mailed, texted) = (
        roster.link_to("Countess@example.com").await,
        roster.link_to(PHONE).await,
    );
    assert_ne!(mailed, texted);
    for link in [&mailed, &texted] {
        assert!(link.starts_with("/users/email-set-primary/"), "{link}");
        assert!(link.ends_with(&format!("/{}/", sample::PERSON)), "{link}");
    }
    roster.table.check_invariants().await;
}

#[apply(on_both_stores)]
async fn without_a_phone_one_notification_is_sent(roster: Roster) {
    let grace = roster.person("grace").await;
    grace.change_email(NEW, PASSWORD).await.expect(200);
    assert_eq!(roster.recipients().await, [NEW]);
}

#[apply(on_both_stores)]
async fn an_unproved_phone_is_told_nothing(roster: Roster) {
    roster
        .create(json!({
            "username": "grace", "email": "grace@example.org", "email_verified": true,
            "phone_number": "+12125552368", "password": PASSWORD, "is_temporary_password": false,
        }))
        .await;
    let grace = roster.sign_in("grace", PASSWORD).await;
    grace.change_email(NEW, PASSWORD).await.expect(200);
    assert_eq!(roster.recipients().await, [NEW]);
}

#[apply(on_both_stores)]
async fn somebody_without_a_primary_address_can_ask_for_one(roster: Roster) {
    roster
        .create(json!({
            "username": "grace", "password": PASSWORD, "is_temporary_password": false,
        }))
        .await;
    let grace = roster.sign_in("grace", PASSWORD).await;
    grace.change_email(NEW, PASSWORD).await.expect(200);
    roster.follow(&roster.link_to(NEW).await).await.expect(200);
    assert_eq!(grace.emails().await, [(NEW.to_owned(), true, true)]);
    assert_eq!(roster.recipients().await, [NEW]);
    roster.table.check_invariants().await;
}

#[apply(on_both_stores)]
async fn an_own_address_that_is_proved_already_becomes_primary_at_once(roster: Roster) {
    let ada = roster.ada().await;
    ada.change_email("ada.byron@example.org", PASSWORD)
        .await
        .expect(200);
    assert_eq!(
        ada.emails().await,
        [
            ("ada.byron@example.org".to_owned(), true, true),
            ("ada@example.org".to_owned(), true, false),
        ]
    );
    roster.table.check_invariants().await;
}

#[apply(on_both_stores)]
async fn an_own_address_that_is_not_proved_is_proved_by_the_change(roster: Roster) {
    let ada = roster.ada().await;
    let unproved = json!({ "email": "unproved@example.org" });
    let path = format!("/api/users/{}/emails", ada.id);
    roster.send_json("POST", &path, unproved).await.expect(200);
    ada.change_email("unproved@example.org", PASSWORD)
        .await
        .expect(200);
    assert_eq!(ada.emails().await.len(), 3);
    roster
        .follow(&roster.link_to("unproved@example.org").await)
        .await
        .expect(200);
    let emails = ada.emails().await;
    assert_eq!(
        (&emails[0], emails.len()),
        (&("unproved@example.org".to_owned(), true, true), 3)
    );
    roster.table.check_invariants().await;
}

#[apply(on_both_stores)]
async fn only_the_callers_own_id_is_taken(roster: Roster) {
    let ada = roster.ada().await;
    let grace = roster.person("grace").await;
    let not_own = "must be your own user id";
    let expected = (format!("user {not_own}."), json!({ "user": [not_own] }));
    for user in [grace.id.as_str(), "", "ada", &sample::PERSON.to_lowercase()] {
        let body = json!({ "user": user, "email": NEW, "password": PASSWORD });
        assert_eq!(ada.refused(PATH, body).await, expected, "{user}");
    }
    assert_eq!(grace.emails().await.len(), 1);
}

#[apply(on_both_stores)]
async fn every_member_is_needed(roster: Roster) {
    let ada = roster.ada().await;
    for member in ["user", "email", "password"] {
        let mut body = body(NEW, PASSWORD);
        body.as_object_mut().unwrap().remove(member);
        let expected = (
            format!("{member} is required."),
            json!({ member: ["is required"] }),
        );
        assert_eq!(ada.refused(PATH, body).await, expected);
    }
    let (_, errors) = ada.refused(PATH, json!({ "user": 7 })).await;
    assert!(errors["user"].is_array(), "{errors}");
    ada.request("POST", "/users/email-change")
        .body("[]")
        .send()
        .await
        .expect(400);
}

#[apply(on_both_stores)]
async fn the_address_that_is_primary_already_is_refused(roster: Roster) {
    let ada = roster.ada().await;
    let same = "is the primary address already";
    for email in ["ada@example.org", " ada@example.org "] {
        let refusal = ada.refused(PATH, body(email, PASSWORD)).await;
        assert_eq!(
            refusal,
            (format!("email {same}."), json!({ "email": [same] }))
        );
    }
}

#[apply(on_both_stores)]
async fn ones_own_address_in_another_spelling_keeps_its_id_and_its_proof(roster: Roster) {
    let ada = roster.ada().await;
    let before = ada.get(PATH).await.expect(200);
    ada.change_email(" Ada@Example.org", PASSWORD)
        .await
        .expect(200);
    let mut wanted = before.body;
    wanted["email"] = "Ada@Example.org".into();
    assert_eq!(ada.get(PATH).await.expect(200).body, wanted);
    // There is no address to prove, and no recipient to tell.
    assert!(roster.recipients().await.is_empty());
    ada.change_email("wrong@example.org", "wrong")
        .await
        .expect(400);
    roster
        .attempt(json!({ "email": "ada@example.org", "password": PASSWORD }))
        .send()
        .await
        .expect(200);
    roster.table.check_invariants().await;
}

#[apply(on_both_stores)]
async fn an_address_in_use_is_refused(roster: Roster) {
    let ada = roster.ada().await;
    roster.person("grace").await;
    // The address is reserved, though it is not proved.
    roster
        .create(json!({ "email": "hopper@example.org" }))
        .await;
    let detail = "The e-mail address is already in use.";
    for email in [
        "grace@example.org",
        "GRACE@example.org",
        "hopper@example.org",
    ] {
        let refusal = ada.refused(PATH, body(email, PASSWORD)).await;
        let errors = json!([{ "code": "DuplicateEmail", "description": detail, "field": "email" }]);
        assert_eq!(refusal, (detail.to_owned(), errors));
    }
}

#[apply(on_both_stores)]
async fn whether_an_address_is_in_use_is_told_to_who_knows_the_password(roster: Roster) {
    let ada = roster.ada().await;
    roster.person("grace").await;
    let taken = ada.refused(PATH, body("grace@example.org", "wrong")).await;
    let free = ada.refused(PATH, body("free@example.org", "wrong")).await;
    assert_eq!(taken, free);
}

#[apply(on_both_stores)]
async fn an_address_that_is_none_is_refused(roster: Roster) {
    let ada = roster.ada().await;
    let long = format!("{}@example.org", "x".repeat(250));
    for email in ["", "nobody", "a@b@example.org", &long] {
        let (detail, errors) = ada.refused(PATH, body(email, PASSWORD)).await;
        assert_eq!(
            errors,
            json!([{ "code": "InvalidEmail", "description": detail, "field": "email" }])
        );
    }
}

#[apply(on_both_stores)]
async fn a_pending_address_blocks_no_other_user(roster: Roster) {
    let ada = roster.ada().await;
    let grace = roster.person("grace").await;
    ada.change_email(NEW, PASSWORD).await.expect(200);
    grace.change_email(NEW, PASSWORD).await.expect(200);
    roster
        .create(json!({ "username": "hopper", "email": NEW }))
        .await;
}

#[apply(on_both_stores)]
async fn a_wrong_password_counts_as_a_failed_sign_in(roster: Roster) {
    let ada = roster.ada().await;
    let mut expected = roster.shown(&ada.id).await;
    let refusal = ada.refused(PATH, body(NEW, "wrong")).await;
    assert_eq!(
        refusal,
        (
            "password is not right.".to_owned(),
            json!({ "password": ["is not right"] })
        )
    );
    for (member, value) in [
        ("failure_count", 1),
        ("sign_in_attempts_count", 2),
        ("sign_in_count", 2),
    ] {
        expected[member] = value.into();
    }
    assert_eq!(roster.shown(&ada.id).await, expected);
}

#[apply(on_both_stores)]
async fn five_wrong_passwords_lock_the_right_one_out_here_and_at_signing_in(roster: Roster) {
    let ada = roster.ada().await;
    for _ in 0..5 {
        ada.change_email(NEW, "wrong").await.expect(400);
    }
    // Notifications are used up here, too, until the next hour begins.
    let later = roster.later(TO_THE_HOUR).await;
    let just_before = roster.just_before(TO_THE_HOUR).await;
    assert_eq!(
        wait(&ada.change_email(NEW, PASSWORD).await.expect(429)),
        Some("2800")
    );
    assert_eq!(
        wait(
            &ada.at(&just_before)
                .change_email(NEW, PASSWORD)
                .await
                .expect(429)
        ),
        Some("1")
    );
    let by_email = || json!({ "email": "ada@example.org", "password": PASSWORD });
    roster.attempt(by_email()).send().await.expect(429);
    roster
        .attempt(by_email())
        .from("127.0.0.2")
        .send()
        .await
        .expect(200);
    // After a quarter of an hour the lock has ended.
    ada.at(&later).change_email(NEW, PASSWORD).await.expect(200);
}

#[apply(on_both_stores)]
async fn a_lock_out_by_wrong_passwords_outlasts_the_hour_in_which_it_began(roster: Roster) {
    let ada = roster.ada().await;
    let before = roster.later(Duration::from_mins(45)).await;
    for _ in 0..5 {
        ada.at(&before).change_email(NEW, "wrong").await.expect(400);
    }
    let next_hour = roster.later(TO_THE_HOUR).await;
    let ada = ada.at(&next_hour);
    assert_eq!(
        wait(&ada.change_email(NEW, PASSWORD).await.expect(429)),
        Some("800")
    );
    assert_eq!(ada.emails().await.len(), 2);
    // From another IP address, the same session may go on.
    let elsewhere = ada
        .request("POST", "/users/email-change/")
        .json(body(NEW, PASSWORD));
    elsewhere.from("127.0.0.2").send().await.expect(200);
}

#[apply(on_both_stores)]
async fn failed_sign_ins_and_wrong_passwords_here_are_counted_together(roster: Roster) {
    let ada = roster.ada().await;
    for _ in 0..3 {
        let by_email = json!({ "email": "ADA@example.org", "password": "wrong" });
        roster.attempt(by_email).send().await.expect(401);
    }
    for _ in 0..2 {
        ada.change_email(NEW, "wrong").await.expect(400);
    }
    assert_eq!(
        wait(&ada.change_email(NEW, PASSWORD).await.expect(429)),
        Some("900")
    );
}

#[apply(on_both_stores)]
async fn the_right_password_starts_the_count_afresh(roster: Roster) {
    let ada = roster.ada().await;
    for _ in 0..4 {
        ada.change_email(NEW, "wrong").await.expect(400);
    }
    ada.change_email(NEW, PASSWORD).await.expect(200);
    for _ in 0..4 {
        let by_email = json!({ "email": "ada@example.org", "password": "wrong" });
        roster.attempt(by_email).send().await.expect(401);
    }
    let by_email = json!({ "email": "ada@example.org", "password": PASSWORD });
    roster.attempt(by_email).send().await.expect(200);
}

#[apply(on_both_stores)]
async fn wrong_passwords_here_lock_the_account_as_everywhere(roster: Roster) {
    let ada = roster.ada().await;
    let strict = roster.also(NOW, &[("AccountFailureLimit", "2")]).await;
    let at_home = ada.at(&strict);
    let elsewhere = |password| {
        let call = at_home
            .request("POST", "/users/email-change/")
            .json(body(NEW, password));
        call.from("127.0.0.2").send()
    };
    for _ in 0..2 {
        elsewhere("wrong").await.expect(400);
    }
    let shown = roster.shown(&ada.id).await;
    assert_eq!(
        (&shown["blocked"], &shown["block_until"]),
        (&json!(true), &json!(1_700_000_900))
    );
    // From other devices even the right password is refused now, and from the person's own device it is
    // accepted.
    elsewhere(PASSWORD).await.expect(400);
    at_home.change_email(NEW, PASSWORD).await.expect(400);
    at_home
        .change_email_at_home(NEW, PASSWORD)
        .await
        .expect(200);
}

#[apply(on_both_stores)]
async fn wrong_passwords_from_the_own_device_are_counted_by_it_alone(roster: Roster) {
    let ada = roster.ada().await;
    let before = roster.shown(&ada.id).await;
    for _ in 0..5 {
        ada.change_email_at_home(NEW, "wrong").await.expect(400);
    }
    let after = roster.shown(&ada.id).await;
    assert_eq!(
        (&after["failure_count"], &after["block_until"]),
        (&before["failure_count"], &json!(null))
    );
    let next_hour = roster.later(TO_THE_HOUR).await;
    let by_device = |password| roster.login_by(&ada.device, "ada", password);
    assert_eq!(wait(&by_device(PASSWORD).await.expect(429)), Some("900"));
    // Neither the IP address nor the pair has counted these failures.
    ada.at(&next_hour)
        .change_email(NEW, PASSWORD)
        .await
        .expect(200);
    roster.login("ada", PASSWORD).await.expect(200);
}

#[apply(on_both_stores)]
async fn five_an_hour_is_the_most_for_one_user_and_refused_ones_count(roster: Roster) {
    let ada = roster.ada().await;
    ada.change_email("nobody", PASSWORD).await.expect(400);
    ada.change_email("ada@example.org", PASSWORD)
        .await
        .expect(400);
    ada.post(
        "/users/email-change",
        json!({ "user": "x", "email": NEW, "password": PASSWORD }),
    )
    .await
    .expect(400);
    ada.change_email(NEW, PASSWORD).await.expect(200);
    ada.add_email("lady@example.com").await.expect(200);
    let before = roster.table.items().await;
    let answer = ada
        .change_email("free@example.org", PASSWORD)
        .await
        .expect(429);
    assert_eq!(
        answer.problem(),
        json!({
            "type": "https://httpstatuses.io/429", "title": "Too Many Requests", "status": 429,
            "detail": "There were too many attempts. Try again later.",
            "instance": "/users/email-change/",
        })
    );
    assert_eq!(wait(&answer), Some("2800"));
    assert_eq!(
        wait(&ada.add_email("free@example.org").await.expect(429)),
        Some("2800")
    );
    let kept = |items: &std::collections::BTreeMap<(String, String), store::Item>| {
        let kept = items.keys().filter(|(_, sort)| !sort.starts_with("HOUR#"));
        kept.cloned().collect::<Vec<_>>()
    };
    assert_eq!(kept(&roster.table.items().await), kept(&before));
    let last = roster.just_before(TO_THE_HOUR).await;
    assert_eq!(
        wait(&ada.at(&last).change_email(NEW, PASSWORD).await.expect(429)),
        Some("1")
    );
    ada.at(&roster.later(TO_THE_HOUR).await)
        .change_email("free@example.org", PASSWORD)
        .await
        .expect(200);
}

#[apply(on_both_stores)]
async fn one_users_limit_is_not_anothers(roster: Roster) {
    let ada = roster.ada().await;
    let grace = roster.person("grace").await;
    for n in 0..5 {
        ada.change_email(&format!("a{n}@example.com"), PASSWORD)
            .await
            .expect(200);
    }
    ada.change_email("a5@example.com", PASSWORD)
        .await
        .expect(429);
    grace
        .change_email("g@example.com", PASSWORD)
        .await
        .expect(200);
}

#[apply(on_both_stores)]
async fn one_address_is_written_to_five_times_an_hour_by_all_users_together(roster: Roster) {
    let mut people = Vec::new();
    for n in 0..7 {
        people.push(roster.person(&format!("person{n}")).await);
    }
    for person in &people[..3] {
        person.change_email(NEW, PASSWORD).await.expect(200);
    }
    people[3].add_email(&NEW.to_uppercase()).await.expect(200);
    // A refused request sends nothing, and does not count in the hour of an address.
    people[4].change_email(NEW, "wrong").await.expect(400);
    for _ in 0..5 {
        let own = json!({ "user": people[6].id, "email": NEW, "password": "wrong" });
        people[6].post(PATH, own).await;
    }
    people[4].change_email(NEW, PASSWORD).await.expect(200);
    let answer = people[5]
        .change_email(" Countess@EXAMPLE.com", PASSWORD)
        .await
        .expect(429);
    assert_eq!(wait(&answer), Some("2800"));
    people[5].add_email(NEW).await.expect(429);
    people[5].add_email("other@example.com").await.expect(200);
    let sent = roster.recipients().await;
    assert_eq!(
        sent.iter()
            .filter(|to| to.eq_ignore_ascii_case(NEW))
            .count(),
        5
    );
    let next_hour = roster.later(TO_THE_HOUR).await;
    people[5]
        .at(&next_hour)
        .change_email(NEW, PASSWORD)
        .await
        .expect(200);
}

#[apply(on_both_stores)]
async fn many_requests_at_once_send_no_more_than_the_limit(roster: Roster) {
    let ada = roster.ada().await;
    let ada = &ada;
    let requests =
        (0..12).map(|n| async move { ada.add_email(&format!("a{n}@example.com")).await });
    let answers = futures_util::future::join_all(requests).await;
    let taken = answers.iter().filter(|answer| answer.status == 200).count();
    assert!((1..=5).contains(&taken), "{answers:#?}");
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer.status, 200 | 409 | 429)),
        "{answers:#?}"
    );
    // Each request is told to the address and to the phone.
    assert_eq!(roster.recipients().await.len(), 2 * taken);
    assert_eq!(pending_items(&roster).await, taken);
}

#[apply(on_both_stores)]
async fn five_addresses_are_pending_at_most(roster: Roster) {
    let ada = roster.ada().await;
    for n in 0..5 {
        ada.change_email(&format!("a{n}@example.com"), PASSWORD)
            .await
            .expect(200);
    }
    let next_hour = roster.later(TO_THE_HOUR).await;
    let ada = ada.at(&next_hour);
    let one_too_many = "would be one too many that waits to be proved: drop one first";
    for answer in [
        ada.change_email(NEW, PASSWORD).await,
        ada.add_email(NEW).await,
    ] {
        let answer = answer.expect(400);
        assert_eq!(answer.body["errors"], json!({ "email": [one_too_many] }));
    }
    // An address that is pending already does not count as a sixth one.
    ada.change_email("a3@example.com", PASSWORD)
        .await
        .expect(200);
    let emails = ada.get("/users/emails").await.body;
    let id = emails[6]["id"].as_str().unwrap();
    ada.delete(&format!("/users/emails/{id}/"))
        .await
        .expect(204);
    ada.change_email(NEW, PASSWORD).await.expect(200);
    assert_eq!(pending_items(&roster).await, 5);
    // Addresses that have lapsed make room for others.
    let week = roster.later(Duration::from_hours(8 * 24)).await;
    ada.at(&week)
        .add_email("last@example.com")
        .await
        .expect(200);
    assert_eq!(pending_items(&roster).await, 1);
}

#[apply(on_both_stores)]
async fn asking_again_keeps_one_pending_address_and_both_links_hold(roster: Roster) {
    let ada = roster.ada().await;
    ada.change_email(NEW, PASSWORD).await.expect(200);
    let first = roster.link_to(NEW).await;
    let id = ada.get("/users/emails").await.body[2]["id"].clone();
    let later = roster.later(Duration::from_hours(24)).await;
    ada.at(&later)
        .change_email("COUNTESS@example.com", PASSWORD)
        .await
        .expect(200);
    let emails = ada.at(&later).get("/users/emails").await.body;
    assert_eq!(
        (&emails[2]["id"], emails.as_array().unwrap().len()),
        (&id, 3)
    );
    assert_eq!(pending_items(&roster).await, 1);
    let second = later.link_to("COUNTESS@example.com").await;
    assert_ne!(first, second);
    // The address was asked for again, so it waits a week from then.
    let last = roster.just_before(Duration::from_hours(8 * 24)).await;
    last.follow(&first).await.expect(400);
    last.follow(&second).await.expect(200);
}

#[apply(on_both_stores)]
async fn a_password_that_must_be_changed_first_is_not_taken(roster: Roster) {
    let ada = roster.ada().await;
    roster
        .edit(&ada.id, |user| {
            user.credential.as_mut().unwrap().force_reset = true;
        })
        .await;
    let answer = ada.change_email(NEW, PASSWORD).await.expect(400);
    let why = "must be changed first: sign in again";
    assert_eq!(answer.body["errors"], json!({ "password": [why] }));
}

#[apply(on_both_stores)]
async fn a_lost_reply_neither_notifies_nor_counts_twice(roster: Roster) {
    for (password, status) in [(PASSWORD, 200), ("wrong", 400)] {
        let (calm, requests) = left_by_request(&roster, password, status, None).await;
        for at in 0..requests {
            let (left, _) = left_by_request(&roster, password, status, Some(at)).await;
            assert_eq!(left, calm, "at {at}");
        }
    }
}
