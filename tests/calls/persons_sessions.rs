//! Sessions: the cookies that carry them, how long they last, what ends them, and what a page of
//! another site can't do with them.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::sample;
use domain::session::{SessionSecret, SessionToken};
use futures_util::future::join;
use local::calls::ENDPOINTS;
use local::generate::openapi::example_path;
use local::samples;
use macro_rules_attribute::apply;
use reqwest::Method;
use roster_http::{Access, Endpoint};
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::harness::person::Person;
use crate::harness::{Answer, Fault, NOW, Roster};

const DAY: Duration = Duration::from_hours(24);
const PATH: &str = "/users/emails/";

/// All routes of calls that need a session.
fn routes() -> impl Iterator<Item = (&'static Endpoint, &'static Method, &'static str)> {
    let calls = ENDPOINTS
        .iter()
        .copied()
        .filter(|call| call.access == Access::Session);
    calls.flat_map(|call| {
        call.routes
            .iter()
            .map(move |(method, path)| (call, method, *path))
    })
}

/// The sample person with all that hangs on them, as the examples of the calls need it.
async fn sample_person(roster: &Roster) -> Person<'_> {
    samples::write_person(&roster.app().table, NOW)
        .await
        .unwrap();
    let token = sample::session_token();
    Person {
        roster,
        id: sample::PERSON.to_owned(),
        session: token.cookie().expose_secret().to_owned(),
        csrf: token.secret.csrf_token(),
        device: String::new(),
    }
}

/// A request with only these cookies and headers.
async fn status_with(
    roster: &Roster,
    (call, method, path): (&Endpoint, &Method, &str),
    headers: &[(&str, String)],
) -> u16 {
    let request = roster
        .visit(method.as_str(), &example_path(path))
        .body(call.body.example());
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(name, value.as_str())
    });
    request.send().await.status
}

async fn get_with(roster: &Roster, cookies: &str) -> u16 {
    roster
        .visit("GET", PATH)
        .header("cookie", cookies)
        .send()
        .await
        .status
}

/// The requests to the store when a person lists their addresses.
async fn requests_of(person: &Person<'_>) -> Vec<String> {
    person.roster.faults.clear();
    person.get("/users/email").await.expect(200);
    let recorded = person.roster.faults.clear().into_iter();
    recorded.map(|request| request.action).collect()
}

#[test]
fn every_call_of_people_is_known_by_a_session_a_link_or_a_password() {
    let mut methods = BTreeSet::new();
    for call in ENDPOINTS.iter() {
        for (method, path) in call.routes {
            let access = match path {
                path if path.starts_with("/api/") => continue,
                path if path.contains("{signed_email}") => Access::Link,
                &"/users/login" => Access::SignIn,
                _ => Access::Session,
            };
            assert_eq!(call.access, access, "{method} {path}");
            if access == Access::Session {
                methods.insert(method.as_str());
            }
        }
    }
    assert_eq!(methods, BTreeSet::from(["DELETE", "GET", "POST"]));
}

/// A request that changes something, by Ada's session.
async fn under_way(ada: &Person<'_>, request: &str, other: &str) -> Answer {
    match request {
        "change" => ada.change_email("c@example.com", sample::PASSWORD).await,
        "add" => ada.add_email("c@example.com").await,
        _ => ada.delete(&format!("/users/emails/{other}/")).await,
    }
}

/// How many requests to the store it makes.
async fn how_many_requests(roster: &Roster, request: &str) -> usize {
    roster.table.clear().await;
    let ada = roster.ada().await;
    let id = ada.email_id("ada.byron@example.org").await;
    roster.faults.clear();
    let answer = under_way(&ada, request, &id).await;
    assert!(answer.status < 300, "{request}: {answer:?}");
    roster.faults.clear().len()
}

