use domain::sample;
use futures_util::future::join;
use serde_json::{Value, json};

use super::list_blocked_ips::path;
use crate::harness::person::Person;
use crate::harness::{Answer, Fault, Roster};

async fn unblock(roster: &Roster, person: &Person<'_>, ip_address: &str) -> Answer {
    let path = format!("{}/unblock", path(person));
    let body = json!({ "ip_address": ip_address });
    roster.send_json("POST", &path, body).await
}

async fn blocked(roster: &Roster, person: &Person<'_>) -> Vec<Value> {
    let answer = roster.send("GET", &path(person)).await.expect(200);
    answer.each("ip")
}

/// Fails from an address until that is locked.
async fn lock_out(roster: &Roster, ip_address: &str) {
    for _ in 0..5 {
        let failed = roster.login_from(ip_address, "grace", "wrong");
        failed.await.expect(401);
    }
    let locked = roster.login_from(ip_address, "grace", sample::PASSWORD);
    locked.await.expect(429);
}

#[tokio::test]
async fn an_unblocked_address_may_sign_in_again_and_the_others_stay_locked() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    lock_out(&roster, "127.0.0.2").await;
    lock_out(&roster, "127.0.0.3").await;
    let before = roster.shown(&grace.id).await;
    let answer = unblock(&roster, &grace, "127.0.0.2").await.expect(200);
    // The account's own counters are another call's, and the user stays as they are.
    assert_eq!(answer.body, before);
    assert_eq!(roster.shown(&grace.id).await, before);
    assert_eq!(blocked(&roster, &grace).await, ["127.0.0.3"]);
    let welcome = roster.login_from("127.0.0.2", "grace", sample::PASSWORD);
    welcome.await.expect(200);
    let locked = roster.login_from("127.0.0.3", "grace", sample::PASSWORD);
    locked.await.expect(429);
}

#[tokio::test]
async fn all_addresses_are_unblocked_for_all_identifiers() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    lock_out(&roster, "127.0.0.2").await;
    lock_out(&roster, "127.0.0.3").await;
    let body = json!({ "email": "grace@example.org", "password": "wrong" });
    roster
        .attempt(body)
        .from("127.0.0.4")
        .send()
        .await
        .expect(401);
    assert_eq!(blocked(&roster, &grace).await.len(), 3);
    unblock(&roster, &grace, "all").await.expect(200);
    assert_eq!(blocked(&roster, &grace).await, [] as [Value; 0]);
    for ip_address in ["127.0.0.2", "127.0.0.3"] {
        let welcome = roster.login_from(ip_address, "grace", sample::PASSWORD);
        welcome.await.expect(200);
    }
}

#[tokio::test]
async fn failures_are_forgotten_before_they_lock() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    for _ in 0..4 {
        roster.login("grace", "wrong").await.expect(401);
    }
    unblock(&roster, &grace, "::ffff:127.0.0.1")
        .await
        .expect(200);
    lock_out(&roster, "127.0.0.1").await;
}

#[tokio::test]
async fn an_address_without_failures_is_none_to_unblock_and_nothing_changes() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    roster.login("grace", "wrong").await.expect(401);
    let before = roster.table.items().await;
    for ip_address in ["192.0.2.1", "2001:db8::1", "2001:db8:0:0::/64"] {
        unblock(&roster, &grace, ip_address).await.expect(200);
    }
    assert_eq!(roster.table.items().await, before);
}

#[tokio::test]
async fn other_peoples_failures_from_the_same_address_stay() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    let other = roster.person("other").await;
    for name in ["grace", "other"] {
        roster
            .login_from("127.0.0.2", name, "wrong")
            .await
            .expect(401);
    }
    unblock(&roster, &grace, "all").await.expect(200);
    assert_eq!(blocked(&roster, &grace).await, [] as [Value; 0]);
    assert_eq!(blocked(&roster, &other).await, ["127.0.0.2"]);
}

#[tokio::test]
async fn what_is_no_address_is_refused_by_name() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    let path = format!("{}/unblock", path(&grace));
    for body in [
        json!({}),
        json!({ "ip_address": null }),
        json!({ "ip_address": "" }),
        json!({ "ip_address": "ALL" }),
        json!({ "ip_address": "192.0.2" }),
        json!({ "ip_address": "192.0.2.1/64" }),
        json!({ "ip_address": "2001:db8::/32" }),
        json!({ "ip_address": ["all"] }),
    ] {
        let answer = roster.send_json("POST", &path, body.clone()).await;
        let errors = answer.expect(422).body["errors"].clone();
        assert!(errors["ip_address"].is_array(), "{body}: {errors}");
    }
}

#[tokio::test]
async fn the_late_repeat_of_a_named_request_forgets_no_newer_failures() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    let named = || {
        let path = format!("{}/unblock", path(&grace));
        let call = roster.request("POST", &path);
        let call = call.header("idempotency-key", "k");
        call.json(json!({ "ip_address": "all" })).send()
    };
    roster.login("grace", "wrong").await.expect(401);
    named().await.expect(200);
    assert_eq!(blocked(&roster, &grace).await, [] as [Value; 0]);
    roster.login("grace", "wrong").await.expect(401);
    let answer = named().await.expect(200);
    assert_eq!(answer.body, roster.shown(&grace.id).await);
    assert_eq!(blocked(&roster, &grace).await, ["127.0.0.1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_under_way_counts_on() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    for _ in 0..3 {
        roster.login("grace", "wrong").await.expect(401);
    }
    // Held at what counts it as failed: after the look-ups and both counts.
    let under_way = roster.login("grace", "wrong");
    let elsewhere = roster.also(roster.now, &[]).await;
    roster.faults.plan(4, 1, Fault::Pause);
    let meanwhile = async {
        roster.faults.wait_for_a_held_request().await;
        unblock(&elsewhere, &grace, "all").await.expect(200);
        assert_eq!(blocked(&elsewhere, &grace).await, [] as [Value; 0]);
        roster.faults.clear();
    };
    let (answer, ()) = join(under_way, meanwhile).await;
    answer.expect(401);
    let shown = roster.send("GET", &path(&grace)).await.expect(200).body;
    assert_eq!(shown[0]["failure_count"], 1);
    for _ in 0..4 {
        roster.login("grace", "wrong").await.expect(401);
    }
    roster.login("grace", "wrong").await.expect(429);
}
