use macro_rules_attribute::apply;
use std::time::Duration;

use aws::Courier;
use consumer::{Change, Consumed, Fault as Refused, Handler, Record, Worker};
use domain::{JsonObject, OperationId, Timestamp, sample};
use local::services;
use roster_http::{AccountSettings, App, Clock, Entropy, LinkKeys};
use serde_json::json;
use store::{LEASE, Lease, State};
use tokio::io::AsyncReadExt as _;
use tokio::time::Instant;
use workers::send_notifications::CONSUMER;

use crate::harness::{Fault, NOW, Roster, free_port, log};

const NEW: &str = "countess@example.com";
const PHONE: &str = "+441514960815";
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
/// How often the SDK sends a request whose answers are faults.
const ATTEMPTS: usize = 4;

/// The keys of the notifications, with their states.
async fn notifications(roster: &Roster) -> Vec<(String, String, String)> {
    let items = roster.table.items().await.into_iter();
    items
        .filter(|((_, sort), _)| sort.starts_with("NOTIFICATION#"))
        .map(|((partition, sort), item)| {
            let state = item["state"].as_s().unwrap().clone();
            (partition, sort, state)
        })
        .collect()
}

/// The notifications' states, in alphabetical order.
async fn states(roster: &Roster) -> Vec<String> {
    let notifications = notifications(roster).await.into_iter();
    let mut states: Vec<_> = notifications.map(|(_, _, state)| state).collect();
    states.sort();
    states
}

/// The id of another sender than the one under test.
fn another() -> OperationId {
    OperationId::random([7; 16])
}

fn worker_of(roster: &Roster) -> &Worker {
    &roster.workers[CONSUMER.name]
}

/// Gives the sender one record.
async fn send(worker: &Worker, record: Record) -> Result<Consumed, Refused> {
    let Handler::Each(send) = CONSUMER.handler else {
        panic!("notifications are sent one at a time");
    };
    send(worker, record).await
}

fn sent(roster: &Roster) -> usize {
    roster.outbox.messages().len()
}

/// Takes the lease on a notification for another sender than the one under test.
async fn lease(roster: &Roster, (partition, sort): (&str, &str), now: Timestamp) {
    let (key, sender) = ((partition, sort), another());
    let lease = roster.notifications.lease(key, &sender, now).await.unwrap();
    assert!(matches!(lease, Lease::Yours(_)), "{lease:?}");
}

/// Gives the sender the records of all notifications in one batch. Returns which of them must come
/// again, by their places among the notifications.
async fn failed_of_one_batch(roster: &Roster, worker: &Worker, end: Instant) -> Vec<String> {
    let records: Vec<_> = notifications(roster)
        .await
        .into_iter()
        .enumerate()
        .map(|(n, (partition, sort, _))| {
            json!({
                "eventID": n.to_string(),
                "eventName": "INSERT",
                "awsRegion": "eu-west-1",
                "dynamodb": {
                    "ApproximateCreationDateTime": 1_640_975_400,
                    "Keys": { "PK": { "S": partition }, "SK": { "S": sort } },
                    "NewImage": {},
                    "OldImage": {},
                    "SequenceNumber": n.to_string(),
                    "SizeBytes": 1,
                },
            })
        })
        .collect();
    let event = serde_json::from_value(json!({ "Records": records })).unwrap();
    let answer = consumer::consume(worker, &CONSUMER, event, end).await;
    let failures = answer.batch_item_failures.into_iter();
    failures
        .map(|failure| failure.item_identifier.unwrap())
        .collect()
}

#[apply(on_both_stores)]
async fn what_is_sent_is_sent_once_however_often_its_record_comes(roster: Roster) {
    let ada = roster.ada().await;
    ada.change_email(NEW, sample::PASSWORD).await.expect(200);
    assert_eq!(states(&roster).await, ["pending", "pending"]);
    roster.send_notifications().await;
    assert_eq!(states(&roster).await, ["sent", "sent"]);
    let messages = roster.outbox.messages();
    assert_eq!(messages.len(), 2);
    for _ in 0..2 {
        roster.deliver_again().await;
    }
    roster
        .later(Duration::from_hours(1))
        .await
        .deliver_again()
        .await;
    assert_eq!(roster.outbox.messages(), messages);
}

