//! How often a password may be guessed, and that guesses of strangers don't keep people out of their
//! own accounts.

use std::time::Duration;

use domain::device::DeviceId;
use domain::sign_in::{Admission, Counter, Limits, TypedIdentifier};
use domain::{JsonObject, Kind, OperationId, sample};
use futures_util::future::{join, join_all};
use macro_rules_attribute::apply;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::harness::{Answer, Fault, NOW, Roster, log, write_by};

const MINUTE: Duration = Duration::from_mins(1);
const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);
const WRONG: &str = "wrong";
const RIGHT: &str = sample::PASSWORD;

/// The same directory, with this limit of failures for an account.
async fn with_account_limit(roster: &Roster, limit: &str) -> Roster {
    roster.also(NOW, &[("AccountFailureLimit", limit)]).await
}

/// One failure from each of `count` IP addresses.
async fn fail_from_afar(roster: &Roster, count: u8) {
    for n in 0..count {
        let ip = format!("127.0.1.{n}");
        roster.login_from(&ip, "ada", WRONG).await.expect(401);
    }
}

/// What the management API shows about failures.
async fn failures(roster: &Roster) -> [Value; 3] {
    let user = roster.shown(sample::PERSON).await;
    ["failure_count", "block_until", "blocked"].map(|member| user[member].clone())
}

/// How long an answer tells the caller to wait.
fn wait(answer: &Answer) -> Option<&str> {
    answer.header("retry-after")
}

/// How many of Ada's devices have the present epoch.
async fn live_devices(roster: &Roster) -> usize {
    let epoch = roster.read_ada().await.session_epoch().to_string();
    let items = roster.table.items().await;
    let devices = items
        .iter()
        .filter(|((_, sort), _)| sort.starts_with("DEVICE#"));
    devices
        .filter(|(_, item)| item["session_epoch"].as_n() == Ok(&epoch))
        .count()
}

/// The pair of Ada's username and the usual IP address.
fn pair() -> Counter {
    Counter::IdentifierAndIp(TypedIdentifier::new(Kind::Username, "ada").pair("127.0.0.1"))
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    answers.iter().map(|answer| answer.status).collect()
}

#[apply(on_both_stores)]
async fn the_fifth_failure_locks_whether_or_not_anybody_has_the_identifier(roster: Roster) {
    roster.write_ada().await;
    let mut seen = Vec::new();
    for (member, identifier) in [
        ("username", "ada"),
        ("username", "nobody"),
        ("email", "nobody@example.org"),
        ("email", "no address"),
        ("phone_number", "+12125552368"),
    ] {
        let mut answers = Vec::new();
        for password in [WRONG, WRONG, WRONG, WRONG, WRONG, RIGHT, WRONG] {
            roster.faults.clear();
            let mut body = json!({ "password": password });
            body[member] = identifier.into();
            let answer = roster.attempt(body).send().await;
            let requests = roster.faults.clear().into_iter();
            let actions: Vec<_> = requests.map(|request| request.action).collect();
            answers.push((answer.status, answer.bare(), actions));
            assert!(!answer.headers.contains_key("set-cookie"));
        }
        seen.push(answers);
    }
    let (first, others) = seen.split_first().unwrap();
    for other in others {
        assert_eq!(other, first);
    }
    let statuses: Vec<_> = first.iter().map(|(status, ..)| *status).collect();
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429]);
    let (_, (headers, body), actions) = &first[5];
    let problem: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        problem,
        json!({
            "type": "https://httpstatuses.io/429", "title": "Too Many Requests", "status": 429,
            "detail": "There were too many attempts. Try again later.", "instance": "/users/login/",
            "trace_id": "", "traceId": "",
        })
    );
    assert!(
        headers.contains(&("retry-after".to_owned(), "900".to_owned())),
        "{headers:?}"
    );
    // The owner; the user and the device; the counters of the IP address and the pair; the attempt
    // taken out of the IP address's counter.
    assert_eq!(
        *actions,
        [
            "GetItem",
            "BatchGetItem",
            "UpdateItem",
            "UpdateItem",
            "UpdateItem"
        ]
    );
    // Only the attempts whose password was checked are on the user.
    let shown = roster.shown(sample::PERSON).await;
    assert_eq!(
        (&shown["failure_count"], &shown["sign_in_attempts_count"]),
        (&json!(5), &json!(5))
    );
}

