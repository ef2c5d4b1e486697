//! What is true for every kind of link: which requests act by it, and which don't
//! (email-self-service.md, "Links").

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use domain::link::{FORM_LIFETIME, Keys, Link, Purpose};
use domain::{UserId, sample};
use local::generate::openapi::example_path;
use local::samples;
use roster_http::{App, Endpoint, Event, LinkKeys, Method};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::person::link_calls;
use crate::harness::{Answer, NOW, Roster, root};

const PURPOSES: [Purpose; 4] = [
    Purpose::VerifyEmail,
    Purpose::SetPrimaryEmail,
    Purpose::UndoEmailChange,
    Purpose::ResetPassword,
];
const BROWSER: &str = "text/html,application/xhtml+xml,*/*;q=0.8";
const JSON: &str = "application/json";
/// One form that fits every page.
const FORM: &str = "password=a+new+long+password";
const SECOND: Duration = Duration::from_secs(1);

/// A kind of link, and the sample person's link of this kind.
struct Kind {
    endpoint: &'static Endpoint,
    /// The path before the token.
    start: String,
    token: String,
    link: Link,
}

impl Kind {
    fn path(&self) -> String {
        self.path_of(&self.token)
    }

    fn path_of(&self, token: &str) -> String {
        format!("{}/{token}/{}", self.start, sample::PERSON)
    }

    /// Whether a GET of it may act.
    fn may_act_on_get(&self) -> bool {
        !self.sets_password()
    }

    fn sets_password(&self) -> bool {
        matches!(
            self.link.purpose,
            Purpose::UndoEmailChange | Purpose::ResetPassword
        )
    }

    fn has_head(&self) -> bool {
        let mut routes = self.endpoint.routes.iter();
        routes.any(|(method, _)| method == Method::HEAD)
    }
}

/// All kinds of links that have a call.
fn kinds() -> Vec<Kind> {
    let keys = Keys::parse(sample::LINK_KEY, None).unwrap();
    let kinds: Vec<Kind> = link_calls()
        .map(|endpoint| {
            let path = example_path(endpoint.route().1);
            let (rest, user) = path.rsplit_once('/').unwrap();
            assert_eq!(user, sample::PERSON);
            let (start, token) = rest.rsplit_once('/').unwrap();
            let check = |purpose| keys.check(token, &person(), purpose, NOW);
            Kind {
                endpoint,
                start: start.to_owned(),
                token: token.to_owned(),
                link: PURPOSES.into_iter().find_map(check).unwrap(),
            }
        })
        .collect();
    assert_eq!(kinds.len(), PURPOSES.len());
    kinds
}

fn person() -> UserId {
    UserId::parse(sample::PERSON).unwrap()
}

/// A table with only the sample person, and with all that the links are about.
async fn afresh(roster: &Roster) {
    roster.table.clear().await;
    samples::write_person(&roster.app().table, NOW)
        .await
        .unwrap();
    roster.faults.clear();
}

/// A token as the service itself makes it.
async fn signed(roster: &Roster, link: &Link) -> String {
    let app = roster.app();
    app.link_keys.get().await.unwrap().sign(link, &person())
}

/// The body of a refusal, without the parts that differ between requests.
fn said(answer: &Answer) -> Value {
    let mut body = answer.body.clone();
    if let Some(members) = body.as_object_mut() {
        members.remove("instance");
        members.remove("trace_id");
        members.remove("traceId");
    }
    body
}

async fn get(roster: &Roster, path: &str, accept: &str) -> Answer {
    roster
        .visit("GET", path)
        .header("accept", accept)
        .send()
        .await
}

/// A POST of the link's form with this nonce, from a page of `site`.
async fn post(roster: &Roster, path: &str, nonce: &str, site: &str) -> Answer {
    roster
        .visit("POST", path)
        .header("accept", BROWSER)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("cookie", format!("linknonce={nonce}"))
        .header("sec-fetch-site", site)
        .body(FORM)
        .send()
        .await
}

fn nonce_of(page: &Answer) -> String {
    page.set_cookies()["linknonce"].0.to_owned()
}

/// The text with one bit flipped, encoded so that a path can carry it.
fn flipped(token: &str, bit: usize) -> String {
    let mut bytes = token.as_bytes().to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes.into_iter().fold(String::new(), |mut path, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            path.push(char::from(byte));
        } else {
            write!(path, "%{byte:02X}").unwrap();
        }
        path
    })
}