#[tokio::test]
async fn no_call_is_answered_without_a_good_session_nor_with_those_of_two_users() {
    let roster = Roster::start().await;
    for route in routes() {
        roster.table.clear().await;
        let ada = sample_person(&roster).await;
        let grace = roster.person("grace").await;
        let (good, other) = (&ada.session, &grace.session);
        let (user, rest) = good.split_once('.').unwrap();
        let before = roster.table.items().await;
        let bad = [
            String::new(),
            "session=x".to_owned(),
            "sessionid=".to_owned(),
            "sessionid=x".to_owned(),
            format!("SESSIONID={good}"),
            format!("sessionid=\"{good}\""),
            format!("sessionid={good}."),
            format!("sessionid={}.{rest}", grace.id),
            format!("sessionid={user}.{}", other.split_once('.').unwrap().1),
            format!("sessionid={good}; osessionid={other}"),
            format!("sessionid={other}; osessionid={good}"),
            format!("sessionid={good}; sessionid={other}"),
            format!("sessionid={other}; sessionid={good}"),
            format!("osessionid={good}; osessionid={other}"),
            format!("__Host-sessionid={other}; __Host-sessionid={good}"),
            format!("__Host-sessionid=; sessionid={good}"),
            format!("__Host-sessionid={good}.; sessionid={good}"),
            format!("__host-sessionid={good}"),
        ];
        for cookies in bad {
            let headers = [
                ("cookie", format!("{cookies}; csrftoken={}", ada.csrf)),
                ("x-csrftoken", ada.csrf.clone()),
            ];
            let status = status_with(&roster, route, &headers).await;
            assert_eq!(status, 401, "{} {} {cookies}", route.1, route.2);
        }
        assert_eq!(
            roster.table.items().await,
            before,
            "{} {}",
            route.1,
            route.2
        );
    }
}

#[tokio::test]
async fn no_call_that_changes_something_is_answered_to_another_sites_page() {
    let roster = Roster::start().await;
    for route in routes() {
        roster.table.clear().await;
        let ada = sample_person(&roster).await;
        let csrf = roster.person("grace").await.csrf;
        let (session, own) = (&ada.session, ada.csrf.as_str());
        let before = roster.table.items().await;
        let with = |header: &str, origin: &str| {
            let cookie = format!("sessionid={session}; csrftoken={own}");
            let mut headers = vec![("cookie", cookie)];
            for (name, value) in [("x-csrftoken", header), ("origin", origin)] {
                if value != "-" {
                    headers.push((name, value.to_owned()));
                }
            }
            headers
        };
        let foreign = [
            ("no header", with("-", "-")),
            ("an empty header", with("", "-")),
            ("a wrong header", with("x", "-")),
            ("another session's header", with(&csrf, "-")),
            ("a header that starts alike", with(&format!("{own}x"), "-")),
            ("a foreign origin", with(own, "https://evil.example")),
            ("no site's origin", with(own, "null")),
            ("an empty origin", with(own, "")),
            (
                "an origin that starts alike",
                with(own, &format!("{}.evil.example", roster.base)),
            ),
            ("another port", with(own, "http://127.0.0.1:1")),
        ];
        let reads = *route.1 == Method::GET;
        for (what, headers) in foreign {
            let status = status_with(&roster, route, &headers).await;
            assert_eq!(
                status,
                if reads { 200 } else { 403 },
                "{what}: {} {}",
                route.1,
                route.2
            );
        }
        assert_eq!(
            roster.table.items().await,
            before,
            "{} {}",
            route.1,
            route.2
        );
        // The same request without a fault, with and without the last slash.
        for (origin, path) in [
            ("-", route.2.to_owned()),
            (&roster.base, format!("{}/", route.2)),
        ] {
            roster.table.clear().await;
            sample_person(&roster).await;
            let route = (route.0, route.1, path.as_str());
            let status = status_with(&roster, route, &with(own, origin)).await;
            assert!((200..300).contains(&status), "{} {path}: {status}", route.1);
        }
    }
}