#[apply(on_both_stores)]
async fn what_another_sender_holds_comes_again_and_is_sent_when_the_lease_lapses(roster: Roster) {
    let grace = roster.person("grace").await;
    grace.add_email(NEW).await.expect(200);
    let all = notifications(&roster).await;
    let [(partition, sort, _)] = all.as_slice() else {
        panic!("{all:?}")
    };
    lease(&roster, (partition, sort), NOW).await;

    for roster in [&roster, &roster.just_before(LEASE).await] {
        assert!(
            roster.send_notifications_once().await > 0,
            "the record comes again"
        );
        assert_eq!(sent(roster), 0);
        assert_eq!(states(roster).await, ["sending"]);
    }
    roster.later(LEASE).await.send_notifications().await;
    assert_eq!(roster.recipients().await, [NEW]);
    assert_eq!(states(&roster).await, ["sent"]);
}

#[apply(on_both_stores)]
async fn a_record_whose_lease_is_held_fails_at_once_and_holds_up_none_of_its_batch(roster: Roster) {
    let grace = roster.person("grace").await;
    let addresses = ["a@example.com", "b@example.com", "c@example.com"];
    for address in addresses {
        grace.add_email(address).await.expect(200);
    }
    let all = notifications(&roster).await;
    // The lease ends by a real clock, so that waiting for its end is possible.
    let clock = Clock::System;
    lease(&roster, (&all[1].0, &all[1].1), clock.now()).await;
    let worker = Worker {
        app: App {
            clock,
            ..roster.app()
        },
        courier: worker_of(&roster).courier.clone(),
    };
    let failed = failed_of_one_batch(&roster, &worker, Instant::now() + LEASE);
    let failed = tokio::time::timeout(LEASE / 3, failed)
        .await
        .expect("it waits");
    assert_eq!(failed, ["1"]);
    assert_eq!(states(&roster).await, ["sending", "sent", "sent"]);
    assert_eq!(sent(&roster), 2);

    roster
        .also(clock.now().plus(LEASE), &[])
        .await
        .send_notifications()
        .await;
    assert_eq!(roster.recipients_after(0).await, addresses);
    assert_eq!(states(&roster).await, ["sent"; 3]);
}

#[apply(on_both_stores)]
async fn quick_retries_while_a_dead_sender_holds_the_lease_do_not_use_the_record_up(
    roster: Roster,
) {
    let grace = roster.person("grace").await;
    grace.add_email(NEW).await.expect(200);
    let all = notifications(&roster).await;
    lease(&roster, (&all[0].0, &all[0].1), NOW).await;
    for _ in 0..20 {
        assert_eq!(roster.send_notifications_once().await, 1);
    }
    assert_eq!(states(&roster).await, ["sending"]);
    roster.later(LEASE).await.send_notifications().await;
    assert_eq!(roster.recipients().await, [NEW]);
    assert_eq!(states(&roster).await, ["sent"]);
}

#[apply(on_both_stores)]
async fn a_record_that_fails_is_given_up_after_an_hour_and_not_before(roster: Roster) {
    // The store's own time is in the records, at worst to the minute.
    let made = Clock::System.now();
    let grace = roster.person("grace").await;
    grace.add_email(NEW).await.expect(200);
    roster.outbox.refuse(2 * ATTEMPTS, 500, "InternalFailure");
    assert_eq!(roster.send_notifications_once().await, 1);
    let young = roster.also(made.plus(58 * MINUTE), &[]).await;
    assert_eq!(young.send_notifications_once().await, 1);
    let old = roster.also(made.plus(62 * MINUTE), &[]).await;
    assert_eq!(old.send_notifications_once().await, 0);
    // The record is gone from the consumer's queue, and the item says what became of it.
    assert_eq!(roster.send_notifications_once().await, 0);
    assert_eq!(
        (sent(&roster), states(&roster).await),
        (0, vec!["pending".to_owned()])
    );
}

