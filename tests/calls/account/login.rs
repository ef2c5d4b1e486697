use macro_rules_attribute::apply;
use std::time::Duration;

use domain::session::SessionToken;
use domain::sign_in::LOCK_OUT;
use domain::{UserFacts, sample};
use serde_json::{Value, json};

use crate::harness::person::Person;
use crate::harness::{Answer, Fault, NOW, Roster};

/// bcrypt's own example, a hash of `U*U`. The directory would refuse this password as too short.
const BCRYPT: &str = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
const FORM: &str = "application/x-www-form-urlencoded";

fn by_username() -> Value {
    json!({ "username": "ada", "password": sample::PASSWORD })
}

/// The sample person with a password that must be changed.
async fn write_forced(roster: &Roster) {
    let user = sample::changed(sample::person().user, |user| {
        user.credential.as_mut().unwrap().force_reset = true;
    });
    roster.write(&user).await;
}

async fn sessions(roster: &Roster) -> usize {
    let items = roster.table.items().await;
    let mut keys = items.into_keys().map(|(_, sort)| sort);
    keys.by_ref()
        .filter(|sort| sort.starts_with("SESSION#"))
        .count()
}

type Change = fn(&mut UserFacts);
/// An answer's headers and body, and the requests that were made to the store.
type Seen = ((Vec<(String, String)>, String), Vec<String>);

/// The state after one attempt in which the reply to one request to the store was lost: the user as
/// shown, the counts of failures, and the number of sessions. Also the number of requests.
async fn left_by_login(
    roster: &Roster,
    password: &str,
    status: u16,
    lost: Option<usize>,
) -> ((Value, Vec<usize>, usize), usize) {
    roster.table.clear().await;
    roster.write_ada().await;
    roster.faults.clear();
    if let Some(at) = lost {
        roster.faults.plan(at, 1, Fault::DropReply);
    }
    roster.login("ada", password).await.expect(status);
    let requests = roster.faults.clear().len();
    let items = roster.table.items().await;
    let pairs = items
        .iter()
        .filter(|((_, sort), _)| sort.starts_with("IP#"));
    let failures = pairs.map(|(_, item)| item["failed"].as_ss().unwrap().len());
    let shown = roster.shown(sample::PERSON).await;
    (
        (shown, failures.collect(), sessions(roster).await),
        requests,
    )
}

#[apply(on_both_stores)]
async fn the_right_password_signs_in_with_the_cookies_of_one_session_and_a_device(roster: Roster) {
    roster.write_ada().await;
    let answer = roster.attempt(by_username()).send().await.expect(200);
    assert_eq!(answer.body, json!({ "user_id": sample::PERSON }));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let cookies = answer.set_cookies();
    let session = cookies["sessionid"].0;
    let csrf = SessionToken::parse(session).unwrap().secret.csrf_token();
    let device = cookies["__Host-device"].0;
    let expected = [
        (
            "__Host-device",
            device,
            "HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=15552000",
        ),
        (
            "__Host-sessionid",
            session,
            "HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=7776000",
        ),
        (
            "csrftoken",
            csrf.as_str(),
            "SameSite=Lax; Secure; Path=/; Max-Age=7776000",
        ),
        (
            "osessionid",
            session,
            "HttpOnly; SameSite=None; Secure; Path=/; Max-Age=7776000",
        ),
        (
            "sessionid",
            session,
            "HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=7776000",
        ),
    ];
    let cookies: Vec<_> = cookies
        .into_iter()
        .map(|(name, (v, a))| (name, v, a))
        .collect();
    assert_eq!(cookies, expected);
    assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 5);
    roster.table.check_invariants().await;
}