#[tokio::test]
async fn spellings_of_one_identifier_are_counted_together() {
    let roster = Roster::start().await;
    roster.write_ada().await;
    for email in [
        "ada@example.org",
        "ADA@example.org",
        " ada@EXAMPLE.org",
        "ａda@example.org",
        "Ada@Example.Org",
    ] {
        roster
            .attempt(json!({ "email": email, "password": WRONG }))
            .send()
            .await
            .expect(401);
    }
    let body = json!({ "email": "aDa@example.org", "password": RIGHT });
    roster.attempt(body).send().await.expect(429);
}

#[tokio::test]
async fn the_lock_out_ends_after_a_quarter_of_an_hour_and_guesses_do_not_prolong_it() {
    let roster = Roster::start().await;
    roster.write_ada().await;
    for _ in 0..5 {
        roster.login("ada", WRONG).await.expect(401);
    }
    let almost = roster.just_before(15 * MINUTE).await;
    for (later, wait) in [(roster.later(10 * MINUTE).await, "300"), (almost, "1")] {
        let answer = later.login("ada", RIGHT).await.expect(429);
        assert_eq!(answer.header("retry-after"), Some(wait));
    }
    let over = roster.later(15 * MINUTE).await;
    for _ in 0..4 {
        over.login("ada", WRONG).await.expect(401);
    }
    over.login("ada", RIGHT).await.expect(200);
}

#[tokio::test]
async fn after_a_lock_out_five_more_failures_lock_again() {
    let roster = Roster::start().await;
    roster.write_ada().await;
    for roster in [&roster, &roster.later(15 * MINUTE).await] {
        for _ in 0..5 {
            roster.login("ada", WRONG).await.expect(401);
        }
        let answer = roster.login("ada", RIGHT).await.expect(429);
        assert_eq!(answer.header("retry-after"), Some("900"));
    }
}

#[tokio::test]
async fn a_success_in_between_starts_the_count_afresh() {
    let roster = Roster::start().await;
    roster.write_ada().await;
    for _ in 0..2 {
        for _ in 0..4 {
            roster.login("ada", WRONG).await.expect(401);
        }
        roster.login("ada", RIGHT).await.expect(200);
    }
    assert_eq!(
        failures(&roster).await,
        [json!(0), json!(null), json!(false)]
    );
}

#[tokio::test]
async fn failures_need_not_follow_each_other_closely() {
    let roster = Roster::start().await;
    roster.write_ada().await;
    for hour in 0..5 {
        let roster = roster.later(Duration::from_hours(hour)).await;
        roster.login("ada", WRONG).await.expect(401);
    }
    roster
        .later(Duration::from_hours(4))
        .await
        .login("ada", RIGHT)
        .await
        .expect(429);
}

#[tokio::test]
async fn another_address_is_not_locked_out() {
    let roster = Roster::start().await;
    roster.write_ada().await;
    for _ in 0..5 {
        roster.login("ada", WRONG).await.expect(401);
    }
    roster.login("ada", RIGHT).await.expect(429);
    roster
        .login_from("127.0.0.2", "ada", WRONG)
        .await
        .expect(401);
    roster
        .login_from("127.0.0.2", "ada", RIGHT)
        .await
        .expect(200);
    // A success from another IP address doesn't end the lock.
    roster.login("ada", RIGHT).await.expect(429);
}

#[tokio::test]
async fn another_person_at_the_same_address_is_not_locked_out() {
    let roster = Roster::start().await;
    roster.write_ada().await;
    roster.person("grace").await;
    for _ in 0..5 {
        roster.login("ada", WRONG).await.expect(401);
    }
    roster.login("ada", RIGHT).await.expect(429);
    roster.login("grace", RIGHT).await.expect(200);
}

#[tokio::test]
async fn requests_to_the_store_are_as_long_for_unknown_users_as_for_known_ones() {
    let roster = Roster::start().await;
    roster.write_ada().await;
    let none = DeviceId::new([7; 32]).cookie();
    let mut seen = Vec::new();
    // These names have the same length.
    for username in ["ada", "eve"] {
        for device in ["", "x", none.expose_secret()] {
            roster.faults.clear();
            roster.login_by(device, username, WRONG).await.expect(401);
            let requests = roster.faults.clear().into_iter();
            seen.push(
                requests
                    .map(|request| (request.action, request.sent))
                    .collect::<Vec<_>>(),
            );
        }
    }
    assert_eq!(seen[0].len(), 7);
    for other in &seen {
        assert_eq!(other, &seen[0]);
    }
}

