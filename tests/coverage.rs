//! Every documented status of every call can be provoked, and the call answers no other one.

use std::sync::LazyLock;

use crate::harness::person::{let_mail, with_primary};
use domain::{OperationId, User, sample};
use futures_util::future::join_all;
use local::calls::ENDPOINTS;
use local::database::Dynamodb;
use local::generate::openapi::example_path;
use local::generate::sample_session;
use local::samples;
use management::users;
use roster_http::{
    Access, AccountSettings, App, Body, Clock, Endpoint, Entropy, Event, KeyIds, LinkKeys, Method,
};
use serde_json::json;

use crate::harness::{Answer, Call, Fault, NOW, READ_ONLY, Roster, UNKNOWN_ID, root, write_by};

/// A request that the call answers with success, once the samples are there.
fn good<'a>(roster: &'a Roster, endpoint: &Endpoint) -> Call<'a> {
    request(roster, endpoint, &path(endpoint)).body(endpoint.body.example())
}

fn request<'a>(roster: &'a Roster, endpoint: &Endpoint, path: &str) -> Call<'a> {
    let method = endpoint.route().0.as_str();
    match endpoint.access {
        Access::Read | Access::Write => roster.request(method, path),
        Access::SignIn => roster.visit(method, path),
        Access::Link => roster
            .visit(method, path)
            .header("accept", "application/json"),
        Access::Session => sample_session()
            .into_iter()
            .fold(roster.visit(method, path), |call, (name, value)| {
                call.header(&name, value)
            }),
    }
}

/// As [`good`], for a link: sends the form of its page.
async fn press<'a>(roster: &'a Roster, endpoint: &Endpoint) -> Call<'a> {
    let page = roster.open(&path(endpoint)).await;
    let cookies = page.set_cookies();
    let (nonce, _) = cookies["linknonce"];
    roster
        .visit("POST", &path(endpoint))
        .header("cookie", format!("linknonce={nonce}"))
        .header("accept", "application/json")
        .header("content-type", "application/x-www-form-urlencoded")
        .body("password=a+new+long+password")
}

fn path(endpoint: &Endpoint) -> String {
    example_path(endpoint.route().1)
}

/// Leaves the sample person without a primary address.
async fn forget_primary_email(roster: &Roster) {
    let change = |user: &mut User| {
        *user = sample::changed(user.clone(), |user| {
            user.emails = with_primary(&user.emails, None);
        });
        Ok(())
    };
    let id = sample::person().user.id().clone();
    let write = write_by(OperationId::of(&[b"no primary"]), NOW);
    roster.users.edit(&id, &write, change).await.unwrap();
}

/// A service whose throttle refuses every request.
async fn throttled() -> Roster {
    let slow = [
        ("ThrottlingRateLimit", "0.001"),
        ("ThrottlingBurstLimit", "0"),
        ("SelfServiceRateLimit", "0.001"),
        ("SelfServiceBurstLimit", "0"),
    ];
    Roster::with_parameters(&slow).await
}

/// A request that is forbidden, for each kind of caller.
async fn forbidden(roster: &Roster, endpoint: &Endpoint) -> Answer {
    let call = good(roster, endpoint);
    match endpoint.access {
        Access::Write => call.key(Some(READ_ONLY)).send().await,
        Access::Read => {
            let elsewhere = [("AllowedAddresses", "203.0.113.0/24")];
            let roster = Roster::with_parameters(&elsewhere).await;
            good(&roster, endpoint).send().await
        }
        Access::SignIn | Access::Session if *endpoint.route().0 != Method::GET => {
            let foreign = call.header("origin", "https://elsewhere.example");
            foreign.send().await
        }
        _ => {
            let behind = roster.also(NOW, &[("BehindCloudFront", "true")]).await;
            good(&behind, endpoint).send().await
        }
    }
}