#[apply(on_both_stores)]
async fn a_sender_that_does_not_hear_that_it_has_it_sends_it_once(roster: Roster) {
    let grace = roster.person("grace").await;
    grace.add_email(NEW).await.expect(200);
    roster.faults.plan(0, 1, Fault::DropReply);
    roster.send_notifications().await;
    assert_eq!(roster.faults.clear()[0].action, "UpdateItem");
    assert_eq!(roster.recipients().await, [NEW]);
    assert_eq!(states(&roster).await, ["sent"]);
}

#[apply(on_both_stores)]
async fn one_that_is_sent_and_not_marked_is_sent_again_when_the_lease_lapses(roster: Roster) {
    let grace = roster.person("grace").await;
    grace.add_email(NEW).await.expect(200);
    roster.faults.plan(1, usize::MAX, Fault::Refuse);
    assert!(roster.send_notifications_once().await > 0);
    roster.faults.clear();
    assert_eq!(
        (sent(&roster), states(&roster).await),
        (1, vec!["sending".to_owned()])
    );
    roster
        .just_before(LEASE)
        .await
        .send_notifications_once()
        .await;
    assert_eq!(sent(&roster), 1);
    roster.later(LEASE).await.send_notifications().await;
    assert_eq!(roster.recipients().await, [NEW, NEW]);
    assert_eq!(states(&roster).await, ["sent"]);
}

#[apply(on_both_stores)]
async fn what_there_is_no_time_for_is_left_untried_to_the_next_batch(roster: Roster) {
    let ada = roster.ada().await;
    ada.add_email(NEW).await.expect(200);
    let failed = failed_of_one_batch(&roster, worker_of(&roster), Instant::now()).await;
    assert_eq!(failed, ["0", "1"]);
    assert_eq!(states(&roster).await, ["pending", "pending"]);
    assert_eq!(roster.recipients_after(0).await, [PHONE, NEW]);
}

#[apply(on_both_stores)]
async fn the_locale_claim_goes_along_and_a_language_without_texts_is_english(roster: Roster) {
    let ada = roster.ada().await;
    let claims = || JsonObject::parse(r#"{"locale":"de-CH"}"#).unwrap();
    roster.edit(&ada.id, |user| user.claims = claims()).await;
    ada.add_email(NEW).await.expect(200);
    let items = roster.table.items().await;
    let mut locales = items
        .iter()
        .filter(|((_, sort), _)| sort.starts_with("NOTIFICATION#"))
        .map(|(_, item)| item["locale"].as_s().unwrap());
    assert!(locales.all(|locale| locale == "de-CH"));
    roster.send_notifications().await;
    let messages = roster.outbox.messages();
    assert!(
        messages.iter().any(|sent| sent.text.contains("Hello,")),
        "{messages:#?}"
    );
}

#[apply(on_both_stores)]
async fn one_that_another_sender_finished_meanwhile_is_not_sent_again(roster: Roster) {
    let grace = roster.person("grace").await;
    grace.add_email(NEW).await.expect(200);
    let all = notifications(&roster).await;
    let (partition, sort, _) = &all[0];
    let key = (partition.as_str(), sort.as_str());
    lease(&roster, key, NOW).await;
    roster.send_notifications_once().await;
    roster.notifications.settle(key, State::Sent).await.unwrap();
    roster.later(LEASE).await.send_notifications().await;
    assert_eq!(sent(&roster), 0);
    assert_eq!(states(&roster).await, ["sent"]);
}

#[apply(on_both_stores)]
async fn what_fails_for_a_while_is_sent_when_the_stream_tries_again(roster: Roster) {
    for (n, (status, code)) in [
        (500, "InternalFailure"),
        (400, "Throttling"),
        (503, "ServiceUnavailable"),
    ]
    .into_iter()
    .enumerate()
    {
        let ada = roster.person(&format!("ada{n}")).await;
        let email = format!("a{n}@example.com");
        let before = sent(&roster);
        ada.add_email(&email).await.expect(200);
        roster.outbox.refuse(2 * ATTEMPTS, status, code);
        for _ in 0..2 {
            roster.send_notifications_once().await;
            assert_eq!(sent(&roster), before, "{code}");
            assert!(
                states(&roster).await.contains(&"pending".to_owned()),
                "{code}"
            );
        }
        roster.send_notifications().await;
        assert_eq!(roster.recipients_after(before).await, [email], "{code}");
    }
    assert_eq!(states(&roster).await, ["sent"; 3]);
}

#[apply(on_both_stores)]
async fn one_that_fails_for_a_while_does_not_repeat_those_before_it(roster: Roster) {
    let ada = roster.ada().await;
    ada.add_email(NEW).await.expect(200);
    roster.outbox.refuse(ATTEMPTS, 500, "InternalFailure");
    roster.send_notifications().await;
    assert_eq!(roster.recipients_after(0).await, [PHONE, NEW]);
    assert_eq!(states(&roster).await, ["sent", "sent"]);
}

#[apply(on_both_stores)]
async fn a_permanent_refusal_is_kept_as_failed_and_holds_nothing_up(roster: Roster) {
    let grace = roster.person("grace").await;
    grace.add_email("rejected@example.com").await.expect(200);
    grace.add_email(NEW).await.expect(200);
    roster.outbox.refuse(1, 400, "MessageRejected");
    roster.send_notifications_once().await;
    assert_eq!(roster.recipients().await, [NEW]);
    assert_eq!(states(&roster).await, ["failed", "sent"]);
    roster.deliver_again().await;
    roster
        .later(Duration::from_hours(1))
        .await
        .deliver_again()
        .await;
    assert_eq!(roster.recipients().await, [NEW]);
    assert_eq!(states(&roster).await, ["failed", "sent"]);

    // The same by SMS: a recipient who opted out gets none, and the mail is sent all the same.
    let ada = roster.ada().await;
    ada.add_email("a@example.com").await.expect(200);
    roster.outbox.refuse(1, 400, "OptedOut");
    roster.send_notifications().await;
    // A metric filter of template.yaml reads this.
    let logged = log::lines();
    let is_told = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["notification"] == "failed" && line["code"] == "OptedOut"
    };
    assert!(logged.lines().any(is_told));
    assert_eq!(sent(&roster), 2);
    assert_eq!(states(&roster).await, ["failed", "failed", "sent", "sent"]);
}