#[apply(on_both_stores)]
async fn the_size_of_a_user_does_not_show_in_what_signing_in_reads(roster: Roster) {
    roster.write_ada().await;
    let mut seen = Vec::new();
    for password in [WRONG, RIGHT] {
        for size in [1, 60_000] {
            roster
                .edit(sample::PERSON, |user| {
                    let text = format!(r#"{{"text":"{}"}}"#, "x".repeat(size));
                    user.private_data = JsonObject::parse(&text).unwrap();
                    user.public_data = user.private_data.clone();
                })
                .await;
            roster.faults.clear();
            roster.login("ada", password).await;
            let requests = roster.faults.clear().into_iter();
            seen.push(requests.map(|request| request.received).max().unwrap());
        }
    }
    // The sizes differ by the digits of the capacity units.
    for sizes in seen.chunks(2) {
        assert!(sizes[1] < sizes[0] + 100, "{seen:?}");
    }
}

#[apply(on_both_stores)]
async fn of_many_guesses_at_once_five_are_looked_at(roster: Roster) {
    roster.write_ada().await;
    for username in ["ada", "nobody"] {
        let guesses = (0..20).map(|_| roster.login(username, WRONG));
        let answers = join_all(guesses).await;
        let looked_at = answers.iter().filter(|answer| answer.status == 401).count();
        assert_eq!(looked_at, 5, "{:?}", statuses(&answers));
        for refused in answers.iter().filter(|answer| answer.status != 401) {
            assert_eq!(refused.status, 429);
            assert!(matches!(wait(refused), Some("2" | "900")), "{refused:?}");
        }
        if username == "ada" {
            assert_eq!(failures(&roster).await[0], looked_at);
        }
        let answer = roster.login(username, RIGHT).await.expect(429);
        assert_eq!(wait(&answer), Some("900"));
    }
}

#[apply(on_both_stores)]
async fn right_passwords_at_once_lock_no_user_out(roster: Roster) {
    let ada = roster.ada().await;
    for count in [6, 20] {
        for device in ["", &ada.device] {
            let answers = join_all((0..count).map(|_| roster.login_by(device, "ada", RIGHT))).await;
            let are_in = answers.iter().filter(|answer| answer.status == 200).count();
            assert!(are_in >= 5, "{:?}", statuses(&answers));
            for refused in answers.iter().filter(|answer| answer.status != 200) {
                assert_eq!((refused.status, wait(refused)), (429, Some("2")));
            }
            roster.login_by(device, "ada", RIGHT).await.expect(200);
        }
    }
    assert_eq!(
        failures(&roster).await,
        [json!(0), json!(null), json!(false)]
    );
}

#[apply(on_both_stores)]
async fn the_place_of_an_attempt_that_never_ended_is_free_after_ten_seconds(roster: Roster) {
    roster.write_ada().await;
    let address = Counter::IpAddress("127.0.0.1".to_owned());
    let limits = [("IpAddressFailureLimit", "5")];
    for counter in [pair(), address] {
        roster.table.clear().await;
        roster.write_ada().await;
        let strict = Limits {
            of_an_ip_address: 5,
            ..Limits::default()
        };
        for n in 0..5 {
            let write = write_by(OperationId::random([n; 16]), NOW);
            let counted = roster
                .sign_ins
                .count_attempt(&counter, strict, &write)
                .await
                .unwrap();
            assert_eq!(counted, Admission::Counted);
        }
        for (seconds, status) in [(0, 429), (9, 429), (10, 200)] {
            let then = roster.also(NOW.plus(SECOND * seconds), &limits).await;
            let answer = then.login("ada", RIGHT).await.expect(status);
            assert_eq!(wait(&answer), (status == 429).then_some("2"));
        }
    }
}

#[apply(on_both_stores)]
async fn a_fifth_failure_that_was_ended_before_it_locked_locks_all_the_same(roster: Roster) {
    roster.write_ada().await;
    for _ in 0..4 {
        roster.login("ada", WRONG).await.expect(401);
    }
    // The failure is counted, and the write of the lock that is due then fails.
    roster.faults.plan(5, usize::MAX, Fault::Refuse);
    roster.login("ada", WRONG).await.expect(500);
    roster.faults.clear();
    let answer = roster.login("ada", RIGHT).await.expect(429);
    assert_eq!(wait(&answer), Some("900"));
    let over = roster.later(15 * MINUTE).await;
    over.login("ada", RIGHT).await.expect(200);
}

#[apply(on_both_stores)]
async fn an_attempt_that_the_sdk_repeats_does_not_get_past_the_lock_out(roster: Roster) {
    let limits = Limits {
        of_a_pair: 1,
        ..Limits::default()
    };
    let write = |n: u8| write_by(OperationId::random([n; 16]), NOW);
    let users = &roster.sign_ins;
    let count = async |n| {
        users
            .count_attempt(&pair(), limits, &write(n))
            .await
            .unwrap()
    };
    let locked = Admission::LockedUntil(NOW.plus(15 * MINUTE));
    assert_eq!(count(1).await, Admission::Counted);
    // The reply to the count was lost, and the attempt is made again.
    assert_eq!(count(1).await, Admission::Counted);
    assert_eq!(count(2).await, Admission::OneTooMany);
    // The reply to the failure was lost, too.
    for _ in 0..2 {
        users
            .count_failure(&pair(), limits, &write(1))
            .await
            .unwrap();
    }
    assert_eq!(count(2).await, locked);
    assert_eq!(count(1).await, locked);
}

#[tokio::test]
async fn failures_at_any_identifiers_stop_their_ip_address_for_a_quarter_of_an_hour() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let limits = [("IpAddressFailureLimit", "3")];
    let strict = roster.also(NOW, &limits).await;
    for username in ["ada", "nobody", "somebody"] {
        strict.login(username, WRONG).await.expect(401);
    }
    for username in ["ada", "nobody", "anybody"] {
        roster.faults.clear();
        let answer = strict.login(username, RIGHT).await.expect(429);
        assert_eq!(wait(&answer), Some("900"));
        let actions = roster
            .faults
            .clear()
            .into_iter()
            .map(|request| request.action);
        assert_eq!(
            actions.collect::<Vec<_>>(),
            ["GetItem", "BatchGetItem", "UpdateItem"]
        );
    }
    let locked = ada
        .at(&strict)
        .change_email("a@example.com", RIGHT)
        .await
        .expect(429);
    assert_eq!(wait(&locked), Some("900"));
    strict
        .login_from("127.0.0.2", "ada", RIGHT)
        .await
        .expect(200);
    // A person who shares the IP address with the guesser can sign in from their own device.
    strict.login_by(&ada.device, "ada", RIGHT).await.expect(200);

    let last = strict
        .also(NOW.plus((15 * MINUTE).saturating_sub(SECOND)), &limits)
        .await;
    assert_eq!(wait(&last.login("ada", RIGHT).await.expect(429)), Some("1"));
    let over = strict.also(NOW.plus(15 * MINUTE), &limits).await;
    over.login("ada", RIGHT).await.expect(200);
}