/// Sends a request without the header Accept, which HTTP libraries always send.
async fn get_without_accept(roster: &Roster, path: &str) -> String {
    let address = roster.base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// The only refusals for a link, for a program and for a person.
struct Refusals {
    problem: Value,
    page: Value,
}

impl Refusals {
    async fn of(roster: &Roster) -> Self {
        let path = format!("/users/email-verify/none/{}", sample::PERSON);
        let problem = said(&get(roster, &path, JSON).await.expect(400));
        assert_eq!(problem["detail"], "This link is not valid.");
        assert_eq!(problem["status"], 400);
        let page = roster.open(&path).await.expect(400);
        assert!(page.html().contains("This link is not valid"), "{page:#?}");
        let page = page.body;
        Self { problem, page }
    }

    /// Every way to use `path` gets these refusals.
    async fn meet(&self, roster: &Roster, path: &str, what: &str) {
        let nonce = "1700000000.none";
        let program = get(roster, path, JSON).await;
        assert_eq!(
            (program.status, said(&program)),
            (400, self.problem.clone()),
            "{what}"
        );
        let person = roster.open(path).await;
        assert_eq!((person.status, &person.body), (400, &self.page), "{what}");
        assert!(person.set_cookies().is_empty(), "{what}: {person:#?}");
        let form = post(roster, path, nonce, "same-origin").await;
        assert_eq!((form.status, &form.body), (400, &self.page), "{what}");
        let head = roster.visit("HEAD", path).send().await;
        assert!(matches!(head.status, 400 | 404), "{what}: {head:#?}");
        assert!(head.set_cookies().is_empty(), "{what}: {head:#?}");
    }
}

#[tokio::test]
async fn no_flipped_bit_gets_past_the_signature() {
    let roster = Roster::start().await;
    afresh(&roster).await;
    let refusals = Refusals::of(&roster).await;
    let items = roster.table.items().await;
    for kind in kinds() {
        for token in [kind.token.clone(), signed(&roster, &kind.link).await] {
            roster.open(&kind.path_of(&token)).await.expect(200);
            roster.faults.clear();
            // Every character is covered, and every bit position in a character.
            let bits: Vec<usize> = (0..token.len() * 8).step_by(5).collect();
            assert!(bits.len() >= 300, "{}: {}", kind.endpoint.name, bits.len());
            for bit in bits {
                let path = kind.path_of(&flipped(&token, bit));
                let answer = get(&roster, &path, JSON).await;
                let what = format!("{} {bit}: {path}", kind.endpoint.name);
                assert_eq!(
                    (answer.status, said(&answer)),
                    (400, refusals.problem.clone()),
                    "{what}"
                );
            }
            assert_eq!(roster.faults.clear().len(), 0, "the store was asked");
        }
        for bit in 0..sample::PERSON.len() * 8 {
            let path = format!(
                "{}/{}/{}",
                kind.start,
                kind.token,
                flipped(sample::PERSON, bit)
            );
            let answer = get(&roster, &path, JSON).await;
            assert_eq!(
                (answer.status, said(&answer)),
                (400, refusals.problem.clone()),
                "{path}"
            );
        }
        assert_eq!(roster.faults.clear().len(), 0, "the store was asked");
    }
    assert_eq!(roster.table.items().await, items);
}

#[tokio::test]
async fn a_link_for_anything_else_gets_the_same_refusal_without_a_look_at_the_store() {
    let roster = Roster::start().await;
    afresh(&roster).await;
    let other = roster
        .create(serde_json::json!({ "username": "grace" }))
        .await;
    let other = other.rsplit('/').next().unwrap().to_owned();
    let refusals = Refusals::of(&roster).await;
    let items = roster.table.items().await;
    roster.faults.clear();
    let all = kinds();
    let foreign = Keys::parse("b3RoZXIga2V5LCBvdGhlciBrZXksIG90aGVyIGtleS4uLg==", None).unwrap();
    let week = Duration::from_hours(7 * 24);
    let ago = |duration: Duration| {
        let seconds = i64::try_from(duration.as_secs()).unwrap();
        domain::Timestamp::from_unix(NOW.as_unix() - seconds)
    };
    for kind in &all {
        let mut bad = Vec::new();
        let token = signed(&roster, &kind.link).await;
        for stranger in all.iter().filter(|stranger| stranger.start != kind.start) {
            let theirs = signed(&roster, &stranger.link).await;
            bad.push((
                format!("meant for {}", stranger.start),
                kind.path_of(&theirs),
            ));
        }
        for user in [&other, "Ada0Lovelace1815Byroo", "nobody", "a%20b"] {
            bad.push((
                format!("for {user}"),
                format!("{}/{token}/{user}", kind.start),
            ));
        }
        bad.push((
            "another key".to_owned(),
            kind.path_of(&foreign.sign(&kind.link, &person())),
        ));
        let (_, rest) = token.split_once('.').unwrap();
        for id in ["AAAAAAAA", "", "AAAAAAA", "AAAAAAAAA"] {
            bad.push((
                format!("key id {id}"),
                kind.path_of(&format!("{id}.{rest}")),
            ));
        }
        for (what, issued_at, expires_at) in [
            ("expires now", ago(week), NOW),
            ("expired by a second", ago(week + SECOND), ago(SECOND)),
            ("of the future", NOW.plus(SECOND), NOW.plus(week)),
            (
                "of the future for ever",
                NOW.plus(week),
                kind.link.expires_at,
            ),
        ] {
            let link = Link {
                issued_at,
                expires_at,
                ..kind.link.clone()
            };
            bad.push((what.to_owned(), kind.path_of(&signed(&roster, &link).await)));
        }
        for length in (1..token.len()).step_by(11).chain([token.len() - 1]) {
            bad.push((
                format!("{length} characters"),
                kind.path_of(&token[..length]),
            ));
        }
        for (before, after) in [
            ("", "="),
            ("", "%3D"),
            ("", "A"),
            ("", "."),
            ("%20", ""),
            (".", ""),
            ("", "%00"),
            ("", "%2F"),
            ("", "%C3"),
        ] {
            bad.push((
                "padded".to_owned(),
                kind.path_of(&format!("{before}{token}{after}")),
            ));
        }
        for (what, path) in bad {
            refusals
                .meet(&roster, &path, &format!("{} {what}", kind.endpoint.name))
                .await;
        }
        assert_eq!(roster.faults.clear().len(), 0, "the store was asked");
        roster.open(&kind.path_of(&token)).await.expect(200);
        roster.faults.clear();
    }
    assert_eq!(roster.table.items().await, items);
}

#[tokio::test]
async fn links_of_the_present_and_of_the_previous_key_hold() {
    let roster = Roster::start().await;
    for kind in kinds() {
        let present = signed(&roster, &kind.link).await;
        let key_id = |token: &str| token.split('.').next().unwrap().to_owned();
        assert_ne!(key_id(&present), key_id(&kind.token));
        for token in [&present, &kind.token] {
            afresh(&roster).await;
            let items = roster.table.items().await;
            roster.press(&kind.path_of(token), FORM).await.expect(200);
            assert_ne!(roster.table.items().await, items, "{}", kind.endpoint.name);
        }
    }
}

#[tokio::test]
async fn a_last_slash_makes_no_difference() {
    let roster = Roster::start().await;
    for kind in kinds() {
        for (shown, sent) in [("", "/"), ("/", ""), ("/", "/")] {
            afresh(&roster).await;
            let path = kind.path();
            let page = roster.open(&format!("{path}{shown}")).await.expect(200);
            // The cookie's path has no last slash, so that the browser sends it to both forms.
            let attributes = page.set_cookies()["linknonce"].1.to_owned();
            assert!(
                attributes.contains(&format!("Path={path};")),
                "{attributes}"
            );
            let items = roster.table.items().await;
            roster
                .submit(&format!("{path}{sent}"), &nonce_of(&page), FORM)
                .await
                .expect(200);
            assert_ne!(roster.table.items().await, items, "{}", kind.endpoint.name);
        }
        if kind.may_act_on_get() {
            afresh(&roster).await;
            roster
                .follow(&format!("{}/", kind.path()))
                .await
                .expect(200);
        }
    }
}

#[tokio::test]
async fn the_nonce_is_a_cookie_of_this_link_alone() {
    let roster = Roster::start().await;
    afresh(&roster).await;
    for kind in kinds() {
        let page = roster.open(&kind.path()).await.expect(200);
        let cookies = page.set_cookies();
        assert_eq!(cookies.keys().collect::<Vec<_>>(), [&"linknonce"]);
        let (_, attributes) = cookies["linknonce"];
        let attributes: BTreeSet<&str> = attributes.split("; ").collect();
        let path = format!("Path={}", kind.path());
        let wanted = [
            "HttpOnly",
            "Secure",
            "SameSite=Strict",
            "Max-Age=600",
            path.as_str(),
        ];
        assert_eq!(attributes, wanted.into());
    }
}

#[tokio::test]
async fn the_nonces_path_is_the_one_that_people_see() {
    let roster = Roster::start().await;
    // A custom domain whose paths are rewritten, and a stage.
    for (public, base) in [
        ("https://accounts.example.org", ""),
        ("https://accounts.example.org/people/", "/people"),
        ("https://accounts.example.org/users", "/users"),
    ] {
        let public = roster
            .also(NOW.plus(SECOND), &[("PublicUrl", public)])
            .await;
        afresh(&public).await;
        for kind in kinds() {
            let name = kind.endpoint.name;
            let event = std::fs::read_to_string(root().join(format!("events/{name}.json")));
            let event = event.unwrap().replace("application/json", "text/html");
            let event: Event = serde_json::from_str(&event).unwrap();
            let answer = roster_http::call(&public.app(), kind.endpoint, event.into()).await;
            let cookie = answer.headers()["set-cookie"].to_str().unwrap();
            let path = format!("Path={base}{};", kind.path());
            assert!(cookie.contains(&path), "{name}: {cookie}");
        }
    }
}

#[tokio::test]
async fn a_form_with_an_unknown_action_does_nothing() {
    let roster = Roster::start().await;
    afresh(&roster).await;
    let items = roster.table.items().await;
    for kind in kinds().into_iter().filter(Kind::may_act_on_get) {
        let page = roster.open(&kind.path()).await.expect(200);
        for form in [
            "action=Cancel",
            "action=",
            "action=confirm",
            "action=cancel&action=cancel",
        ] {
            let answer = roster.submit(&kind.path(), &nonce_of(&page), form).await;
            answer.expect(400);
        }
        for body in [r#"{"action":"stop"}"#, r#"{"action":7}"#, "[]", "{"] {
            let call = roster
                .visit("POST", &kind.path())
                .header("accept", JSON)
                .header("content-type", JSON)
                .header("cookie", format!("linknonce={}", nonce_of(&page)))
                .body(body);
            call.send().await.expect(400);
        }
    }
    assert_eq!(roster.table.items().await, items);
}

#[tokio::test]
async fn head_never_acts_and_sets_no_cookie() {
    let roster = Roster::start().await;
    afresh(&roster).await;
    let acting = roster.also(NOW.plus(SECOND), &[("LinkGet", "act")]).await;
    let items = roster.table.items().await;
    for kind in kinds() {
        for roster in [&roster, &acting] {
            for accept in [BROWSER, JSON, "*/*"] {
                let call = roster.visit("HEAD", &kind.path()).header("accept", accept);
                let answer = call.send().await;
                let wanted = if kind.has_head() { 200 } else { 404 };
                let answer = answer.expect(wanted);
                assert!(answer.set_cookies().is_empty(), "{answer:#?}");
                assert_eq!(answer.body, Value::Null);
            }
        }
    }
    assert_eq!(roster.table.items().await, items);
}

#[tokio::test]
async fn a_get_that_asks_for_anything_but_json_alone_shows_the_page() {
    let roster = Roster::start().await;
    afresh(&roster).await;
    let items = roster.table.items().await;
    for kind in kinds() {
        for accept in [
            BROWSER,
            "text/html",
            "*/*",
            "image/avif,image/webp,*/*;q=0.5",
            "application/json, text/html",
            "text/html;q=0.1, application/json",
            "TEXT/HTML, application/json",
            "application/json-seq",
            "application/xml",
            "application/*",
            "application/json;q=0",
            "application/json; q=0.000, */*",
            "application/json;q=1, text/html;q=0.001",
            "application/json;q=high",
            "application/json, text",
            "application/json;a=\"text/html",
        ] {
            let page = get(&roster, &kind.path(), accept).await.expect(200);
            assert!(
                page.html().contains("<form method=\"post\">"),
                "{accept}: {page:#?}"
            );
        }
        for lines in [[JSON, "text/html"], ["text/html;q=0.1", JSON]] {
            let call = roster.visit("GET", &kind.path()).header("accept", lines[0]);
            let page = call.header("accept", lines[1]).send().await.expect(200);
            assert!(page.html().contains("<form method=\"post\">"), "{lines:?}");
        }
        let answer = get_without_accept(&roster, &kind.path()).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("<form method=\"post\">"), "{answer}");
        if kind.sets_password() {
            let page = roster.follow(&kind.path()).await.expect(200);
            assert!(page.html().contains("<form method=\"post\">"), "{page:#?}");
        }
    }
    assert_eq!(roster.table.items().await, items);
}