#[apply(on_both_stores)]
async fn without_a_key_or_a_public_url_nothing_is_sent_and_nothing_is_lost(roster: Roster) {
    let grace = roster.person("grace").await;
    grace.add_email(NEW).await.expect(200);
    let all = notifications(&roster).await;
    let (partition, sort, _) = &all[0];
    let record = || Record {
        id: "1".to_owned(),
        change: Change::Insert,
        new: None,
        old: None,
        partition: partition.clone(),
        sort: sort.clone(),
        at: NOW,
    };
    let without_key = App {
        link_keys: LinkKeys::none(),
        ..roster.app()
    };
    let without_url = App {
        account: AccountSettings::default(),
        ..roster.app()
    };
    for app in [without_key, without_url] {
        let worker = Worker {
            app,
            courier: worker_of(&roster).courier.clone(),
        };
        let outcome = send(&worker, record()).await;
        assert!(outcome.is_err(), "{outcome:?}");
        assert_eq!(states(&roster).await, ["pending"]);
    }
    assert_eq!(roster.recipients().await, [NEW]);
}

#[apply(on_both_stores)]
async fn links_start_with_the_public_url_whatever_the_request_says(roster: Roster) {
    const PUBLIC: &str = "https://accounts.example.org/prod";
    let set = [("PublicUrl", PUBLIC)];
    let public = roster.also(NOW.plus(SECOND), &set).await;
    let ada = public.ada().await;
    let answer = ada
        .request("POST", "/users/email/")
        .header("host", "evil.example.net")
        .header("x-forwarded-host", "evil.example.net")
        .header("forwarded", "host=evil.example.net")
        .header("x-original-host", "evil.example.net")
        .json(serde_json::json!({ "email": NEW }))
        .send()
        .await;
    answer.expect(200);
    public.send_notifications().await;
    let messages = public.outbox.messages();
    assert_eq!(messages.len(), 2);
    for message in messages {
        let everything = format!("{message:?}");
        assert!(!everything.contains("evil"), "{everything}");
        assert!(!everything.contains(&public.base), "{everything}");
        let start = format!("{PUBLIC}/users/email-verify/");
        assert!(message.text.contains(&start), "{everything}");
        if let Some(html) = &message.html {
            assert!(html.contains(&start), "{html}");
        }
    }
}