/// Provokes one status; `None` where no way to provoke it is written down here.
async fn provoke(roster: &Roster, endpoint: &Endpoint, status: u16) -> Option<Answer> {
    let forever = usize::MAX;
    let answer = match status {
        200 | 201 | 204 => good(roster, endpoint).send().await,
        304 => {
            good(roster, endpoint)
                .header("if-none-match", "\"1\"")
                .send()
                .await
        }
        400 if endpoint.access == Access::Link => {
            let tampered = path(endpoint).replace('.', ".x");
            request(roster, endpoint, &tampered).send().await
        }
        400 if matches!(endpoint.body, Body::Lines { .. }) => {
            good(roster, endpoint).body("[").send().await
        }
        400 => good(roster, endpoint).body("{").send().await,
        401 if endpoint.access == Access::SignIn => {
            let wrong = endpoint.body.example().replace("correct", "wrong");
            good(roster, endpoint).body(wrong).send().await
        }
        401 => {
            let (method, _) = endpoint.route();
            roster
                .visit(method.as_str(), &path(endpoint))
                .body(endpoint.body.example())
                .send()
                .await
        }
        403 => forbidden(roster, endpoint).await,
        404 if endpoint.name == "get_primary_email" => {
            forget_primary_email(roster).await;
            good(roster, endpoint).send().await
        }
        404 if endpoint.access == Access::Session => {
            let unknown = path(endpoint).replace(sample::PENDING_EMAIL, UNKNOWN_ID);
            request(roster, endpoint, &unknown).send().await
        }
        404 => {
            let unknown = path(endpoint)
                .replace(sample::published().id().as_str(), "nobody")
                .replace(sample::GROUP, UNKNOWN_ID);
            request(roster, endpoint, &unknown)
                .body(endpoint.body.example())
                .send()
                .await
        }
        409 if endpoint.access == Access::Link => {
            let call = press(roster, endpoint).await;
            roster.faults.plan(0, forever, Fault::Conflict);
            call.send().await
        }
        409 => {
            roster.faults.plan(0, forever, Fault::Conflict);
            good(roster, endpoint).send().await
        }
        412 => {
            good(roster, endpoint)
                .header("if-match", "\"999\"")
                .send()
                .await
        }
        413 => {
            let padding = "x".repeat(endpoint.body.max_bytes());
            good(roster, endpoint)
                .json(json!({ "padding": padding }))
                .send()
                .await
        }
        422 if matches!(endpoint.name, "create_user" | "create_group") => {
            good(roster, endpoint).body("{}").send().await
        }
        422 => {
            let malformed = path(endpoint)
                .replace(sample::published().id().as_str(), "a%20b")
                .replace(sample::GROUP, "7");
            request(roster, endpoint, &malformed)
                .body(endpoint.body.example())
                .send()
                .await
        }
        429 => {
            let roster = throttled().await;
            good(&roster, endpoint).send().await
        }
        500 => {
            roster.faults.plan(0, forever, Fault::Refuse);
            good(roster, endpoint).send().await
        }
        503 => {
            roster.faults.plan(0, forever, Fault::Throttle);
            good(roster, endpoint).send().await
        }
        _ => return None,
    };
    Some(answer)
}