#[tokio::test]
async fn cookies_of_other_applications_do_not_hide_the_session() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let good = &ada.session;
    let unknown = "/users/emails/00000000-0000-4000-8000-000000000000/";
    let django = "k2v6w0a9z1x8c7b5n4m3q2w1e0r9t8y7";
    let own = format!("sessionid={good}");
    for lines in [
        vec![format!("name=J\u{e9}r\u{f4}me; {own}")],
        vec![format!("{own}; name=\u{1f600}")],
        vec![format!("name=\u{ff}"), own.clone()],
        vec![own.clone(), "a=b".to_owned()],
        vec![
            "a=b".to_owned(),
            "c=d".to_owned(),
            own.clone(),
            "e=f".to_owned(),
        ],
        vec![format!("sessionid={django}; {own}")],
        vec![format!("{own}; sessionid={django}; osessionid={django}")],
        vec![format!("sessionid={django}"), own.clone()],
        vec![format!("{own}; csrftoken={django}; csrftoken=")],
        vec![format!("{own}; osessionid=")],
        vec![format!("sessionid=; {own}")],
        vec![format!(
            "sessionid=x; sessionid=y; sessionid=z; sessionid=\u{e9}; osessionid=v; {own}"
        )],
        vec![format!(";;=; =x ; sessionid ; sessionid={good}; =")],
        vec![format!("a=\"b; {own}; c=d\"")],
        vec![format!("\t sessionid={good}\t;b=c")],
    ] {
        for (method, path, status) in [("GET", PATH, 200), ("DELETE", unknown, 404)] {
            let call = roster
                .visit(method, path)
                .header("x-csrftoken", ada.csrf.clone());
            let call = lines
                .iter()
                .fold(call, |call, line| call.header("cookie", line.as_bytes()));
            let answer = call.json(json!({})).send().await;
            assert_eq!(answer.status, status, "{lines:?}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_do_not_hide_the_session() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let own = format!("sessionid={}", ada.session).into_bytes();
    for foreign in [&b"a=\xe9"[..], b"\xff", b"sessionid=\xfe\xff", b"\xc3=\x28"] {
        let cookies = [&own, b"; ".as_slice(), foreign].concat();
        let call = roster.visit("GET", PATH).header("cookie", cookies);
        call.send().await.expect(200);
        let call = roster.visit("GET", PATH).header("cookie", foreign);
        call.header("cookie", own.clone()).send().await.expect(200);
    }
}

#[tokio::test]
async fn up_to_four_well_formed_cookies_are_tried_by_one_request() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let good = &ada.session;
    let (id, rest) = good.split_once('.').unwrap();
    let (session, secret) = rest.split_once('.').unwrap();
    // A session that doesn't exist, another secret for this session, and a user that doesn't exist.
    let dead = [
        format!(
            "{id}.{}.{secret}",
            session.chars().rev().collect::<String>()
        ),
        format!("{id}.{session}.{}", SessionSecret::new([7; 32]).hash()),
        format!("nobody.{session}.{secret}"),
        format!("someone.{session}.{secret}"),
    ];
    let named = |name: &str, values: &[String]| {
        let pairs: Vec<_> = values
            .iter()
            .map(|value| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    };
    let (three, four) = (named("sessionid", &dead[..3]), named("sessionid", &dead));
    for (cookies, status) in [
        (format!("{three}; sessionid={good}"), 200),
        (format!("{three}; sessionid={good}; {four}"), 200),
        (
            format!("{three}; {three}; sessionid=x; sessionid={good}"),
            200,
        ),
        (format!("{four}; sessionid={good}"), 401),
        (
            format!("{}; sessionid={good}", named("osessionid", &dead)),
            200,
        ),
        (format!("{three}; osessionid={good}"), 200),
        (format!("{four}; osessionid={good}"), 401),
        (
            format!(
                "{}; __Host-sessionid={good}",
                named("__Host-sessionid", &dead[..3])
            ),
            200,
        ),
    ] {
        roster.faults.clear();
        assert_eq!(get_with(&roster, &cookies).await, status, "{cookies}");
        let actions: Vec<_> = roster
            .faults
            .clear()
            .into_iter()
            .map(|r| r.action)
            .collect();
        let looks = actions
            .iter()
            .filter(|action| *action == "BatchGetItem")
            .count();
        assert_eq!(looks, 1, "{cookies}: {actions:?}");
    }
    // The table is not asked when no cookie can be a session's.
    assert_eq!(get_with(&roster, "sessionid=x; osessionid=y").await, 401);
    assert!(roster.faults.clear().is_empty());
}

#[tokio::test]
async fn a_session_that_a_sibling_domain_plants_does_not_win() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let thief = roster.person("mallory").await;
    let planted = format!(
        "sessionid={0}; osessionid={0}; csrftoken={1}",
        thief.session, thief.csrf
    );
    let (own, plain) = (
        format!("__Host-sessionid={}", ada.session),
        format!("sessionid={}", ada.session),
    );
    for (cookies, csrf, status) in [
        // Without the cookie that a sibling domain can't set, the request has no session.
        (format!("{planted}; {plain}"), &ada.csrf, 401),
        (format!("{planted}; {plain}"), &thief.csrf, 401),
        (format!("{planted}; {plain}; {own}"), &thief.csrf, 403),
        (format!("{own}; {planted}"), &ada.csrf, 200),
    ] {
        let call = roster
            .visit("POST", "/users/email/")
            .header("cookie", cookies.clone());
        let call = call.header("x-csrftoken", csrf.clone());
        let answer = call.json(json!({ "email": "a@example.com" })).send().await;
        assert_eq!(answer.status, status, "{cookies}");
    }
    assert_eq!(thief.emails().await.len(), 1);
    let pending = ("a@example.com".to_owned(), false, false);
    assert_eq!(ada.emails().await.last(), Some(&pending));
    // Where that cookie is not valid, the other cookies don't count either.
    roster
        .edit(&ada.id, |user| {
            user.session_epoch = user.session_epoch.next();
        })
        .await;
    let cookies = format!("{own}; {planted}");
    assert_eq!(get_with(&roster, &cookies).await, 401);
}

#[tokio::test]
async fn of_two_sessions_of_one_user_the_one_acts_whose_token_comes() {
    let roster = Roster::start().await;
    let first = roster.ada().await;
    let second = roster.sign_in("ada", sample::PASSWORD).await;
    let cookies = format!("sessionid={}; sessionid={}", first.session, second.session);
    assert_eq!(get_with(&roster, &cookies).await, 200);
    let call = roster
        .visit("POST", "/users/logout/")
        .header("cookie", cookies.clone());
    call.header("x-csrftoken", "x").send().await.expect(403);
    let call = roster
        .visit("POST", "/users/logout/")
        .header("cookie", cookies);
    call.header("x-csrftoken", second.csrf.clone())
        .send()
        .await
        .expect(204);
    first.get(PATH).await.expect(200);
    second.get(PATH).await.expect(401);
}

#[tokio::test]
async fn with_the_setting_only_the_cookie_counts_that_siblings_can_not_set() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let strict = roster.also(NOW, &[("PlainSessionCookies", "off")]).await;
    for name in ["sessionid", "osessionid"] {
        assert_eq!(
            get_with(&roster, &format!("{name}={}", ada.session)).await,
            200
        );
        assert_eq!(
            get_with(&strict, &format!("{name}={}", ada.session)).await,
            401
        );
    }
    assert_eq!(
        get_with(&strict, &format!("__Host-sessionid={}", ada.session)).await,
        200
    );
    let answer = strict.login("ada", sample::PASSWORD).await.expect(200);
    let set: Vec<_> = answer.set_cookies().into_keys().collect();
    assert_eq!(set, ["__Host-device", "__Host-sessionid", "csrftoken"]);
    let signed_in = Person::of(&strict, &answer);
    let cookies = format!("__Host-sessionid={}", signed_in.session);
    let call = strict
        .visit("POST", "/users/logout/")
        .header("cookie", cookies);
    let answer = call
        .header("x-csrftoken", signed_in.csrf.clone())
        .send()
        .await
        .expect(204);
    let cleared: Vec<_> = answer.set_cookies().into_keys().collect();
    assert_eq!(cleared, ["__Host-sessionid", "csrftoken"]);
}