#[apply(on_both_stores)]
async fn an_ip_addresss_failures_count_for_a_quarter_of_an_hour_and_successes_not_at_all(
    roster: Roster,
) {
    roster.write_ada().await;
    let limits = [("IpAddressFailureLimit", "3")];
    let at = async |after| roster.also(NOW.plus(after), &limits).await;
    let (early, late, over) = (
        at(Duration::ZERO).await,
        at(14 * MINUTE).await,
        at(15 * MINUTE).await,
    );
    early.login("nobody", WRONG).await.expect(401);
    for _ in 0..5 {
        early.login("ada", RIGHT).await.expect(200);
    }
    late.login("nobody", WRONG).await.expect(401);
    // The first failure no longer counts, so this is the second one.
    over.login("somebody", WRONG).await.expect(401);
    over.login("ada", RIGHT).await.expect(200);
    over.login("anybody", WRONG).await.expect(401);
    over.login("ada", RIGHT).await.expect(429);
}

#[apply(on_both_stores)]
async fn of_many_guesses_at_many_identifiers_at_once_as_many_as_the_limit_are_looked_at(
    roster: Roster,
) {
    let strict = roster.also(NOW, &[("IpAddressFailureLimit", "3")]).await;
    let names: Vec<_> = (0..12).map(|n| format!("nobody{n}")).collect();
    let answers = join_all(names.iter().map(|name| strict.login(name, WRONG))).await;
    let looked_at = answers.iter().filter(|answer| answer.status == 401).count();
    assert_eq!(looked_at, 3, "{:?}", statuses(&answers));
    assert_eq!(
        wait(&strict.login("x", WRONG).await.expect(429)),
        Some("900")
    );
}

#[tokio::test]
async fn attempts_at_a_locked_pair_count_nowhere() {
    let roster = Roster::start().await;
    let limits = [("PairFailureLimit", "1"), ("IpAddressFailureLimit", "3")];
    let strict = roster.also(NOW, &limits).await;
    strict.login("nobody", WRONG).await.expect(401);
    for _ in 0..5 {
        strict.login("nobody", WRONG).await.expect(429);
    }
    strict.login("somebody", WRONG).await.expect(401);
    strict.login("anybody", WRONG).await.expect(401);
    strict.login("everybody", WRONG).await.expect(429);
}