/// The documented statuses that the call could not be made to answer.
async fn gaps(endpoint: &Endpoint) -> Vec<String> {
    let roster = Roster::start().await;
    let mut gaps = Vec::new();
    for status in [endpoint.statuses, endpoint.shared_statuses()].concat() {
        roster.table.clear().await;
        let user = sample::changed(sample::published(), |user| {
            user.sign_ins.block_until = None;
            let_mail(endpoint.name, user);
        });
        roster.write(&user).await;
        samples::write_sign_ins(&roster.app().table, &user, NOW)
            .await
            .unwrap();
        samples::write_group(&roster.app().table, NOW)
            .await
            .unwrap();
        // Who is in the group already has nothing that could be in the way.
        if endpoint.name != "assign_group" {
            samples::write_membership(&roster.app().table, &user, NOW)
                .await
                .unwrap();
        }
        samples::write_person(&roster.app().table, NOW)
            .await
            .unwrap();
        let answer = provoke(&roster, endpoint, status).await;
        roster.faults.clear();
        if answer.as_ref().map(|answer| answer.status) != Some(status) {
            gaps.push(format!("{} {status}: {answer:?}", endpoint.name));
        }
    }
    gaps
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_documented_status_of_every_call_can_be_provoked() {
    // All calls at once, because most of the time the SDK and the store wait before they try again.
    let gaps = join_all(ENDPOINTS.iter().map(|endpoint| gaps(endpoint))).await;
    let gaps = gaps.concat();
    assert!(gaps.is_empty(), "{gaps:#?}");
}

#[tokio::test]
async fn a_fault_of_the_service_tells_nothing_of_its_inside() {
    let roster = Roster::start().await;
    let path = roster.write(&sample::published()).await;
    for (fault, status) in [(Fault::Refuse, 500), (Fault::InternalError, 503)] {
        roster.faults.plan(0, usize::MAX, fault);
        let answer = roster
            .send("GET", &path)
            .await
            .expect(status)
            .body
            .to_string();
        for inside in ["planned", "Exception", "roster-", "USER#"] {
            assert!(!answer.contains(inside), "{answer}");
        }
    }
}

#[tokio::test]
async fn a_store_that_hangs_is_told_before_the_function_runs_out_of_time() {
    let roster = Roster::start().await;
    let path = roster.write(&sample::published()).await;
    roster.faults.plan(0, usize::MAX, Fault::Hang);
    let answer = roster
        .send("POST", &format!("{path}/enable"))
        .await
        .expect(503);
    assert!(
        answer.body.get("instance").is_some(),
        "the gateway answered: {answer:?}"
    );
}

#[tokio::test]
async fn a_call_that_panics_is_answered_by_the_gateway_and_the_next_one_is_served() {
    static PANICS: Endpoint = Endpoint {
        handler: |_, _| Box::pin(async { panic!("on purpose") }),
        ..users::get_user::ENDPOINT
    };
    static BROKEN: LazyLock<Vec<&Endpoint>> = LazyLock::new(|| {
        let others = ENDPOINTS
            .iter()
            .copied()
            .filter(|endpoint| endpoint.name != PANICS.name);
        others.chain([&PANICS]).collect()
    });
    let roster = Roster::with_endpoints(&BROKEN).await;
    for _ in 0..2 {
        let answer = roster.send("GET", "/api/users/x").await.expect(503);
        assert!(answer.body.get("instance").is_none(), "{answer:?}");
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    roster.create(json!({ "username": "grace" })).await;
}

#[tokio::test]
async fn a_new_users_location_is_below_the_path_that_the_client_sees() {
    let roster = Roster::start().await;
    let app = roster.app();
    let endpoint = &users::create_user::ENDPOINT;
    let event = std::fs::read_to_string(root().join("events/create_user.json")).unwrap();
    let event: Event = serde_json::from_str(&event).unwrap();
    let answer = roster_http::call(&app, endpoint, event.into()).await;
    let location = answer.headers()["location"].to_str().unwrap();
    assert!(location.starts_with("/prod/api/users/"), "{location}");
}

#[tokio::test]
async fn an_event_without_a_key_id_is_unauthorized() {
    for endpoint in ENDPOINTS
        .iter()
        .filter(|endpoint| endpoint.access.needs_key())
    {
        let event = std::fs::read_to_string(root().join(format!("events/{}.json", endpoint.name)));
        let mut event: serde_json::Value = serde_json::from_str(&event.unwrap()).unwrap();
        for no_id in [json!(null), json!("")] {
            event["requestContext"]["identity"]["apiKeyId"] = no_id;
            let event: Event = serde_json::from_value(event.clone()).unwrap();
            let answer = roster_http::call(&unreachable(), endpoint, event.into()).await;
            assert_eq!(answer.status(), 401, "{}", endpoint.name);
        }
    }
}

#[tokio::test]
async fn a_key_that_is_in_no_list_may_not_make_any_call() {
    let events = |endpoint: &Endpoint, id: &str| {
        let event = std::fs::read_to_string(root().join(format!("events/{}.json", endpoint.name)));
        let mut event: serde_json::Value = serde_json::from_str(&event.unwrap()).unwrap();
        event["requestContext"]["identity"]["apiKeyId"] = id.into();
        serde_json::from_value::<Event>(event).unwrap()
    };
    let app = App {
        keys: KeyIds::parse("admin", "reader"),
        ..unreachable()
    };
    for endpoint in ENDPOINTS
        .iter()
        .filter(|endpoint| endpoint.access.needs_key())
    {
        for id in ["unknown", "AdministratorKey", "admin,reader"] {
            let answer = roster_http::call(&app, endpoint, events(endpoint, id).into()).await;
            assert_eq!(answer.status(), 403, "{} {id}", endpoint.name);
        }
        if endpoint.access == Access::Write {
            let answer = roster_http::call(&app, endpoint, events(endpoint, "reader").into()).await;
            assert_eq!(answer.status(), 403, "{}", endpoint.name);
        }
    }
}

#[tokio::test]
async fn further_keys_may_do_what_the_list_says_that_their_ids_are_added_to() {
    let added = [
        ("AdministratorKeyIds", "second,third"),
        ("ReaderKeyIds", "fourth"),
    ];
    let roster = Roster::with_parameters(&added).await;
    let path = roster.write(&sample::published()).await;
    let app = roster.app();
    let enable = &users::enable_user::ENDPOINT;
    for (id, endpoint, status) in [
        ("second", enable, 200),
        ("third", enable, 200),
        ("fourth", enable, 403),
        ("fourth", &users::get_user::ENDPOINT, 200),
        ("fifth", &users::get_user::ENDPOINT, 403),
    ] {
        let event = std::fs::read_to_string(root().join(format!("events/{}.json", endpoint.name)));
        let mut event: serde_json::Value = serde_json::from_str(&event.unwrap()).unwrap();
        event["requestContext"]["identity"]["apiKeyId"] = id.into();
        let event: Event = serde_json::from_value(event).unwrap();
        let answer = roster_http::call(&app, endpoint, event.into()).await;
        assert_eq!(answer.status(), status, "{path} {id}");
    }
}

/// An app without a store: requests that reach it must not ask the store.
fn unreachable() -> App {
    let nowhere = Dynamodb::At("http://127.0.0.1:1".to_owned());
    let settings = nowhere.settings("none");
    App::new(
        store::Table::at(&settings),
        Clock::Fixed(NOW),
        Entropy::seeded(1),
        KeyIds::default(),
        AccountSettings::default(),
        LinkKeys::none(),
    )
}

#[tokio::test]
async fn the_gateways_own_answers_have_no_instance_and_their_own_trace_id() {
    let roster = Roster::start().await;
    for (method, path, key, status) in [
        ("GET", "/api/users/x", None, 401),
        ("GET", "/api/users/x", Some("guessed"), 401),
        ("GET", "/api/nothing", Some(READ_ONLY), 404),
        ("PATCH", "/api/users/x", Some(READ_ONLY), 404),
        ("GET", "/", Some(READ_ONLY), 404),
        ("GET", "/api/users//enable", Some(READ_ONLY), 404),
        ("GET", "/prod/api/users/x", Some(READ_ONLY), 404),
    ] {
        let answer = roster
            .request(method, path)
            .key(key)
            .send()
            .await
            .expect(status);
        assert!(answer.body.get("instance").is_none(), "{answer:?}");
        assert_eq!(answer.body["trace_id"].as_str().unwrap().len(), 36);
        assert_eq!(answer.body["traceId"], answer.body["trace_id"]);
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
}

#[tokio::test]
async fn every_answer_tells_browsers_to_stay_with_https_and_with_the_media_type() {
    let roster = Roster::start().await;
    // With a lock-out, what it shows would change with the time.
    let user = sample::changed(sample::published(), |user| user.sign_ins.block_until = None);
    let path = roster.write(&user).await;
    let ada = roster.ada().await;
    let enable = format!("{path}/enable");
    let version = roster
        .send("GET", &path)
        .await
        .header("etag")
        .unwrap()
        .to_owned();
    for (answer, status, media_type) in [
        (roster.send("GET", &path).await, 200, "application/json"),
        (
            roster
                .request("GET", &path)
                .header("if-none-match", version)
                .send()
                .await,
            304,
            "",
        ),
        (
            roster.send("GET", "/api/users/x").await,
            404,
            "application/problem+json",
        ),
        (
            roster.request("POST", &enable).body("{").send().await,
            400,
            "application/problem+json",
        ),
        (
            roster.open("/users/email-verify/x/y").await,
            400,
            "text/html; charset=utf-8",
        ),
        (ada.get("/users/email/").await, 200, "application/json"),
        (ada.add_email("b@example.org").await, 200, "text/plain"),
        (ada.post("/users/logout", json!({})).await, 204, ""),
        (roster.send("DELETE", &path).await, 204, ""),
    ] {
        let answer = answer.expect(status);
        let transport = answer.header("strict-transport-security");
        assert_eq!(transport, Some("max-age=63072000"), "{answer:?}");
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{answer:?}"
        );
        assert_eq!(
            answer.header("cache-control"),
            Some("no-store"),
            "{answer:?}"
        );
        // API Gateway says JSON where an answer has no media type.
        let media_type = if media_type.is_empty() {
            "application/json"
        } else {
            media_type
        };
        assert_eq!(
            answer.header("content-type"),
            Some(media_type),
            "{answer:?}"
        );
        assert_eq!(
            answer.raw.is_empty(),
            matches!(status, 204 | 304) || media_type == "text/plain"
        );
    }
}

#[tokio::test]
async fn a_throttled_caller_is_told_when_to_come_back() {
    let slow = [
        ("ThrottlingRateLimit", "0.001"),
        ("ThrottlingBurstLimit", "2"),
    ];
    let roster = Roster::with_parameters(&slow).await;
    roster.send("GET", "/api/users/x").await.expect(404);
    roster.send("GET", "/api/users/x").await.expect(404);
    let answer = roster.send("GET", "/api/users/x").await.expect(429);
    assert_eq!(answer.header("retry-after"), Some("1"));
}

#[tokio::test]
async fn the_list_of_addresses_closes_the_management_api_and_not_peoples_own_calls() {
    let elsewhere = [("AllowedAddresses", "203.0.113.0/24")];
    let roster = Roster::with_parameters(&elsewhere).await;
    for path in ["/api/users/x", "/api/nothing"] {
        roster.send("GET", path).await.expect(403);
    }
    roster.write_ada().await;
    let ada = roster.sign_in("ada", sample::PASSWORD).await;
    ada.get("/users/emails/").await.expect(200);
    roster.open("/users/email-verify/x/y").await.expect(400);
}