#[tokio::test]
async fn a_get_that_asks_for_json_alone_acts_where_no_password_is_set() {
    let roster = Roster::start().await;
    for kind in kinds().into_iter().filter(Kind::may_act_on_get) {
        for accept in [
            JSON,
            "application/json, text/plain, */*",
            "application/json;q=0.9",
            "Application/JSON",
            "application/json;charset=utf-8",
            "application/json, text/html;q=0",
            "text/*;q=0.1, application/json",
            ", application/json ,",
        ] {
            afresh(&roster).await;
            let items = roster.table.items().await;
            let answer = get(&roster, &kind.path(), accept).await.expect(200);
            assert_eq!(answer.body, Value::Null);
            assert_ne!(roster.table.items().await, items, "{}", kind.endpoint.name);
        }
    }
}

#[tokio::test]
async fn where_the_setting_says_so_every_get_acts() {
    let roster = Roster::start().await;
    let acting = roster.also(NOW.plus(SECOND), &[("LinkGet", "act")]).await;
    for kind in kinds() {
        for accept in [BROWSER, "text/html", "*/*", JSON] {
            afresh(&roster).await;
            let items = roster.table.items().await;
            get(&acting, &kind.path(), accept).await.expect(200);
            let has_acted = roster.table.items().await != items;
            assert_eq!(
                has_acted,
                kind.may_act_on_get(),
                "{} {accept}",
                kind.endpoint.name
            );
        }
        if kind.may_act_on_get() {
            afresh(&roster).await;
            let items = roster.table.items().await;
            let answer = get_without_accept(&acting, &kind.path()).await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            assert_ne!(roster.table.items().await, items, "{}", kind.endpoint.name);
        }
    }
}