#[tokio::test]
async fn a_failure_is_logged_for_the_metric_that_counts_it() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let told = || log::lines().matches(r#""sign_in":"failed""#).count();
    let before = told();
    ada.change_email("a@example.com", WRONG).await.expect(400);
    roster.login("nobody", WRONG).await.expect(401);
    // Other tests that run at the same time may also have failed sign-ins.
    assert!(told() >= before + 2);
}

#[tokio::test]
async fn failures_from_anywhere_lock_the_account() {
    let roster = Roster::start().await;
    roster.write_ada().await;
    let roster = with_account_limit(&roster, "3").await;
    fail_from_afar(&roster, 2).await;
    assert_eq!(
        failures(&roster).await,
        [json!(2), json!(null), json!(false)]
    );
    fail_from_afar(&roster, 1).await;
    let locked = [json!(3), json!(1_700_000_900), json!(true)];
    assert_eq!(failures(&roster).await, locked);
    let before = roster.shown(sample::PERSON).await;
    let answer = roster
        .login_from("127.0.0.2", "ada", RIGHT)
        .await
        .expect(401);
    assert_eq!(answer.header("retry-after"), None);
    // The attempt counts, and the lock-out does not become longer.
    let mut after = before;
    for (member, value) in [
        ("sign_in_attempts_count", json!(4)),
        ("sign_in_count", json!(4)),
        ("last_sign_in_attempt_ip", json!("127.0.0.2")),
        ("last_sign_in_ip", json!("127.0.0.2")),
    ] {
        after[member] = value;
    }
    assert_eq!(roster.shown(sample::PERSON).await, after);

    let last = roster.just_before(15 * MINUTE).await;
    last.login_from("127.0.0.3", "ada", RIGHT).await.expect(401);
    let over = roster.later(15 * MINUTE).await;
    assert_eq!(
        failures(&over).await,
        [json!(3), json!(1_700_000_900), json!(false)]
    );
    over.login_from("127.0.0.4", "ada", WRONG).await.expect(401);
    assert_eq!(failures(&over).await, [json!(1), json!(null), json!(false)]);
    over.login_from("127.0.0.4", "ada", RIGHT).await.expect(200);
    assert_eq!(failures(&over).await, [json!(0), json!(null), json!(false)]);
}

#[tokio::test]
async fn failures_at_every_identifier_of_a_user_lock_the_account() {
    let roster = Roster::start().await;
    roster.write_ada().await;
    let roster = with_account_limit(&roster, "3").await;
    for body in [
        json!({ "username": "ada", "password": WRONG }),
        json!({ "email": "ada@example.org", "password": WRONG }),
        json!({ "email": "ada.byron@example.org", "password": WRONG }),
    ] {
        roster
            .attempt(body)
            .from("127.0.0.2")
            .send()
            .await
            .expect(401);
    }
    assert_eq!(
        failures(&roster).await,
        [json!(3), json!(1_700_000_900), json!(true)]
    );
    roster.login("ada", RIGHT).await.expect(401);
}

#[apply(on_both_stores)]
async fn guesses_from_many_addresses_at_once_lock_the_account_too(roster: Roster) {
    roster.write_ada().await;
    let roster = with_account_limit(&roster, "5").await;
    let addresses: Vec<String> = (0..12).map(|n| format!("127.0.2.{n}")).collect();
    let guesses = addresses
        .iter()
        .map(|ip| roster.login_from(ip, "ada", WRONG));
    assert_eq!(statuses(&join_all(guesses).await), [401; 12]);
    assert_eq!(
        failures(&roster).await[1..],
        [json!(1_700_000_900), json!(true)]
    );
    roster
        .login_from("127.0.0.2", "ada", RIGHT)
        .await
        .expect(401);
}

#[tokio::test]
async fn the_own_device_gets_into_a_locked_account_for_180_days() {
    let roster = Roster::start().await;
    let lifetime = 180 * DAY;
    for (since, status) in [(lifetime.saturating_sub(SECOND), 200), (lifetime, 401)] {
        roster.table.clear().await;
        let ada = roster.ada().await;
        let later = roster
            .also(NOW.plus(since), &[("AccountFailureLimit", "3")])
            .await;
        fail_from_afar(&later, 3).await;
        later.login("ada", RIGHT).await.expect(401);
        later
            .login_by(&ada.device, "ada", RIGHT)
            .await
            .expect(status);
    }
}