#[tokio::test]
async fn csrftoken_cookies_are_not_compared() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    for others in [
        "",
        "; csrftoken=",
        "; csrftoken=x",
        "; csrftoken=x; csrftoken=y",
        "; csrftoken=\u{e9}",
    ] {
        let cookies = format!("sessionid={}{others}", ada.session);
        let call = roster
            .visit("POST", "/users/email/")
            .header("cookie", cookies.as_bytes());
        let call = call.header("x-csrftoken", ada.csrf.clone()).json(json!({}));
        // The answer is about the missing member, so the session was accepted.
        let answer = call.send().await.expect(400);
        assert!(answer.body["errors"]["email"].is_array(), "{answer:?}");
    }
}

#[tokio::test]
async fn the_embedded_clients_cookie_alone_will_do() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let session = &ada.session;
    assert_eq!(
        get_with(&roster, &format!("osessionid={session}")).await,
        200
    );
    assert_eq!(
        get_with(
            &roster,
            &format!("osessionid={session}; sessionid={session}")
        )
        .await,
        200
    );
    assert_eq!(
        get_with(
            &roster,
            &format!("sessionid={session}; sessionid={session}")
        )
        .await,
        200
    );
    assert_eq!(
        get_with(&roster, &format!("a=b;sessionid={session};c=d")).await,
        200
    );
    let cookies = format!("osessionid={session}; csrftoken={}", ada.csrf);
    let call = roster
        .visit("POST", "/users/logout/")
        .header("cookie", cookies);
    call.header("x-csrftoken", ada.csrf.clone())
        .send()
        .await
        .expect(204);
    assert_eq!(
        get_with(&roster, &format!("osessionid={session}")).await,
        401
    );
}