#[apply(on_both_stores)]
async fn every_identifier_signs_in_in_whatever_spelling(roster: Roster) {
    roster
        .create(json!({
            "username": "Grace", "email": "Grace@Bücher.example", "phone_number": "+12125552368",
            "password": sample::PASSWORD, "is_temporary_password": false,
        }))
        .await;
    let mut ids = Vec::new();
    for (member, identifier) in [
        ("username", "Grace"),
        ("username", "ＧRACE"),
        ("username", " grace "),
        ("email", "Grace@Bücher.example"),
        ("email", " grace@XN--BCHER-KVA.example "),
        ("phone_number", "+12125552368"),
        ("phone_number", " +1 (212) 555-2368"),
    ] {
        let mut body = json!({ "password": sample::PASSWORD, "unknown": [1] });
        body[member] = identifier.into();
        ids.push(roster.attempt(body).send().await.expect(200).body);
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
}

#[apply(on_both_stores)]
async fn an_identifier_is_looked_for_among_its_own_kind_only(roster: Roster) {
    roster.write_ada().await;
    for (member, identifier) in [
        ("email", "ada"),
        ("username", "ada@example.org"),
        ("phone_number", "ada"),
        ("username", "+441514960815"),
    ] {
        let mut body = json!({ "password": sample::PASSWORD });
        body[member] = identifier.into();
        roster.attempt(body).send().await.expect(401);
    }
}

#[apply(on_both_stores)]
async fn exactly_one_identifier_and_the_password_are_needed(roster: Roster) {
    roster.write_ada().await;
    let before = roster.table.items().await;
    roster.faults.clear();
    let one = json!({
        "email": ["must be there, or username, or phone_number, and only one of them"],
    });
    let (password, email) = (sample::PASSWORD, "ada@example.org");
    for (body, errors) in [
        (json!({}), one.clone()),
        (json!({ "password": password }), one.clone()),
        (
            json!({ "username": null, "password": password }),
            one.clone(),
        ),
        (
            json!({ "username": "ada", "email": email, "password": password }),
            one.clone(),
        ),
        (
            json!({ "email": email, "phone_number": "+441514960815", "password": password }),
            one,
        ),
        (
            json!({ "username": "ada" }),
            json!({ "password": ["is required"] }),
        ),
        (
            json!({ "username": "ada", "password": null }),
            json!({ "password": ["is required"] }),
        ),
    ] {
        let answer = roster.attempt(body).send().await.expect(400);
        assert_eq!(answer.body["errors"], errors);
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    let wrong_type = json!({ "username": ["ada"], "password": password });
    let answer = roster.attempt(wrong_type).send().await.expect(400);
    assert!(answer.body["errors"]["username"].is_array(), "{answer:?}");
    let twice = r#"{"username":"ada","username":"ada","password":"x"}"#;
    roster
        .visit("POST", "/users/login")
        .body(twice)
        .send()
        .await
        .expect(400);
    assert!(roster.faults.clear().is_empty(), "the store was asked");
    assert_eq!(roster.table.items().await, before);
}

#[apply(on_both_stores)]
async fn only_json_is_taken_which_no_form_of_another_site_can_send(roster: Roster) {
    roster.write_ada().await;
    let before = roster.table.items().await;
    for media_type in [
        FORM,
        "text/plain",
        "multipart/form-data; boundary=x",
        "",
        "json",
    ] {
        let call = roster
            .attempt(by_username())
            .header("content-type", media_type);
        let answer = call.send().await.expect(400);
        assert_eq!(
            answer.body["detail"],
            "The body must be sent as application/json."
        );
    }
    let form = roster
        .visit("POST", "/users/login/")
        .header("content-type", FORM);
    form.body("username=ada&password=correct+horse+battery")
        .send()
        .await
        .expect(400);
    assert_eq!(roster.table.items().await, before);
    for media_type in ["application/json; charset=utf-8", "Application/JSON"] {
        let call = roster
            .attempt(by_username())
            .header("content-type", media_type);
        call.send().await.expect(200);
    }
}

#[apply(on_both_stores)]
async fn another_sites_page_can_not_sign_anybody_in(roster: Roster) {
    roster.write_ada().await;
    let before = roster.table.items().await;
    let own = roster.base.clone();
    for foreign in [
        "https://evil.example".to_owned(),
        "null".to_owned(),
        String::new(),
        own.replace("http:", "https:"),
        format!("{own}.evil.example"),
        format!("{own}/"),
        "http://127.0.0.1".to_owned(),
    ] {
        let call = roster.attempt(by_username()).header("origin", foreign);
        let answer = call.send().await.expect(403);
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    assert_eq!(roster.table.items().await, before);
    roster
        .attempt(by_username())
        .header("origin", own.clone())
        .send()
        .await
        .expect(200);

    let public = roster
        .also(NOW, &[("PublicUrl", "https://a.example.org/prod")])
        .await;
    for (origin, status) in [("https://a.example.org", 200), (own.as_str(), 403)] {
        public
            .attempt(by_username())
            .header("origin", origin)
            .send()
            .await
            .expect(status);
    }
}

#[apply(on_both_stores)]
async fn whatever_cookie_is_sent_the_session_is_a_new_one(roster: Roster) {
    let attacker = roster.person("mallory").await;
    roster.write_ada().await;
    let planted = format!(
        "sessionid={0}; osessionid={0}; csrftoken={1}",
        attacker.session, attacker.csrf
    );
    let mut made = vec![attacker.session.clone()];
    for cookie in [planted.as_str(), "sessionid=x", "sessionid=a; osessionid=b"] {
        let call = roster.attempt(by_username()).header("cookie", cookie);
        let answer = call.send().await.expect(200);
        assert_eq!(answer.body, json!({ "user_id": sample::PERSON }));
        made.push(answer.set_cookies()["sessionid"].0.to_owned());
    }
    let tokens = made
        .iter()
        .map(|cookie| SessionToken::parse(cookie).unwrap());
    let mut parts: Vec<_> = tokens
        .flat_map(|token| [token.session_id.to_string(), token.secret.hash()])
        .collect();
    parts.sort();
    parts.dedup();
    assert_eq!(
        parts.len(),
        2 * made.len(),
        "an id or a secret was used again"
    );
    // The session whose cookie came with the sign-in has ended.
    attacker.get("/users/email").await.expect(401);
}

#[apply(on_both_stores)]
async fn a_session_whose_cookie_comes_along_ends_when_the_password_is_right_and_never_else(
    roster: Roster,
) {
    let ada = roster.ada().await;
    let elsewhere = roster.sign_in("ada", sample::PASSWORD).await;
    let with = |cookie: String, password: &str| {
        let body = json!({ "username": "ada", "password": password });
        roster.attempt(body).header("cookie", cookie).send()
    };
    let own = format!("__Host-sessionid={}", ada.session);
    with(own.clone(), "a wrong password").await.expect(401);
    let foreign = [("cookie", own.as_str()), ("origin", "https://evil.example")];
    let call = foreign
        .into_iter()
        .fold(roster.attempt(by_username()), |call, (name, value)| {
            call.header(name, value)
        });
    call.send().await.expect(403);
    // A request with the session's id, but without its secret, ends nothing.
    let (id, _) = ada.session.rsplit_once('.').unwrap();
    let guessed = format!(
        "sessionid={id}.{}",
        elsewhere.session.rsplit('.').next().unwrap()
    );
    let signed_in = Person::of(&roster, &with(guessed, sample::PASSWORD).await.expect(200));
    ada.get("/users/email").await.expect(200);

    let next = Person::of(&roster, &with(own, sample::PASSWORD).await.expect(200));
    ada.get("/users/email").await.expect(401);
    for other in [&elsewhere, &signed_in, &next] {
        other.get("/users/email").await.expect(200);
    }
    // A sign-in with a password that must be changed is no success.
    roster
        .edit(&ada.id, |user| {
            user.credential.as_mut().unwrap().force_reset = true;
        })
        .await;
    with(format!("sessionid={}", next.session), sample::PASSWORD)
        .await
        .expect(403);
    next.get("/users/email").await.expect(200);
}

#[apply(on_both_stores)]
async fn attempts_are_shown_on_the_user_and_do_not_change_the_profile(roster: Roster) {
    let user = roster.write_ada().await;
    let mut expected = roster.shown(sample::PERSON).await;
    roster
        .login_from("127.0.0.2", "ada", "wrong")
        .await
        .expect(401);
    roster
        .login_from("127.0.0.2", "ada", "wrong")
        .await
        .expect(401);
    for (member, value) in [
        ("failure_count", json!(2)),
        ("sign_in_attempts_count", json!(2)),
        ("sign_in_count", json!(2)),
        ("last_sign_in_attempt", json!(1_700_000_000)),
        ("last_sign_in_attempt_ip", json!("127.0.0.2")),
        ("last_sign_in_ip", json!("127.0.0.2")),
    ] {
        expected[member] = value;
    }
    assert_eq!(roster.shown(sample::PERSON).await, expected);

    let later = roster.later(Duration::from_mins(1)).await;
    later
        .login_from("127.0.0.3", "ada", sample::PASSWORD)
        .await
        .expect(200);
    for (member, value) in [
        ("failure_count", json!(0)),
        ("sign_in_attempts_count", json!(3)),
        ("sign_in_count", json!(3)),
        ("last_sign_in_attempt", json!(1_700_000_060)),
        ("last_sign_in_attempt_ip", json!("127.0.0.3")),
        ("last_sign_in_ip", json!("127.0.0.3")),
        ("sign_in_success_count", json!(1)),
        ("last_sign_in_success", json!(1_700_000_060)),
        ("last_sign_in_success_ip", json!("127.0.0.3")),
        ("last_activity", json!(1_700_000_060)),
    ] {
        expected[member] = value;
    }
    let shown = later
        .send("GET", &format!("/api/users/{}", sample::PERSON))
        .await
        .expect(200);
    assert_eq!(shown.body, expected);
    assert_eq!(expected["last_updated"], user.last_updated().as_unix());
    assert_eq!(shown.version(), user.version().as_u64() + 3);
}

#[apply(on_both_stores)]
async fn where_somebody_is_comes_from_cloudfront_alone_and_only_behind_it(roster: Roster) {
    roster.write_ada().await;
    let behind = roster.also(NOW, &[("BehindCloudFront", "true")]).await;
    let place = |user: &Value| {
        [
            "last_known_city",
            "last_known_region",
            "last_known_country",
            "last_sign_in_attempt_ip",
        ]
        .map(|member| user[member].clone())
    };
    for (roster, seen) in [
        (
            &roster,
            [json!(null), json!(null), json!(null), json!("127.0.0.1")],
        ),
        (
            &behind,
            [
                json!("Zürich"),
                json!("Zurich"),
                json!("Switzerland"),
                json!("203.0.113.9"),
            ],
        ),
    ] {
        let call = roster
            .attempt(by_username())
            .header("cloudfront-viewer-city", "Zürich")
            .header("cloudfront-viewer-country-region-name", "Zurich")
            .header("cloudfront-viewer-country-name", "Switzerland")
            .header("cloudfront-viewer-address", "203.0.113.9:443")
            .header("x-forwarded-for", "203.0.113.8")
            .header("x-real-ip", "203.0.113.8")
            .header("forwarded", "for=203.0.113.8");
        call.send().await.expect(200);
        assert_eq!(place(&roster.shown(sample::PERSON).await), seen);
    }
    // Only a success writes down where the person is.
    let call = behind.attempt(json!({ "username": "ada", "password": "wrong" }));
    let call = call.header("cloudfront-viewer-address", "203.0.113.9:443");
    call.header("cloudfront-viewer-city", "Elsewhere")
        .send()
        .await
        .expect(401);
    assert_eq!(
        roster.shown(sample::PERSON).await["last_known_city"],
        "Zürich"
    );
}

#[apply(on_both_stores)]
async fn behind_cloudfront_the_viewers_address_is_counted_of_ipv6_its_64(roster: Roster) {
    roster.write_ada().await;
    let behind = roster.also(NOW, &[("BehindCloudFront", "true")]).await;
    let login = |address: &'static str, password: &str| {
        let call = behind.attempt(json!({ "username": "ada", "password": password }));
        call.header("cloudfront-viewer-address", address).send()
    };
    for (addresses, others) in [
        (["203.0.113.9:1", "203.0.113.9:2"], "203.0.113.10:1"),
        (
            ["2001:db8:1:2::1:443", "2001:db8:1:2:ffff::1:443"],
            "2001:db8:1:3::1:443",
        ),
    ] {
        for n in 0..5 {
            login(addresses[n % 2], "wrong").await.expect(401);
        }
        for address in addresses {
            login(address, sample::PASSWORD).await.expect(429);
        }
        login(others, sample::PASSWORD).await.expect(200);
    }
    let shown = roster.shown(sample::PERSON).await;
    assert_eq!(shown["last_sign_in_ip"], "2001:db8:1:3::1");
}

#[apply(on_both_stores)]
async fn behind_cloudfront_a_request_past_it_is_refused(roster: Roster) {
    let ada = roster.ada().await;
    let items = roster.table.items().await;
    let behind = roster.also(NOW, &[("BehindCloudFront", "true")]).await;
    for address in [
        "",
        "203.0.113.9",
        "nowhere:443",
        "203.0.113.9:443, 203.0.113.8:443",
    ] {
        let call = behind
            .attempt(by_username())
            .header("cloudfront-viewer-address", address);
        call.send().await.expect(403);
    }
    let answer = behind.attempt(by_username()).send().await.expect(403);
    assert_eq!(
        answer.body["detail"],
        "This service is reached another way."
    );
    ada.at(&behind).get("/users/emails/").await.expect(403);
    behind
        .visit("GET", "/users/email-verify/x/y")
        .send()
        .await
        .expect(403);
    assert_eq!(roster.table.items().await, items);
    // The management API does not need CloudFront's headers.
    behind.send("GET", &ada.path()).await.expect(200);
    let call = ada.at(&behind);
    let call = call
        .request("GET", "/users/emails/")
        .header("cloudfront-viewer-address", "203.0.113.9:1");
    call.send().await.expect(200);
}

#[apply(on_both_stores)]
async fn a_forged_sender_is_never_counted(roster: Roster) {
    roster.write_ada().await;
    for n in 0..5 {
        let call = roster.attempt(json!({ "username": "ada", "password": "wrong" }));
        let call = call.header("x-forwarded-for", format!("203.0.113.{n}"));
        call.send().await.expect(401);
    }
    roster.login("ada", sample::PASSWORD).await.expect(429);
}

#[apply(on_both_stores)]
async fn every_refusal_looks_the_same_and_asks_the_store_the_same(roster: Roster) {
    let ada = sample::person().user;
    let forced = |user: &mut UserFacts| user.credential.as_mut().unwrap().force_reset = true;
    let locked = |user: &mut UserFacts| user.sign_ins.block_until = Some(NOW.plus(LOCK_OUT));
    let right = sample::PASSWORD;
    let cases: [(&str, Change, &str, &str, &str); 15] = [
        ("wrong password", |_| {}, "username", "ada", "wrong"),
        ("no password typed", |_| {}, "username", "ada", ""),
        ("unknown username", |_| {}, "username", "nobody", right),
        (
            "unknown e-mail",
            |_| {},
            "email",
            "nobody@example.org",
            right,
        ),
        (
            "unknown number",
            |_| {},
            "phone_number",
            "+12125552368",
            right,
        ),
        ("no e-mail", |_| {}, "email", "nobody", right),
        ("no number", |_| {}, "phone_number", "12", right),
        ("no username", |_| {}, "username", "a b", right),
        ("nothing", |_| {}, "username", "", right),
        (
            "disabled",
            |user| user.disabled = true,
            "username",
            "ada",
            right,
        ),
        (
            "disabled, wrong",
            |user| user.disabled = true,
            "username",
            "ada",
            "wrong",
        ),
        ("locked", locked, "username", "ada", right),
        ("to be changed, wrong", forced, "username", "ada", "wrong"),
        (
            "without a password",
            |user| user.credential = None,
            "username",
            "ada",
            right,
        ),
        (
            "password untold",
            |user| user.credential.as_mut().unwrap().hash = None,
            "username",
            "ada",
            right,
        ),
    ];
    let mut first: Option<Seen> = None;
    for (what, change, member, identifier, password) in cases {
        roster.table.clear().await;
        let user = sample::changed(ada.clone(), change);
        roster.write(&user).await;
        roster.faults.clear();
        let mut body = json!({ "password": password });
        body[member] = identifier.into();
        let answer = roster.attempt(body).send().await.expect(401);
        let actions = roster
            .faults
            .clear()
            .into_iter()
            .map(|request| request.action);
        let seen = (answer.bare(), actions.collect());
        assert_eq!(first.get_or_insert(seen.clone()), &seen, "{what}");
    }
    let ((headers, body), actions) = first.unwrap();
    let problem: Value = serde_json::from_str(&body).unwrap();
    let detail = "The identifier or the password is not right, or this account can't sign in.";
    assert_eq!(
        problem,
        json!({
            "type": "https://httpstatuses.io/401", "title": "Unauthorized", "status": 401,
            "detail": detail, "instance": "/users/login/", "trace_id": "", "traceId": "",
        })
    );
    assert_eq!(
        actions,
        [["GetItem", "BatchGetItem"].as_slice(), &["UpdateItem"; 5]].concat()
    );
    assert!(headers.iter().all(|(name, _)| name != "set-cookie"));
}

#[apply(on_both_stores)]
async fn a_password_that_must_be_changed_leads_to_a_link_and_not_to_a_session(roster: Roster) {
    roster.write_ada().await;
    let old = roster.sign_in("ada", sample::PASSWORD).await;
    let forced = |user: &mut UserFacts| user.credential.as_mut().unwrap().force_reset = true;
    roster.edit(sample::PERSON, forced).await;
    roster.login("ada", "wrong").await.expect(401);
    assert_eq!(roster.recipients().await, [] as [&str; 0]);

    let answer = roster.login("ada", sample::PASSWORD).await.expect(403);
    assert_eq!(
        answer.problem(),
        json!({
            "type": "https://httpstatuses.io/403", "title": "Forbidden", "status": 403,
            "detail": "The password must be changed first. The primary e-mail address, if there is one, gets a link.",
            "instance": "/users/login/",
        })
    );
    assert!(!answer.headers.contains_key("set-cookie"));
    assert_eq!(sessions(&roster).await, 1);
    let shown = roster.shown(sample::PERSON).await;
    assert_eq!(shown["sign_in_success_count"], 1);
    assert_eq!(
        (&shown["sign_in_attempts_count"], &shown["failure_count"]),
        (&json!(3), &json!(0))
    );

    let link = roster.link_to("ada@example.org").await;
    assert_eq!(roster.recipients().await, ["ada@example.org"]);
    old.get("/users/emails").await.expect(200);
    roster
        .press(&link, "password=a+new+long+password")
        .await
        .expect(200);
    old.get("/users/emails").await.expect(401);
    roster.login("ada", sample::PASSWORD).await.expect(401);
    let new = roster.sign_in("ada", "a new long password").await;
    new.get("/users/emails").await.expect(200);
    assert_eq!(
        roster.shown(sample::PERSON).await["force_password_reset"],
        false
    );
    roster.table.check_invariants().await;
}

#[apply(on_both_stores)]
async fn a_password_that_must_be_changed_is_not_a_secret_to_be_mailed_without_end(roster: Roster) {
    write_forced(&roster).await;
    for _ in 0..7 {
        roster.login("ada", sample::PASSWORD).await.expect(403);
    }
    assert_eq!(roster.recipients().await, ["ada@example.org"; 5]);
    let later = roster.later(Duration::from_hours(1)).await;
    later.login("ada", sample::PASSWORD).await.expect(403);
    assert_eq!(later.recipients().await, ["ada@example.org"; 6]);
}

#[apply(on_both_stores)]
async fn without_a_primary_address_a_password_to_be_changed_is_told_and_nothing_sent(
    roster: Roster,
) {
    let body =
        json!({ "username": "grace", "email": "g@example.org", "password": sample::PASSWORD });
    roster.create(body).await;
    let answer = roster.login("grace", sample::PASSWORD).await.expect(403);
    assert!(!answer.headers.contains_key("set-cookie"));
    assert_eq!(roster.recipients().await, [] as [&str; 0]);
    assert_eq!(sessions(&roster).await, 0);
}

#[apply(on_both_stores)]
async fn an_imported_hash_signs_in_and_becomes_the_directorys_own(roster: Roster) {
    let path = roster
        .create(json!({
            "username": "grace", "password_hash": BCRYPT, "password_hash_algorithm": "b_crypt",
        }))
        .await;
    let stored = || async {
        let user = roster.read(&path).await.unwrap();
        user.password_hash().unwrap().clone().expose().to_owned()
    };
    let before = roster.send("GET", &path).await.body;
    roster.login("grace", "U*V").await.expect(401);
    assert_eq!(stored().await, BCRYPT);
    roster.login("grace", "U*U").await.expect(200);
    let upgraded = stored().await;
    assert!(
        upgraded.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "{upgraded}"
    );
    roster.login("grace", "U*U").await.expect(200);
    roster.login("grace", "U*V").await.expect(401);
    assert_eq!(stored().await, upgraded);
    let after = roster.send("GET", &path).await.body;
    assert_eq!(after["password_updated_at"], before["password_updated_at"]);
    assert_eq!(after["last_updated"], before["last_updated"]);
}

#[apply(on_both_stores)]
async fn an_imported_hash_is_upgraded_where_the_password_must_be_changed_too(roster: Roster) {
    let path = roster
        .create(json!({
            "username": "grace", "password_hash": BCRYPT, "is_temporary_password": true,
        }))
        .await;
    roster.login("grace", "U*U").await.expect(403);
    let hash = roster
        .read(&path)
        .await
        .unwrap()
        .password_hash()
        .unwrap()
        .clone();
    assert!(hash.expose().starts_with("$argon2id$"));
    roster.login("grace", "U*U").await.expect(403);
}

#[apply(on_both_stores)]
async fn a_lost_reply_doubles_neither_counters_nor_sessions(roster: Roster) {
    for (password, status, count) in [(sample::PASSWORD, 200, 6), ("wrong", 401, 7)] {
        let (calm, requests) = left_by_login(&roster, password, status, None).await;
        assert_eq!(requests, count);
        for at in 0..requests {
            let (left, _) = left_by_login(&roster, password, status, Some(at)).await;
            assert_eq!(left, calm, "at {at}");
        }
    }
}

#[apply(on_both_stores)]
async fn a_lost_reply_mails_one_link(roster: Roster) {
    for at in 0..8 {
        roster.table.clear().await;
        write_forced(&roster).await;
        roster.send_notifications().await;
        let sent = roster.outbox.messages().len();
        roster.faults.plan(at, 1, Fault::DropReply);
        roster.login("ada", sample::PASSWORD).await.expect(403);
        roster.faults.clear();
        assert_eq!(roster.recipients().await.len(), sent + 1, "at {at}");
    }
}

#[apply(on_both_stores)]
async fn two_who_sign_in_at_once_are_both_in_and_both_counted(roster: Roster) {
    roster.write_ada().await;
    let answers =
        futures_util::future::join_all((0..4).map(|_| roster.login("ada", sample::PASSWORD)));
    let answers: Vec<Answer> = answers.await;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200; 4]);
    assert_eq!(sessions(&roster).await, 4);
    let shown = roster.shown(sample::PERSON).await;
    assert_eq!(
        (
            &shown["sign_in_attempts_count"],
            &shown["sign_in_success_count"]
        ),
        (&json!(4), &json!(4))
    );
}

#[tokio::test]
async fn a_disabled_user_signs_in_again_once_enabled() {
    let roster = Roster::start().await;
    roster.write_ada().await;
    let path = format!("/api/users/{}", sample::PERSON);
    let act = |verb: &'static str| roster.request("POST", &format!("{path}/{verb}")).send();
    act("disable").await.expect(200);
    roster.login("ada", sample::PASSWORD).await.expect(401);
    act("enable").await.expect(200);
    roster.login("ada", sample::PASSWORD).await.expect(200);
}