#[tokio::test]
async fn each_sign_in_from_the_own_device_prolongs_it_and_keeps_its_id() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let later = roster.later(179 * DAY).await;
    let answer = later.login_by(&ada.device, "ada", RIGHT).await.expect(200);
    let (value, attributes) = answer.set_cookies()["__Host-device"];
    assert_eq!(value, ada.device);
    assert_eq!(
        attributes,
        "HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=15552000"
    );
    assert_eq!(live_devices(&roster).await, 1);
    let latest = later
        .also(later.now.plus(179 * DAY), &[("AccountFailureLimit", "3")])
        .await;
    fail_from_afar(&latest, 3).await;
    latest.login_by(&ada.device, "ada", RIGHT).await.expect(200);
}

#[tokio::test]
async fn a_device_that_the_service_did_not_give_out_counts_as_none_and_never_becomes_the_own_one() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let grace = roster.person("grace").await;
    let planted = DeviceId::new([7; 32]).cookie();
    let cut = &ada.device[1..];
    let strange = ["", "x", cut, planted.expose_secret(), &grace.device];
    for device in strange {
        let answer = roster.login_by(device, "ada", RIGHT).await.expect(200);
        let own = answer.device().unwrap();
        assert!(own != device && own != ada.device, "{device}");
    }
    let roster = with_account_limit(&roster, "3").await;
    fail_from_afar(&roster, 3).await;
    for device in strange {
        roster.login_by(device, "ada", RIGHT).await.expect(401);
    }
    assert_eq!(
        wait(&roster.login("ada", RIGHT).await.expect(429)),
        Some("900")
    );
    // Attempts as Ada with Grace's device don't lock Grace out either.
    roster
        .login_by(&grace.device, "grace", RIGHT)
        .await
        .expect(200);
    roster.login_by(&ada.device, "ada", RIGHT).await.expect(200);
}

#[tokio::test]
async fn a_failure_and_a_password_to_be_changed_give_out_no_device() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    assert_eq!(roster.login("ada", WRONG).await.expect(401).device(), None);
    let forced =
        |user: &mut domain::UserFacts| user.credential.as_mut().unwrap().force_reset = true;
    roster.edit(&ada.id, forced).await;
    for device in ["", &ada.device] {
        let answer = roster.login_by(device, "ada", RIGHT).await.expect(403);
        assert_eq!(answer.device(), None);
    }
    assert_eq!(live_devices(&roster).await, 1);
}

#[tokio::test]
async fn strangers_behind_the_same_address_do_not_lock_the_own_device_out() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let limits = [("IpAddressFailureLimit", "6"), ("AccountFailureLimit", "5")];
    let strict = roster.also(NOW, &limits).await;
    for _ in 0..5 {
        strict.login("ada", WRONG).await.expect(401);
    }
    // The pair and the account are locked, and the IP address soon will be.
    strict.login("nobody", WRONG).await.expect(401);
    assert_eq!(failures(&roster).await[2], true);
    strict.login("ada", RIGHT).await.expect(429);
    strict.login_by(&ada.device, "ada", RIGHT).await.expect(200);
    ada.at(&strict)
        .change_email_at_home("a@example.com", RIGHT)
        .await
        .expect(200);
}

#[tokio::test]
async fn failures_from_the_own_device_are_counted_by_it_alone() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let limits = [("IpAddressFailureLimit", "3"), ("AccountFailureLimit", "3")];
    let strict = roster.also(NOW, &limits).await;
    let by_device = |password| strict.login_by(&ada.device, "ada", password);
    for _ in 0..4 {
        by_device(WRONG).await.expect(401);
    }
    by_device(RIGHT).await.expect(200);
    for _ in 0..5 {
        by_device(WRONG).await.expect(401);
    }
    let answer = by_device(RIGHT).await.expect(429);
    assert_eq!(wait(&answer), Some("900"));
    let shown = roster.shown(&ada.id).await;
    assert_eq!(shown["sign_in_attempts_count"], 11);
    assert_eq!(
        failures(&roster).await,
        [json!(0), json!(null), json!(false)]
    );
    // Another device isn't locked, and the IP address isn't either.
    strict.login("ada", RIGHT).await.expect(200);
    let over = roster.later(15 * MINUTE).await;
    over.login_by(&ada.device, "ada", RIGHT).await.expect(200);
}