#[tokio::test]
async fn where_every_get_acts_an_sms_link_can_still_cancel() {
    let roster = Roster::start().await;
    let acting = roster.also(NOW.plus(SECOND), &[("LinkGet", "act")]).await;
    for kind in kinds().into_iter().filter(Kind::may_act_on_get) {
        afresh(&roster).await;
        let link = Link {
            channel: domain::link::Channel::Sms,
            ..kind.link.clone()
        };
        let path = kind.path_of(&signed(&roster, &link).await);
        let items = roster.table.items().await;
        get(&acting, &path, JSON).await.expect(400);
        let page = acting.open(&path).await.expect(200);
        assert!(page.html().contains("Cancel this change"), "{page:#?}");
        assert_eq!(roster.table.items().await, items);
        let done = acting
            .submit(&path, &nonce_of(&page), "action=cancel")
            .await
            .expect(200);
        assert!(done.html().contains("The change is cancelled"), "{done:#?}");
    }
}

#[tokio::test]
async fn a_form_without_the_nonce_that_its_own_page_has_just_set_does_nothing() {
    let roster = Roster::start().await;
    let (old, last) = (
        roster.later(FORM_LIFETIME).await,
        roster.later(FORM_LIFETIME.saturating_sub(SECOND)).await,
    );
    for kind in kinds() {
        afresh(&roster).await;
        let path = kind.path();
        let good = nonce_of(&roster.open(&path).await.expect(200));
        let twin = Link {
            issued_at: NOW,
            ..kind.link.clone()
        };
        let twin = kind.path_of(&signed(&roster, &twin).await);
        let another = nonce_of(&roster.open(&twin).await.expect(200));
        let of_tomorrow = nonce_of(&old.open(&path).await.expect(200));
        let items = roster.table.items().await;
        let mut refused = vec![
            roster
                .visit("POST", &path)
                .header("accept", BROWSER)
                .send()
                .await,
            roster
                .visit("POST", &path)
                .header("accept", BROWSER)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(format!("{FORM}&linknonce={good}"))
                .send()
                .await,
            old.submit(&path, &good, FORM).await,
            post(&roster, &path, &good, "cross-site").await,
        ];
        let (time, mac) = good.split_once('.').unwrap();
        let moved = format!("{}.{mac}", time.parse::<i64>().unwrap() + 1);
        let moved_there = format!("{}.{mac}", NOW.plus(FORM_LIFETIME).as_unix());
        for nonce in [
            "",
            ".",
            time,
            mac,
            &moved,
            &another,
            &of_tomorrow,
            &good[..good.len() - 1],
            &format!("{good}A"),
        ] {
            refused.push(roster.submit(&path, nonce, FORM).await);
        }
        refused.push(old.submit(&path, &moved_there, FORM).await);
        for answer in refused {
            let answer = answer.expect(400);
            assert!(
                answer.html().contains("Please open the link again"),
                "{answer:#?}"
            );
        }
        let program = roster
            .visit("POST", &path)
            .header("accept", JSON)
            .send()
            .await
            .expect(400);
        assert_eq!(
            program.body["detail"],
            "This page has expired. Open the link again."
        );
        assert_eq!(roster.table.items().await, items, "{}", kind.endpoint.name);

        last.submit(&path, &good, FORM).await.expect(200);
        assert_ne!(roster.table.items().await, items, "{}", kind.endpoint.name);
    }
}