#[apply(on_both_stores)]
async fn no_token_is_stored_or_logged(roster: Roster) {
    let ada = roster.ada().await;
    ada.move_to(NEW).await;
    ada.prove("added@example.com").await;
    ada.change_email("next@example.com", sample::PASSWORD)
        .await
        .expect(200);
    roster.send_notifications().await;
    let mut messages = roster.outbox.messages();
    messages.retain(|message| message.text.contains(&roster.base));
    let tokens: Vec<&str> = messages
        .iter()
        .flat_map(|message| message.text.split_whitespace())
        .filter_map(|word| word.strip_prefix(&roster.base)?.split('/').nth(3))
        .collect();
    assert_eq!(tokens.len(), messages.len());
    assert_eq!(tokens.len(), 9);
    // The links are opened and used, so that requests with them could appear in the log, too.
    for message in &messages {
        let link = message
            .text
            .split_whitespace()
            .find_map(|word| word.strip_prefix(&roster.base));
        roster.open(link.unwrap()).await;
        roster.follow(link.unwrap()).await;
    }
    let stored = format!("{:?}", roster.table.items().await);
    assert!(stored.contains(NEW), "the whole table is looked at");
    tracing::info!("planted-{}", roster.table.name);
    let logged = log::lines();
    assert!(logged.contains(&format!("planted-{}", roster.table.name)));
    assert!(logged.contains("send_notifications") && logged.contains("confirm_primary_email"));
    for token in tokens {
        let parts: Vec<&str> = token.split('.').collect();
        let [_, facts, mac] = parts.as_slice() else {
            panic!("{token}")
        };
        for part in [facts, mac] {
            assert!(!stored.contains(part), "stored: {part}");
            assert!(!logged.contains(part), "logged: {part}");
        }
    }
    for address in [NEW, "added@example.com", PHONE] {
        let line = logged.lines().find(|line| line.contains(address));
        assert_eq!(line, None);
    }
}

/// Sends one notification by an SES that reads and never answers, or closes the connection after it has
/// read this many bytes. Returns how many connections there were.
async fn send_by_a_mute_ses(roster: &Roster, hangs_up_after: Option<usize>) -> usize {
    let mute = free_port().await;
    let base = format!("http://{}", mute.local_addr().unwrap());
    let worker = Worker {
        // Another sender with another seed, so that its random names differ.
        app: App {
            entropy: Entropy::seeded(9),
            ..roster.app()
        },
        courier: Some(Courier::new(
            &services::settings(&base),
            "no-reply@roster.example".to_owned(),
        )),
    };
    let [(partition, sort, _)] = notifications(roster).await.try_into().unwrap();
    let record = Record {
        id: "1".to_owned(),
        change: Change::Insert,
        partition,
        sort,
        new: None,
        old: None,
        at: NOW,
    };
    let (mut taken, mut held) = (0, Vec::new());
    let send = send(&worker, record);
    tokio::pin!(send);
    let outcome = loop {
        tokio::select! {
            outcome = &mut send => break outcome,
            connection = mute.accept() => {
                let (mut connection, _) = connection.unwrap();
                taken += 1;
                held.push(tokio::spawn(async move {
                    let length = hangs_up_after.unwrap_or(usize::MAX);
                    let _ = (&mut connection).take(length as u64).read_to_end(&mut Vec::new()).await;
                }));
            }
        }
    };
    assert!(outcome.is_err(), "{outcome:?}");
    taken
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_gets_no_answer_is_not_sent_again_at_once() {
    for hangs_up_after in [None, Some(500)] {
        let roster = Roster::start().await;
        let grace = roster.person("grace").await;
        grace.add_email(NEW).await.expect(200);
        let taken = send_by_a_mute_ses(&roster, hangs_up_after).await;
        assert_eq!(taken, 1, "{hangs_up_after:?}");
        // The lease keeps the next sender from sending.
        assert_eq!(states(&roster).await, ["sending"], "{hangs_up_after:?}");
        assert!(roster.send_notifications_once().await > 0);
        assert_eq!(sent(&roster), 0, "{hangs_up_after:?}");
        roster.later(LEASE).await.send_notifications().await;
        assert_eq!(roster.recipients().await, [NEW]);
    }
}