#[tokio::test]
async fn a_sign_in_from_the_own_device_leaves_the_others_locked_out() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let roster = with_account_limit(&roster, "3").await;
    fail_from_afar(&roster, 3).await;
    roster.login_by(&ada.device, "ada", RIGHT).await.expect(200);
    assert_eq!(
        failures(&roster).await,
        [json!(3), json!(1_700_000_900), json!(true)]
    );
    roster.login("ada", RIGHT).await.expect(401);
    let over = roster.later(15 * MINUTE).await;
    over.login_by(&ada.device, "ada", RIGHT).await.expect(200);
    assert_eq!(failures(&over).await, [json!(0), json!(null), json!(false)]);
}

#[tokio::test]
async fn devices_are_void_once_all_sessions_are_ended() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    roster
        .edit(&ada.id, |user| {
            user.session_epoch = user.session_epoch.next();
        })
        .await;
    let roster = with_account_limit(&roster, "3").await;
    fail_from_afar(&roster, 3).await;
    roster.login_by(&ada.device, "ada", RIGHT).await.expect(401);
}

#[tokio::test]
async fn a_new_password_by_a_link_makes_older_devices_void_and_its_browser_the_own_one() {
    const NEW: &str = "a new long password";
    let roster = Roster::start().await;
    for kind in ["undo", "reset"] {
        roster.table.clear().await;
        let thief = roster.ada().await;
        let link = if kind == "undo" {
            thief.move_to("thief@example.net").await;
            roster.link_to("ada@example.org").await
        } else {
            roster
                .edit(&thief.id, |user| {
                    user.credential.as_mut().unwrap().force_reset = true;
                })
                .await;
            roster.login("ada", RIGHT).await.expect(403);
            roster.link_to("ada@example.org").await
        };
        let strict = roster.also(NOW, &[("AccountFailureLimit", "3")]).await;
        fail_from_afar(&strict, 3).await;
        let nonce = strict.nonce(&link).await;
        let done = strict
            .submit(&link, &nonce, "password=a+new+long+password")
            .await
            .expect(200);
        let own = done.device().unwrap();
        assert_eq!(
            failures(&roster).await,
            [json!(0), json!(null), json!(false)]
        );
        assert_eq!(live_devices(&roster).await, 1);
        // The second use sets nothing, and gives no device.
        let again = strict
            .submit(&link, &nonce, "password=another+long+password")
            .await
            .expect(200);
        assert_eq!(again.device(), None);

        let last = roster
            .also(NOW.plus(15 * MINUTE), &[("AccountFailureLimit", "3")])
            .await;
        fail_from_afar(&last, 3).await;
        last.login_by(&thief.device, "ada", NEW).await.expect(401);
        last.login_by(&own, "ada", NEW).await.expect(200);
    }
}

#[apply(on_both_stores)]
async fn of_two_uses_of_a_link_at_once_the_one_that_sets_the_password_gives_out_the_device(
    roster: Roster,
) {
    for _ in 0..4 {
        roster.table.clear().await;
        roster.ada().await.move_to("b@example.net").await;
        let link = roster.link_to("ada@example.org").await;
        let nonce = roster.nonce(&link).await;
        let (one, other) = join(
            roster.submit(&link, &nonce, "password=first+long+password"),
            roster.submit(&link, &nonce, "password=other+long+password"),
        )
        .await;
        let given_out = [one, other]
            .into_iter()
            .filter_map(|answer| answer.device());
        assert_eq!(given_out.count(), 1);
        assert_eq!(live_devices(&roster).await, 1);
    }
}

#[apply(on_both_stores)]
async fn a_right_guess_at_the_moment_of_the_lock_out_is_not_let_in(roster: Roster) {
    roster.write_ada().await;
    let roster = with_account_limit(&roster, "3").await;
    fail_from_afar(&roster, 2).await;
    // The password is checked, and found right, before the third failure.
    roster.faults.plan(4, 1, Fault::Pause);
    let lock = async {
        roster.faults.wait_for_a_held_request().await;
        roster
            .login_from("127.0.0.8", "ada", WRONG)
            .await
            .expect(401);
        roster.faults.clear()
    };
    let (answer, requests) = join(roster.login_from("127.0.0.9", "ada", RIGHT), lock).await;
    assert_eq!(requests[4].action, "TransactWriteItems");
    answer.expect(401);
    assert_eq!(
        failures(&roster).await,
        [json!(3), json!(1_700_000_900), json!(true)]
    );
}