#[tokio::test]
async fn a_nonce_counts_among_other_cookies_and_from_the_own_site() {
    let roster = Roster::start().await;
    for kind in kinds() {
        for site in ["same-origin", "same-site", "none"] {
            afresh(&roster).await;
            let items = roster.table.items().await;
            let nonce = nonce_of(&roster.open(&kind.path()).await.expect(200));
            let cookies = format!("old; linknonce={nonce}; a=b");
            post(&roster, &kind.path(), &cookies, site)
                .await
                .expect(200);
            assert_ne!(roster.table.items().await, items, "{}", kind.endpoint.name);
        }
    }
}

#[tokio::test]
async fn a_scanner_that_opens_every_link_and_sends_every_form_changes_nothing() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.change_email("primary@example.com", sample::PASSWORD)
        .await
        .expect(200);
    ada.add_email("proved@example.com").await.expect(200);
    roster.follow_link_to("proved@example.com").await;
    roster.follow_link_to("primary@example.com").await;
    ada.change_email("second@example.com", sample::PASSWORD)
        .await
        .expect(200);
    ada.add_email("third@example.com").await.expect(200);
    let forced = serde_json::json!({
        "username": "grace", "email": "grace@example.org", "email_verified": true,
        "password": sample::PASSWORD,
    });
    roster.create(forced).await;
    roster.login("grace", sample::PASSWORD).await.expect(403);
    roster.send_notifications().await;
    let messages = roster.outbox.messages();
    let mut links: BTreeSet<String> = messages
        .iter()
        .flat_map(|message| message.text.split_whitespace())
        .filter_map(|word| word.strip_prefix(&roster.base))
        .map(str::to_owned)
        .collect();
    links.extend(kinds().iter().map(Kind::path));
    for start in kinds().iter().map(|kind| &kind.start) {
        assert!(
            links.iter().any(|link| link.starts_with(start)),
            "no link of {start}"
        );
    }

    let items = roster.table.items().await;
    let mut forms = 0;
    for link in &links {
        roster
            .visit("HEAD", link)
            .header("accept", "*/*")
            .send()
            .await;
        for accept in ["*/*", BROWSER] {
            let page = get(&roster, link, accept).await;
            for form in page.html().split("<form").skip(1) {
                forms += 1;
                assert!(
                    form.starts_with(" method=\"post\">"),
                    "a form with a target: {form}"
                );
                let form = form.split("</form>").next().unwrap();
                for body in filled_in(form) {
                    for site in ["none", "cross-site", "same-origin"] {
                        let answer = roster
                            .visit("POST", link)
                            .header("accept", accept)
                            .header("content-type", "application/x-www-form-urlencoded")
                            .header("origin", "null")
                            .header("sec-fetch-dest", "document")
                            .header("sec-fetch-mode", "navigate")
                            .header("sec-fetch-site", site)
                            .header("sec-fetch-user", "?1")
                            .body(body.clone())
                            .send()
                            .await;
                        answer.expect(400);
                    }
                }
            }
        }
    }
    assert!(forms >= 8, "{forms}");
    assert_eq!(roster.table.items().await, items);
    assert_eq!(roster.recipients().await.len(), messages.len());
}