#[tokio::test]
async fn no_character_of_the_cookie_can_be_another_one() {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let good = ada.session.as_bytes();
    for at in 0..good.len() {
        let Some(place) = ALPHABET.iter().position(|c| *c == good[at]) else {
            continue;
        };
        // One bit of each base64 digit, including those after the end of the secret.
        for bit in 0..6 {
            let mut wrong = good.to_vec();
            wrong[at] = ALPHABET[place ^ (1 << bit)];
            let wrong = String::from_utf8(wrong).unwrap();
            assert_eq!(
                get_with(&roster, &format!("sessionid={wrong}")).await,
                401,
                "{wrong}"
            );
        }
    }
    ada.get(PATH).await.expect(200);
}

#[tokio::test]
async fn a_session_that_is_not_used_ends_after_14_days() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let over = roster.later(14 * DAY).await;
    ada.at(&over).get(PATH).await.expect(401);
    ada.at(&over)
        .post("/users/email/", json!({ "email": "x@example.org" }))
        .await
        .expect(401);
    let last = roster.just_before(14 * DAY).await;
    ada.at(&last).get(PATH).await.expect(200);
    // That request used the session, so it lives on.
    ada.at(&over).get(PATH).await.expect(200);
    ada.at(&roster.later(27 * DAY).await)
        .get(PATH)
        .await
        .expect(200);
}