#[apply(on_both_stores)]
async fn failures_in_a_row_are_forgotten_a_day_after_the_last_one(roster: Roster) {
    roster.write_ada().await;
    for (member, identifier) in [("username", "ada"), ("username", "nobody")] {
        let wrong = || json!({ member: identifier, "password": WRONG });
        for _ in 0..4 {
            roster.attempt(wrong()).send().await.expect(401);
        }
        let day = roster.later(DAY).await;
        for _ in 0..4 {
            day.attempt(wrong()).send().await.expect(401);
        }
        let last = day.just_before(DAY).await;
        last.attempt(wrong()).send().await.expect(401);
        last.attempt(wrong()).send().await.expect(429);
    }
    // Several attempts find the counter lapsed at the same moment. One of them empties it.
    roster
        .login_from("127.0.0.2", "ada", WRONG)
        .await
        .expect(401);
    let day = roster.later(DAY).await;
    let attempts = (0..4).map(|_| day.login_from("127.0.0.2", "ada", WRONG));
    assert_eq!(statuses(&join_all(attempts).await), [401; 4]);
}

#[tokio::test]
async fn the_own_device_may_not_guess_on_at_a_locked_account() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let roster = with_account_limit(&roster, "3").await;
    fail_from_afar(&roster, 3).await;
    for _ in 0..5 {
        roster.login_by(&ada.device, "ada", WRONG).await.expect(401);
    }
    roster.login_by(&ada.device, "ada", RIGHT).await.expect(429);
    assert_eq!(
        failures(&roster).await,
        [json!(3), json!(1_700_000_900), json!(true)]
    );
}

#[tokio::test]
async fn a_stranger_can_not_keep_a_person_out_of_their_own_account() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let roster = with_account_limit(&roster, "10").await;
    let ada = ada.at(&roster);
    for n in 0..4 {
        let ip = format!("127.0.3.{n}");
        for _ in 0..5 {
            roster.login_from(&ip, "ada", WRONG).await.expect(401);
        }
        roster.login_from(&ip, "ada", WRONG).await.expect(429);
        ada.get("/users/emails").await.expect(200);
    }
    assert_eq!(failures(&roster).await[2], true);
    // From the own device the password is checked and accepted.
    ada.change_email_at_home("countess@example.com", RIGHT)
        .await
        .expect(200);
    roster.login_by(&ada.device, "ada", RIGHT).await.expect(200);
}

#[tokio::test]
async fn unblocking_lifts_the_lock_out_of_the_account() {
    let roster = Roster::start().await;
    roster.write_ada().await;
    let roster = with_account_limit(&roster, "3").await;
    fail_from_afar(&roster, 3).await;
    roster.login("ada", RIGHT).await.expect(401);
    let unblock = format!("/api/users/{}/unblock", sample::PERSON);
    roster.send("POST", &unblock).await.expect(200);
    assert_eq!(
        failures(&roster).await,
        [json!(0), json!(null), json!(false)]
    );
    roster.login("ada", RIGHT).await.expect(200);
}

#[tokio::test]
async fn the_pairs_limit_is_a_setting() {
    let roster = Roster::start().await;
    roster.write_ada().await;
    let strict = roster.also(NOW, &[("PairFailureLimit", "1")]).await;
    strict.login("ada", WRONG).await.expect(401);
    strict.login("ada", RIGHT).await.expect(429);
    let lenient = roster.also(NOW, &[("PairFailureLimit", "7")]).await;
    for _ in 0..7 {
        lenient.login("nobody", WRONG).await.expect(401);
    }
    lenient.login("nobody", WRONG).await.expect(429);
}

#[tokio::test]
async fn a_hundred_failures_stop_an_ip_address_where_nothing_else_is_set() {
    let roster = Roster::start().await;
    roster.write_ada().await;
    for n in 0..100 {
        let name = format!("nobody{n}");
        roster.login(&name, WRONG).await.expect(401);
    }
    let answer = roster.login("ada", RIGHT).await.expect(429);
    assert_eq!(wait(&answer), Some("900"));
    roster
        .login_from("127.0.0.2", "ada", RIGHT)
        .await
        .expect(200);
}

#[tokio::test]
async fn fifty_failures_lock_an_account_where_nothing_else_is_set() {
    let roster = Roster::start().await;
    roster.write_ada().await;
    fail_from_afar(&roster, 49).await;
    assert_eq!(
        failures(&roster).await,
        [json!(49), json!(null), json!(false)]
    );
    roster
        .login_from("127.0.0.2", "ada", WRONG)
        .await
        .expect(401);
    assert_eq!(
        failures(&roster).await,
        [json!(50), json!(1_700_000_900), json!(true)]
    );
    roster
        .login_from("127.0.0.3", "ada", RIGHT)
        .await
        .expect(401);
}