#[tokio::test]
async fn pages_keep_to_themselves() {
    let roster = Roster::start().await;
    afresh(&roster).await;
    for kind in kinds() {
        let path = kind.path();
        let shown = roster.open(&path).await.expect(200);
        let nonce = nonce_of(&shown);
        let pages = [
            roster.open(&kind.path_of("none")).await.expect(400),
            roster.submit(&path, "none", FORM).await.expect(400),
            roster.submit(&path, &nonce, FORM).await.expect(200),
            roster.open(&path).await,
            shown,
        ];
        for page in pages {
            let policy: BTreeSet<&str> = page
                .header("content-security-policy")
                .unwrap()
                .split("; ")
                .collect();
            let style = policy
                .iter()
                .find(|rule| rule.starts_with("style-src"))
                .unwrap();
            assert!(style.starts_with("style-src 'sha256-"), "{style}");
            let rules = [
                "default-src 'none'",
                "form-action 'self'",
                "base-uri 'none'",
                "frame-ancestors 'none'",
                style,
            ];
            assert_eq!(policy, rules.into());
            assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
            assert_eq!(page.header("cache-control"), Some("no-store"));
            assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
            for foreign in [
                "<script",
                "<img",
                "<link",
                "<iframe",
                "http-equiv",
                "src=",
                "href=",
                "style=\"",
                "url(",
            ] {
                assert!(!page.html().contains(foreign), "{foreign}: {page:#?}");
            }
            assert!(
                !page.html().contains(&kind.token),
                "the page repeats its link"
            );
        }
        afresh(&roster).await;
    }
    // Answers to programs are not cached either.
    for kind in kinds().iter().filter(|kind| kind.may_act_on_get()) {
        afresh(&roster).await;
        for (path, status) in [(kind.path(), 200), (kind.path_of("none"), 400)] {
            let answer = roster.follow(&path).await.expect(status);
            assert_eq!(answer.header("cache-control"), Some("no-store"));
        }
    }
}

