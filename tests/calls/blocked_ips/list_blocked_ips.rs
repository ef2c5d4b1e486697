use std::time::Duration;

use domain::sample;
use domain::sign_in::{Counter, Limits, TypedIdentifier};
use domain::{Kind, OperationId};
use serde_json::{Value, json};

use crate::harness::person::Person;
use crate::harness::{NOW, READ_ONLY, Roster, write_by};

const MINUTE: Duration = Duration::from_mins(1);

/// The path of a person's list.
pub(super) fn path(person: &Person<'_>) -> String {
    format!("/api/users/{}/blocked_ips", person.id)
}

/// The addresses that a list has.
async fn ips(roster: &Roster, path: &str) -> Vec<Value> {
    roster.send("GET", path).await.expect(200).each("ip")
}

/// Fails at a name from an address that no test can send from.
async fn fail_from(roster: &Roster, ip_address: &str, name: &str) {
    let counter = TypedIdentifier::new(Kind::Username, name).pair(ip_address);
    let counter = Counter::IdentifierAndIp(counter);
    let operation = OperationId::of(&[ip_address.as_bytes(), name.as_bytes()]);
    let (limits, write) = (Limits::default(), write_by(operation, roster.now));
    let sign_ins = &roster.sign_ins;
    sign_ins
        .count_attempt(&counter, limits, &write)
        .await
        .unwrap();
    sign_ins
        .count_failure(&counter, limits, &write)
        .await
        .unwrap();
}

#[tokio::test]
async fn failures_show_by_the_address_that_they_came_from_over_all_identifiers() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    roster
        .login_from("127.0.0.2", "grace", "wrong")
        .await
        .expect(401);
    let later = roster.later(MINUTE).await;
    let body = json!({ "email": "Grace@Example.org", "password": "wrong" });
    later
        .attempt(body)
        .from("127.0.0.2")
        .send()
        .await
        .expect(401);
    let call = later.request("GET", &path(&grace)).key(Some(READ_ONLY));
    let answer = call.send().await.expect(200);
    let last = NOW.plus(MINUTE).as_unix();
    let wanted = json!([{
        "ip": "127.0.0.2",
        "failure_count": 2,
        "sign_in_attempts_count": 2,
        "login_count": 2,
        "last_sign_in_attempt": last,
        "last_login_attempt": last,
        "last_sign_in_success": null,
        "block_until": null,
    }]);
    assert_eq!(answer.body, wanted);
    assert_eq!(answer.pagination()["total_count"], 1);
}

#[tokio::test]
async fn a_lock_out_shows_until_it_ends() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    for _ in 0..5 {
        roster.login("grace", "wrong").await.expect(401);
    }
    roster.login("grace", "wrong").await.expect(429);
    let shown = roster.send("GET", &path(&grace)).await.expect(200).body;
    let until = NOW.plus(15 * MINUTE).as_unix();
    assert_eq!(shown[0]["failure_count"], 5);
    assert_eq!(shown[0]["block_until"], until);
    // Signing in at first came from the same address.
    assert_eq!(shown[0]["last_sign_in_success"], NOW.as_unix());
    let within = roster.just_before(15 * MINUTE).await;
    assert_eq!(ips(&within, &path(&grace)).await, ["127.0.0.1"]);
    let after = roster.later(15 * MINUTE).await;
    assert_eq!(ips(&after, &path(&grace)).await, [] as [Value; 0]);
}

#[tokio::test]
async fn a_failure_shows_for_a_day_or_until_the_right_password_comes() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    roster.login("grace", "wrong").await.expect(401);
    let day = Duration::from_hours(24);
    let within = roster.just_before(day).await;
    assert_eq!(ips(&within, &path(&grace)).await, ["127.0.0.1"]);
    let after = roster.later(day).await;
    assert_eq!(ips(&after, &path(&grace)).await, [] as [Value; 0]);
    roster.sign_in("grace", sample::PASSWORD).await;
    assert_eq!(ips(&roster, &path(&grace)).await, [] as [Value; 0]);
}

#[tokio::test]
async fn failures_of_the_own_device_and_at_other_peoples_names_are_not_of_an_address() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    let by_device = roster.login_by(&grace.device, "grace", "wrong");
    by_device.await.expect(401);
    roster.login("hopper", "wrong").await.expect(401);
    assert_eq!(ips(&roster, &path(&grace)).await, [] as [Value; 0]);
}

#[tokio::test]
async fn a_list_has_pages_an_order_and_a_filter() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    let list = async |query: &str| ips(&roster, &format!("{}?{query}", path(&grace))).await;
    fail_from(&roster, "192.0.2.10", "grace").await;
    fail_from(&roster.later(MINUTE).await, "2001:db8:1:2::7", "grace").await;
    fail_from(&roster.later(2 * MINUTE).await, "192.0.2.9", "grace").await;
    let [ten, net, nine] = ["192.0.2.10", "2001:db8:1:2::/64", "192.0.2.9"];
    assert_eq!(list("").await, [nine, net, ten]);
    for field in ["last_sign_in_attempt", "last_login_attempt"] {
        assert_eq!(list(&format!("sort={field}:1")).await, [ten, net, nine]);
        assert_eq!(list(&format!("sort={field}:-1")).await, [nine, net, ten]);
    }
    // Alike in these: by address.
    for field in ["block_until", "last_sign_in_success"] {
        assert_eq!(list(&format!("sort={field}:1")).await, [ten, nine, net]);
    }
    assert_eq!(list("size=2&page=2").await, [ten]);
    for (filter, found) in [
        ("192.0.2.", &[nine, ten][..]),
        ("192.0.2.1", &[]),
        ("192.0.2.10", &[ten]),
        ("192.0.2.9", &[nine]),
        ("2001:DB8", &[net]),
        ("2001:db8:1:2:3:4:5:6", &[net]),
        ("2001:db8:1:2::/64", &[net]),
        ("::ffff:192.0.2.9", &[nine]),
        ("203.", &[]),
        ("", &[nine, net, ten]),
    ] {
        assert_eq!(list(&format!("filter={filter}")).await, found, "{filter}");
    }
    let bad = format!("{}?filter=example.org", path(&grace));
    let answer = roster.send("GET", &bad).await.expect(400);
    assert_eq!(
        answer.body["detail"],
        "The query parameter filter must be an IP address or the start of one."
    );
}

#[tokio::test]
async fn every_identifier_of_many_is_looked_at() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    for n in 0..30 {
        let emails = format!("/api/users/{}/emails", grace.id);
        let body = json!({ "email": format!("grace{n}@example.org") });
        roster.send_json("POST", &emails, body).await.expect(200);
    }
    for n in [0, 13, 29] {
        let email = format!("grace{n}@example.org");
        let body = json!({ "email": email, "password": "wrong" });
        roster.attempt(body).send().await.expect(401);
    }
    let shown = roster.send("GET", &path(&grace)).await.expect(200).body;
    assert_eq!(shown[0]["failure_count"], 3);
}
