//! How often somebody may guess, and that no stranger's guesses keep anybody out of their own
//! account.

use std::time::Duration;

use domain::sign_in::{Limits, TypedIdentifier};
use domain::{Kind, OperationId, sample};
use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use store::Admission;

use crate::harness::{Answer, Fault, NOW, Roster, Store, write_by};

const MINUTE: Duration = Duration::from_mins(1);
const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);
const WRONG: &str = "wrong";
const RIGHT: &str = sample::PASSWORD;

/// The same directory, where this many failures lock an account.
async fn with_account_limit(roster: &Roster, limit: &str) -> Roster {
    roster.also(NOW, &[("AccountFailureLimit", limit)]).await
}

/// One failure from each of `count` addresses.
async fn fail_from_afar(roster: &Roster, count: u8) {
    for n in 0..count {
        let ip = format!("127.0.1.{n}");
        roster.login_from(&ip, "ada", WRONG).await.expect(401);
    }
}

/// What the management API shows of failures.
async fn failures(roster: &Roster) -> [Value; 3] {
    let user = roster.shown(sample::PERSON).await;
    ["failure_count", "block_until", "blocked"].map(|member| user[member].clone())
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    answers.iter().map(|answer| answer.status).collect()
}

on_both_stores! {
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
                let actions = roster.faults.clear().into_iter().map(|request| request.action);
                answers.push((answer.status, answer.bare(), actions.collect::<Vec<_>>()));
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
        assert_eq!(problem, json!({
            "type": "https://httpstatuses.io/429", "title": "Too Many Requests", "status": 429,
            "detail": "There were too many attempts. Try again later.", "instance": "/users/login/",
            "trace_id": "", "traceId": "",
        }));
        assert!(headers.contains(&("retry-after".to_owned(), "900".to_owned())), "{headers:?}");
        assert_eq!(*actions, ["UpdateItem"]);
        // Only what was looked at is on the user.
        let shown = roster.shown(sample::PERSON).await;
        assert_eq!((&shown["failure_count"], &shown["sign_in_attempts_count"]), (&json!(5), &json!(5)));
    }

    async fn spellings_of_one_identifier_are_counted_together(roster: Roster) {
        roster.write_ada().await;
        for email in ["ada@example.org", "ADA@example.org", " ada@EXAMPLE.org", "ａda@example.org", "Ada@Example.Org"] {
            roster.attempt(json!({ "email": email, "password": WRONG })).send().await.expect(401);
        }
        let body = json!({ "email": "aDa@example.org", "password": RIGHT });
        roster.attempt(body).send().await.expect(429);
    }

    async fn the_lock_out_ends_after_a_quarter_of_an_hour_and_guesses_do_not_prolong_it(roster: Roster) {
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

    async fn after_a_lock_out_five_more_failures_lock_again(roster: Roster) {
        roster.write_ada().await;
        for roster in [&roster, &roster.later(15 * MINUTE).await] {
            for _ in 0..5 {
                roster.login("ada", WRONG).await.expect(401);
            }
            let answer = roster.login("ada", RIGHT).await.expect(429);
            assert_eq!(answer.header("retry-after"), Some("900"));
        }
    }

    async fn a_success_in_between_starts_the_count_afresh(roster: Roster) {
        roster.write_ada().await;
        for _ in 0..2 {
            for _ in 0..4 {
                roster.login("ada", WRONG).await.expect(401);
            }
            roster.login("ada", RIGHT).await.expect(200);
        }
        assert_eq!(failures(&roster).await, [json!(0), json!(null), json!(false)]);
    }

    async fn failures_need_not_follow_each_other_closely(roster: Roster) {
        roster.write_ada().await;
        for hour in 0..5 {
            let roster = roster.later(Duration::from_hours(hour)).await;
            roster.login("ada", WRONG).await.expect(401);
        }
        roster.later(Duration::from_hours(4)).await.login("ada", RIGHT).await.expect(429);
    }

    async fn another_address_is_not_locked_out(roster: Roster) {
        roster.write_ada().await;
        for _ in 0..5 {
            roster.login("ada", WRONG).await.expect(401);
        }
        roster.login("ada", RIGHT).await.expect(429);
        roster.login_from("127.0.0.2", "ada", WRONG).await.expect(401);
        roster.login_from("127.0.0.2", "ada", RIGHT).await.expect(200);
        // A success from elsewhere doesn't open the lock.
        roster.login("ada", RIGHT).await.expect(429);
    }

    async fn another_person_at_the_same_address_is_not_locked_out(roster: Roster) {
        roster.write_ada().await;
        roster.person("grace").await;
        for _ in 0..5 {
            roster.login("ada", WRONG).await.expect(401);
        }
        roster.login("ada", RIGHT).await.expect(429);
        roster.login("grace", RIGHT).await.expect(200);
    }

    async fn of_many_guesses_at_once_five_are_looked_at(roster: Roster) {
        roster.write_ada().await;
        for username in ["ada", "nobody"] {
            let guesses = (0..20).map(|_| roster.login(username, WRONG));
            let answers = join_all(guesses).await;
            let looked_at = answers.iter().filter(|answer| answer.status == 401).count();
            assert!((1..=5).contains(&looked_at), "{:?}", statuses(&answers));
            for refused in answers.iter().filter(|answer| answer.status != 401) {
                assert_eq!(refused.status, 429);
                assert_eq!(refused.header("retry-after"), Some("900"));
            }
            if username == "ada" {
                assert_eq!(failures(&roster).await[0], looked_at);
            }
            roster.login(username, RIGHT).await.expect(429);
        }
    }

    async fn an_attempt_that_the_sdk_repeats_does_not_get_past_the_lock_out(roster: Roster) {
        let pair = TypedIdentifier::new(Kind::Username, "ada").pair("127.0.0.1");
        let limits = Limits { of_a_pair: 1, ..Limits::default() };
        let write = |n: u8| write_by(OperationId::random([n; 16]), NOW);
        let count = async |n| roster.users.count_attempt(&pair, limits, &write(n)).await.unwrap();
        let locked = Admission::LockedUntil(NOW.plus(15 * MINUTE));
        assert_eq!(count(1).await, Admission::Counted { is_last: true });
        assert_eq!(count(1).await, Admission::Counted { is_last: true });
        assert_eq!(count(2).await, locked);
        // The reply to the count was lost, and the lock-out came before the repeat.
        assert_eq!(count(2).await, locked);
        assert_eq!(count(1).await, locked);
    }

    async fn failures_from_anywhere_lock_the_account(roster: Roster) {
        roster.write_ada().await;
        let roster = with_account_limit(&roster, "3").await;
        fail_from_afar(&roster, 2).await;
        assert_eq!(failures(&roster).await, [json!(2), json!(null), json!(false)]);
        fail_from_afar(&roster, 1).await;
        let locked = [json!(3), json!(1_700_000_900), json!(true)];
        assert_eq!(failures(&roster).await, locked);
        let before = roster.shown(sample::PERSON).await;
        let answer = roster.login_from("127.0.0.2", "ada", RIGHT).await.expect(401);
        assert_eq!(answer.header("retry-after"), None);
        // The attempt counts; the lock-out is not prolonged by it.
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
        assert_eq!(failures(&over).await, [json!(3), json!(1_700_000_900), json!(false)]);
        over.login_from("127.0.0.4", "ada", WRONG).await.expect(401);
        assert_eq!(failures(&over).await, [json!(1), json!(null), json!(false)]);
        over.login_from("127.0.0.4", "ada", RIGHT).await.expect(200);
        assert_eq!(failures(&over).await, [json!(0), json!(null), json!(false)]);
    }

    async fn failures_at_every_identifier_of_a_user_lock_the_account(roster: Roster) {
        roster.write_ada().await;
        let roster = with_account_limit(&roster, "3").await;
        for body in [
            json!({ "username": "ada", "password": WRONG }),
            json!({ "email": "ada@example.org", "password": WRONG }),
            json!({ "email": "ada.byron@example.org", "password": WRONG }),
        ] {
            roster.attempt(body).from("127.0.0.2").send().await.expect(401);
        }
        assert_eq!(failures(&roster).await, [json!(3), json!(1_700_000_900), json!(true)]);
        roster.login("ada", RIGHT).await.expect(401);
    }

    async fn guesses_from_many_addresses_at_once_lock_the_account_too(roster: Roster) {
        roster.write_ada().await;
        let roster = with_account_limit(&roster, "5").await;
        let addresses: Vec<String> = (0..12).map(|n| format!("127.0.2.{n}")).collect();
        let guesses = addresses.iter().map(|ip| roster.login_from(ip, "ada", WRONG));
        assert_eq!(statuses(&join_all(guesses).await), [401; 12]);
        assert_eq!(failures(&roster).await[1..], [json!(1_700_000_900), json!(true)]);
        roster.login_from("127.0.0.2", "ada", RIGHT).await.expect(401);
    }

    async fn a_known_address_gets_into_a_locked_account_for_thirty_days(roster: Roster) {
        let month = 30 * DAY;
        for (since, status) in [(month.saturating_sub(SECOND), 200), (month, 401)] {
            roster.table.clear().await;
            roster.write_ada().await;
            roster.login_from("127.0.0.2", "ada", RIGHT).await.expect(200);
            let later = roster.later(since).await;
            let later = later.also(NOW.plus(since), &[("AccountFailureLimit", "3")]).await;
            fail_from_afar(&later, 3).await;
            later.login_from("127.0.0.3", "ada", RIGHT).await.expect(401);
            later.login_from("127.0.0.2", "ada", RIGHT).await.expect(status);
        }
    }

    async fn a_sign_in_from_a_known_address_leaves_the_others_locked_out(roster: Roster) {
        roster.write_ada().await;
        roster.login("ada", RIGHT).await.expect(200);
        let roster = with_account_limit(&roster, "3").await;
        fail_from_afar(&roster, 3).await;
        roster.login("ada", RIGHT).await.expect(200);
        assert_eq!(failures(&roster).await, [json!(3), json!(1_700_000_900), json!(true)]);
        roster.login_from("127.0.0.9", "ada", RIGHT).await.expect(401);
        let over = roster.later(15 * MINUTE).await;
        over.login("ada", RIGHT).await.expect(200);
        assert_eq!(failures(&over).await, [json!(0), json!(null), json!(false)]);
    }

    async fn a_right_guess_at_the_moment_of_the_lock_out_is_not_let_in(roster: Roster) {
        roster.write_ada().await;
        let roster = with_account_limit(&roster, "3").await;
        fail_from_afar(&roster, 2).await;
        // It is looked at, and found right, before the third failure.
        roster.faults.plan(3, 1, Fault::Pause);
        let lock = async {
            roster.faults.wait_for_a_held_request().await;
            roster.login_from("127.0.0.8", "ada", WRONG).await.expect(401);
            roster.faults.clear()
        };
        let (answer, requests) = join(roster.login_from("127.0.0.9", "ada", RIGHT), lock).await;
        assert_eq!(requests[3].action, "TransactWriteItems");
        answer.expect(401);
        assert_eq!(failures(&roster).await, [json!(3), json!(1_700_000_900), json!(true)]);
    }

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
        // Of attempts at once that find it lapsed, one starts it afresh.
        roster.login_from("127.0.0.2", "ada", WRONG).await.expect(401);
        let day = roster.later(DAY).await;
        let attempts = (0..4).map(|_| day.login_from("127.0.0.2", "ada", WRONG));
        assert_eq!(statuses(&join_all(attempts).await), [401; 4]);
    }

    async fn an_address_is_known_to_the_person_who_signed_in_there_only(roster: Roster) {
        roster.write_ada().await;
        roster.person("grace").await;
        let roster = with_account_limit(&roster, "3").await;
        fail_from_afar(&roster, 3).await;
        roster.login("ada", RIGHT).await.expect(401);
        roster.login("grace", RIGHT).await.expect(200);
    }

    async fn a_failure_does_not_make_an_address_known(roster: Roster) {
        roster.write_ada().await;
        let roster = with_account_limit(&roster, "3").await;
        fail_from_afar(&roster, 3).await;
        roster.login_from("127.0.1.0", "ada", RIGHT).await.expect(401);
    }

    async fn a_known_address_may_not_guess_on_at_a_locked_account(roster: Roster) {
        roster.write_ada().await;
        roster.login("ada", RIGHT).await.expect(200);
        let roster = with_account_limit(&roster, "3").await;
        fail_from_afar(&roster, 3).await;
        for _ in 0..5 {
            roster.login("ada", WRONG).await.expect(401);
        }
        roster.login("ada", RIGHT).await.expect(429);
        assert_eq!(failures(&roster).await, [json!(3), json!(1_700_000_900), json!(true)]);
    }

    async fn nobody_is_kept_out_of_their_own_account_by_a_stranger(roster: Roster) {
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
        // The password is asked for at the own address, and taken.
        ada.change_email("countess@example.com", RIGHT).await.expect(200);
        roster.login("ada", RIGHT).await.expect(200);
    }

    async fn unblocking_lifts_the_lock_out_of_the_account(roster: Roster) {
        roster.write_ada().await;
        let roster = with_account_limit(&roster, "3").await;
        fail_from_afar(&roster, 3).await;
        roster.login("ada", RIGHT).await.expect(401);
        let unblock = format!("/api/users/{}/unblock", sample::PERSON);
        roster.send("POST", &unblock).await.expect(200);
        assert_eq!(failures(&roster).await, [json!(0), json!(null), json!(false)]);
        roster.login("ada", RIGHT).await.expect(200);
    }

    async fn the_pairs_limit_is_a_setting(roster: Roster) {
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
}

#[tokio::test]
async fn fifty_failures_lock_an_account_where_nothing_else_is_set() {
    let roster = Roster::start(Store::Embedded).await;
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