#[tokio::test]
async fn a_link_that_meets_a_fault_of_the_store_is_told_so_on_a_page() {
    let roster = Roster::start().await;
    afresh(&roster).await;
    for kind in kinds() {
        roster
            .faults
            .plan(0, usize::MAX, crate::harness::Fault::Refuse);
        let page = roster.open(&kind.path()).await.expect(500);
        roster.faults.clear();
        assert!(
            page.html().contains("Something is not working on our side"),
            "{page:#?}"
        );
        assert!(page.set_cookies().is_empty());
    }
}

/// The bodies that the buttons of a form send, one for each button, with the fields filled in.
fn filled_in(form: &str) -> Vec<String> {
    let attribute = |tag: &str, name: &str| {
        let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
        rest.split('"').next().map(str::to_owned)
    };
    let tags = |name: &'static str| form.split(name).skip(1);
    let fields: Vec<String> = tags("<input")
        .filter_map(|tag| Some(format!("{}=a+new+long+password", attribute(tag, "name")?)))
        .collect();
    tags("<button")
        .map(|tag| {
            let mut pairs = fields.clone();
            if let (Some(name), Some(value)) = (attribute(tag, "name"), attribute(tag, "value")) {
                pairs.push(format!("{name}={value}"));
            }
            pairs.join("&")
        })
        .collect()
}

#[tokio::test]
async fn without_a_key_a_link_call_answers_503() {
    let roster = Roster::start().await;
    afresh(&roster).await;
    for kind in kinds() {
        let app = App {
            link_keys: LinkKeys::none(),
            ..roster.app()
        };
        let name = kind.endpoint.name;
        let event = std::fs::read_to_string(root().join(format!("events/{name}.json"))).unwrap();
        let event: Value = serde_json::from_str(&event).unwrap();
        for (accept, media_type) in [
            (JSON, "application/problem+json"),
            (BROWSER, "text/html; charset=utf-8"),
        ] {
            for method in ["GET", "POST", "HEAD"] {
                let mut event = event.clone();
                event["httpMethod"] = method.into();
                event["headers"]["Accept"] = accept.into();
                event["multiValueHeaders"]["Accept"] = serde_json::json!([accept]);
                let event: Event = serde_json::from_value(event).unwrap();
                let answer = roster_http::call(&app, kind.endpoint, event.into()).await;
                assert_eq!(answer.status(), 503, "{name}");
                assert_eq!(answer.headers()["content-type"], media_type, "{name}");
            }
        }
    }
}