#[apply(on_both_stores)]
async fn its_use_is_written_down_once_a_day(roster: Roster) {
    let ada = roster.ada().await;
    assert_eq!(requests_of(&ada).await, ["BatchGetItem"]);
    let same_day = roster.just_before(DAY).await;
    assert_eq!(requests_of(&ada.at(&same_day)).await, ["BatchGetItem"]);
    let next_day = roster.later(DAY).await;
    let before = roster.shown(&ada.id).await;
    assert_eq!(
        requests_of(&ada.at(&next_day)).await,
        ["BatchGetItem", "UpdateItem"]
    );
    assert_eq!(roster.shown(&ada.id).await, before);
    for roster in [next_day, roster.just_before(2 * DAY).await] {
        assert_eq!(requests_of(&ada.at(&roster)).await, ["BatchGetItem"]);
    }
}

#[tokio::test]
async fn a_session_ends_after_90_days_however_much_it_is_used() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    for day in [13, 26, 39, 52, 65, 78, 89] {
        ada.at(&roster.later(day * DAY).await)
            .get(PATH)
            .await
            .expect(200);
    }
    ada.at(&roster.just_before(90 * DAY).await)
        .get(PATH)
        .await
        .expect(200);
    ada.at(&roster.later(90 * DAY).await)
        .get(PATH)
        .await
        .expect(401);
    let items = roster.table.items().await;
    let (_, session) = items
        .iter()
        .find(|((_, sort), _)| sort.starts_with("SESSION#"))
        .unwrap();
    let end = NOW.plus(90 * DAY).as_unix().to_string();
    assert_eq!(session["expires_at"].as_n().unwrap(), &end);
}

#[apply(on_both_stores)]
async fn at_most_fifty_sessions_are_live_and_fifty_devices_known_and_the_least_recently_used_ends(
    roster: Roster,
) {
    let first = roster.ada().await;
    let second = roster.sign_in("ada", sample::PASSWORD).await;
    let third = roster.sign_in("ada", sample::PASSWORD).await;
    let mut later = roster.later(DAY).await;
    // This use is written down, so the session is no longer the least recently used one.
    first.at(&later).get(PATH).await.expect(200);
    third.at(&later).get(PATH).await.expect(200);
    for _ in 3..50 {
        later
            .sign_in("ada", sample::PASSWORD)
            .await
            .get(PATH)
            .await
            .expect(200);
    }
    second.get(PATH).await.expect(200);
    later = roster.later(DAY + Duration::from_secs(1)).await;
    let newest = later.sign_in("ada", sample::PASSWORD).await;
    second.get(PATH).await.expect(401);
    for live in [&first, &third] {
        live.at(&later).get(PATH).await.expect(200);
    }
    newest.get(PATH).await.expect(200);
    // Each sign-in came from a new browser, so the number of devices is limited, too.
    for start in ["SESSION#", "DEVICE#"] {
        let items = roster.table.items().await.into_keys();
        assert_eq!(
            items.filter(|(_, sort)| sort.starts_with(start)).count(),
            50,
            "{start}"
        );
    }
}

#[apply(on_both_stores)]
async fn a_session_that_has_ended_does_not_come_back_by_being_used(roster: Roster) {
    let ada = roster.ada().await;
    ada.post("/users/logout/", json!({})).await.expect(204);
    let before = roster.table.items().await;
    ada.at(&roster.later(2 * DAY).await)
        .get(PATH)
        .await
        .expect(401);
    assert_eq!(roster.table.items().await, before);
}

#[tokio::test]
async fn a_disabled_user_is_out_until_enabled_again() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let path = format!("/api/users/{}", ada.id);
    roster
        .send("POST", &format!("{path}/disable"))
        .await
        .expect(200);
    ada.get(PATH).await.expect(401);
    ada.post("/users/logout", json!({})).await.expect(401);
    roster
        .send("POST", &format!("{path}/enable"))
        .await
        .expect(200);
    ada.get(PATH).await.expect(200);
}

#[tokio::test]
async fn all_sessions_end_where_they_are_revoked_and_new_ones_hold() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let elsewhere = roster.sign_in("ada", sample::PASSWORD).await;
    let grace = roster.person("grace").await;
    let path = format!("/api/users/{}", ada.id);
    let body = json!({ "revoke_sessions": true });
    roster
        .send_json("POST", &format!("{path}/disable"), body)
        .await
        .expect(200);
    roster
        .send("POST", &format!("{path}/enable"))
        .await
        .expect(200);
    ada.get(PATH).await.expect(401);
    elsewhere.get(PATH).await.expect(401);
    grace.get(PATH).await.expect(200);
    roster
        .sign_in("ada", sample::PASSWORD)
        .await
        .get(PATH)
        .await
        .expect(200);
}

#[tokio::test]
async fn all_sessions_end_with_an_undo() {
    let roster = Roster::start().await;
    let thief = roster.ada().await;
    thief
        .change_email("thief@example.com", sample::PASSWORD)
        .await
        .expect(200);
    roster
        .follow(&roster.link_to("thief@example.com").await)
        .await
        .expect(200);
    thief.get(PATH).await.expect(200);
    let undo = roster.link_to("ada@example.org").await;
    roster
        .press(&undo, "password=a+new+long+password")
        .await
        .expect(200);
    thief.get(PATH).await.expect(401);
    roster.login("ada", sample::PASSWORD).await.expect(401);
    let ada = roster.sign_in("ada", "a new long password").await;
    assert_eq!(
        ada.emails().await[0],
        ("ada@example.org".to_owned(), true, true)
    );
}

#[tokio::test]
async fn all_sessions_end_with_their_user() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    roster
        .send("DELETE", &format!("/api/users/{}", ada.id))
        .await
        .expect(204);
    ada.get(PATH).await.expect(401);
    ada.post("/users/email/", json!({ "email": "x@example.org" }))
        .await
        .expect(401);
    ada.post("/users/logout", json!({})).await.expect(401);
}

#[apply(on_both_stores)]
async fn a_session_that_is_ended_while_its_request_is_under_way_does_nothing(roster: Roster) {
    for request in ["change", "add", "drop"] {
        let requests = how_many_requests(&roster, request).await;
        roster.table.clear().await;
        let ada = roster.ada().await;
        let id = ada.email_id("ada.byron@example.org").await;
        roster.faults.plan(requests - 1, 1, Fault::Pause);
        let end_all = async {
            roster.faults.wait_for_a_held_request().await;
            roster
                .edit(&ada.id, |user| {
                    user.session_epoch = user.session_epoch.next();
                })
                .await;
            roster.faults.clear()
        };
        let (answer, sent) = join(under_way(&ada, request, &id), end_all).await;
        answer.expect(401);
        assert_eq!(
            sent.last().unwrap().action,
            "TransactWriteItems",
            "{request}"
        );
        let account = roster.accounts.get(roster.read_ada().await.id()).await;
        let account = account.unwrap().unwrap();
        assert!(account.pending.is_empty(), "{request}: {account:#?}");
        assert_eq!(account.user.emails().len(), 2, "{request}");
        assert!(roster.recipients().await.is_empty(), "{request}");
    }
}

#[tokio::test]
async fn a_reader_of_the_table_can_not_take_a_session_over() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let token = SessionToken::parse(&ada.session).unwrap();
    let secret = ada.session.rsplit('.').next().unwrap();
    let stored = format!("{:?}", roster.table.items().await);
    assert!(
        stored.contains(&token.secret.hash()),
        "the hash is not where this test looks"
    );
    for kept in [secret, ada.csrf.as_str(), sample::PASSWORD] {
        assert!(!stored.contains(kept), "{kept}");
    }
    // What is stored can't be used as a cookie either.
    let id = &token.session_id;
    for forged in [token.secret.hash(), token.secret.csrf_token()] {
        let cookie = format!("sessionid={}.{id}.{forged}", ada.id);
        assert_eq!(get_with(&roster, &cookie).await, 401);
    }
}
