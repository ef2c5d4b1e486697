use std::slice::from_ref;
use std::time::Duration;

use domain::{Timestamp, sample};
use insta::assert_json_snapshot;
use lambda_http::RequestExt as _;
use lambda_http::lambda_runtime::Context;
use macro_rules_attribute::apply;
use management::users::import_users::ENDPOINT;
use roster_http::{Clock, Event};
use serde_json::{Value, json};
use tests::examples::{PUBLISHED, assert_contains};

use crate::harness::{Answer, BCRYPT, Fault, NOW, Roster, root};

const PATH: &str = "/api/users/import";
const DRY_RUN: &str = "/api/users/import?dry_run=true";

/// Sends lines, and returns what became of each.
async fn import(roster: &Roster, lines: &[Value]) -> Answer {
    send(roster, PATH, &ndjson(lines)).await
}

fn ndjson(lines: &[Value]) -> String {
    let lines: Vec<_> = lines.iter().map(Value::to_string).collect();
    lines.join("\n")
}

async fn send(roster: &Roster, path: &str, body: &str) -> Answer {
    let call = roster.request("POST", path);
    let call = call.header("content-type", "application/x-ndjson");
    call.body(body).send().await.expect(200)
}

fn statuses(answer: &Answer) -> Vec<u64> {
    let each = answer.each("status");
    each.iter().map(|status| status.as_u64().unwrap()).collect()
}

/// The codes of the broken rules of a line.
fn codes(line: &Value) -> Vec<&str> {
    let errors = line["errors"].as_array();
    let errors = errors.unwrap_or_else(|| panic!("no identity errors: {line}"));
    errors
        .iter()
        .map(|error| error["code"].as_str().unwrap())
        .collect()
}

/// A line with this id, and a username that is the same.
fn line(id: &str) -> Value {
    json!({ "user_id": id, "username": { "username": id } })
}

async fn shown(roster: &Roster, id: &str) -> Value {
    let path = format!("/api/users/{id}");
    roster.send("GET", &path).await.expect(200).body
}

#[apply(on_both_stores)]
async fn a_published_example_is_imported_and_reads_back_with_every_key_and_value(roster: Roster) {
    for (name, example) in PUBLISHED {
        let example: Value = serde_json::from_str(example).unwrap();
        let answer = import(&roster, from_ref(&example)).await;
        let id = example["user_id"].as_str().unwrap();
        let done = json!([{ "line": 1, "status": 201, "user_id": id }]);
        assert_eq!(answer.body, done, "{name}");
        assert_contains(&shown(&roster, id).await, &example, name);
        roster.table.check_invariants().await;
        roster
            .send("DELETE", &format!("/api/users/{id}"))
            .await
            .expect(204);
    }
}

#[apply(on_both_stores)]
async fn whoever_get_answers_is_imported_and_reads_back_the_same(roster: Roster) {
    let mut locked = sample::published();
    locked = sample::changed(locked, |user| {
        user.disabled = false;
        user.sign_ins.block_until = Some(Timestamp::from_unix(NOW.as_unix() + 60));
    });
    let primary = sample::changed(sample::person().user, |user| {
        // Hers is reserved for stories, which no directory takes.
        user.phones = sample::published().phones().clone();
    });
    for user in [locked, primary] {
        let path = roster.write(&user).await;
        let before = roster.send("GET", &path).await.expect(200);
        roster.send("DELETE", &path).await.expect(204);
        let answer = import(&roster, from_ref(&before.body)).await;
        assert_eq!(statuses(&answer), [201]);
        let after = roster.send("GET", &path).await.expect(200);
        assert_eq!(after.body, before.body);
        assert_eq!(after.header("etag"), Some("\"1\""));
        roster.table.check_invariants().await;
        roster.send("DELETE", &path).await.expect(204);
    }
}

#[apply(on_both_stores)]
async fn the_same_line_is_found_and_changes_nothing_whatever_happened_since(roster: Roster) {
    let grace = line("grace");
    assert_eq!(statuses(&import(&roster, from_ref(&grace)).await), [201]);
    roster
        .send("POST", "/api/users/grace/disable")
        .await
        .expect(200);
    let other = json!({ "username": "hopper" });
    roster
        .send_json("PUT", "/api/users/grace/username", other)
        .await
        .expect(200);
    let before = roster.table.items().await;
    let spaced = serde_json::to_string_pretty(&[&grace]).unwrap();
    for body in [ndjson(from_ref(&grace)), spaced] {
        let answer = send(&roster, PATH, &body).await;
        let found = json!([{ "line": 1, "status": 200, "user_id": "grace" }]);
        assert_eq!(answer.body, found);
    }
    assert_eq!(roster.table.items().await, before);
}

#[apply(on_both_stores)]
async fn another_line_with_the_id_of_a_user_is_refused(roster: Roster) {
    let path = roster.create(json!({ "username": "made" })).await;
    let made = path.rsplit('/').next().unwrap();
    import(&roster, &[line("grace")]).await;
    let before = roster.table.items().await;
    let mut other = line("grace");
    other["disabled"] = true.into();
    let answer = import(&roster, &[other, line(made)]).await;
    assert_eq!(statuses(&answer), [409, 409]);
    assert_json_snapshot!("another_line", answer.body[0]);
    assert_eq!(roster.table.items().await, before);
}

#[apply(on_both_stores)]
async fn identifiers_of_others_are_refused_and_the_others_lines_are_imported(roster: Roster) {
    roster.write(&sample::published()).await;
    let mut taken = line("ＵserName");
    taken["user_id"] = "grace".into();
    taken["emails"] = json!([{ "email": "USER@EXAMPLE.COM" }, { "email": "free@example.org" }]);
    taken["phone_numbers"] = json!([{ "phone": "+44 151 496 0453" }]);
    let answer = import(&roster, &[line("ada"), taken, line("joan")]).await;
    assert_eq!(statuses(&answer), [201, 422, 201]);
    let all = [
        "DuplicateEmail",
        "DuplicatePhoneNumber",
        "DuplicateUserName",
    ];
    assert_eq!(codes(&answer.body[1]), all);
    roster.send("GET", "/api/users/grace").await.expect(404);
    roster.create(json!({ "email": "free@example.org" })).await;
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn a_bad_line_among_good_ones_loses_nothing_else() {
    let roster = Roster::start().await;
    let mut wrong_type = line("b");
    wrong_type["disabled"] = "hunter2".into();
    let no_name = json!({ "user_id": "c" });
    let reserved = line("import");
    let mut hash = line("d");
    hash["password_hash"] = "hunter2".into();
    let bad = [wrong_type, no_name, reserved, hash].map(|line| line.to_string());
    let body = [
        line("a").to_string(),
        "{\"user_id\":\"hunter2\",".to_owned(),
        String::new(),
        "[]".to_owned(),
        bad.join("\n"),
        line("e").to_string(),
    ];
    let answer = send(&roster, PATH, &body.join("\r\n")).await;
    assert_json_snapshot!("bad_lines", answer.body);
    assert!(!answer.raw.contains("hunter2"));
    for (id, status) in [("a", 200), ("b", 404), ("c", 404), ("d", 404), ("e", 200)] {
        roster
            .send("GET", &format!("/api/users/{id}"))
            .await
            .expect(status);
    }
    roster.table.check_invariants().await;
}

#[apply(on_both_stores)]
async fn of_lines_that_are_in_each_others_way_the_first_one_is_imported(roster: Roster) {
    let mut same_id = line("a");
    same_id["disabled"] = true.into();
    let mut same_name = line("b");
    same_name["username"] = json!({ "username": "A" });
    let lines = [line("a"), line("a"), same_id, same_name, line("c")];
    let wanted = [201, 200, 409, 422, 201];
    let dry = send(&roster, DRY_RUN, &ndjson(&lines)).await;
    assert_eq!(statuses(&dry), wanted);
    assert!(roster.table.items().await.is_empty());
    let answer = import(&roster, &lines).await;
    assert_eq!(answer.body, dry.body);
    assert_eq!(codes(&answer.body[3]), ["DuplicateUserName"]);
    assert_eq!(shown(&roster, "a").await["disabled"], false);
}

#[apply(on_both_stores)]
async fn a_dry_run_says_what_would_become_of_each_line_and_writes_nothing(roster: Roster) {
    roster.write(&sample::published()).await;
    import(&roster, &[line("grace")]).await;
    let before = roster.table.items().await;
    let mut other = line("grace");
    other["disabled"] = true.into();
    let mut taken = line("ada");
    taken["emails"] = json!([{ "email": "user@example.com" }]);
    let lines = [
        line("grace"),
        other,
        taken,
        json!({ "user_id": "joan" }),
        line("new"),
    ];
    let dry = send(&roster, DRY_RUN, &ndjson(&lines)).await;
    assert_eq!(statuses(&dry), [200, 409, 422, 422, 201]);
    assert_eq!(roster.table.items().await, before);
    assert_eq!(import(&roster, &lines).await.body, dry.body);
    for query in ["dry_run=1", "dry_run=", "dry_run=true&dry_run=true"] {
        let path = format!("{PATH}?{query}");
        roster.send_json("POST", &path, line("x")).await.expect(400);
    }
}

#[tokio::test]
async fn one_object_an_array_and_lines_of_any_media_type_are_read() {
    let roster = Roster::start().await;
    let pretty = |id| serde_json::to_string_pretty(&line(id)).unwrap();
    for (media_type, body, results) in [
        ("application/json", pretty("a"), 1),
        (
            "application/json",
            format!("[{},\n{}]", pretty("b"), pretty("c")),
            2,
        ),
        ("application/x-ndjson", ndjson(&[line("d"), line("e")]), 2),
        ("text/plain", format!("\u{feff}{}", line("f")), 1),
        ("application/json", "[]".to_owned(), 0),
        ("application/json", String::new(), 0),
    ] {
        let call = roster
            .request("POST", PATH)
            .header("content-type", media_type);
        let answer = call.body(body.clone()).send().await.expect(200);
        assert_eq!(statuses(&answer), vec![201; results], "{body}");
    }
    for body in ["[", "[{}", "[{},]", "[]x"] {
        let answer = roster.request("POST", PATH).body(body).send().await;
        answer.expect(400);
    }
}

#[tokio::test]
async fn a_body_has_at_most_4_mb_and_10_000_lines() {
    let roster = Roster::start().await;
    let line = line("grace").to_string();
    let padding = " ".repeat(4 * 1024 * 1024 - line.len());
    let answer = send(&roster, PATH, &format!("{padding}{line}")).await;
    assert_eq!(statuses(&answer), [201]);
    for body in [format!("{padding} {line}"), "{}\n".repeat(10_001)] {
        let answer = roster.request("POST", PATH).body(body).send().await;
        assert!(answer.expect(413).body["instance"].is_string());
    }
}

#[tokio::test]
async fn an_answer_has_room_for_10_000_lines_whatever_is_wrong_with_them() {
    let roster = Roster::start().await;
    let wrong = json!({
        "user_id": "x".repeat(64), "username": { "username": "@" }, "emails": [{ "email": "x" }],
        "phone_numbers": [{ "phone": "1" }], "password_hash": "x",
    });
    let answer = send(&roster, PATH, &format!("{wrong}\n\n").repeat(10_000)).await;
    assert_eq!(statuses(&answer), vec![422; 10_000]);
    let in_lambdas_event = serde_json::to_string(&answer.raw).unwrap();
    assert!(
        in_lambdas_event.len() < 6 * 1000 * 1000,
        "{}",
        in_lambdas_event.len()
    );
    let lines = answer.body.as_array().unwrap();
    let (first, last) = (&lines[0], &lines[9_999]);
    assert_eq!(codes(first).len(), 4);
    assert_eq!(
        (&last["line"], &last["type"]),
        (&json!(19_999), &first["type"])
    );
    assert_eq!(last["errors"], Value::Null);
}

#[tokio::test]
async fn a_user_over_the_stores_limit_is_refused() {
    let roster = Roster::start().await;
    let mut large = line("large");
    let claims = json!({ "x": "x".repeat(64_000) });
    let provider = json!({ "authenticator": "google", "provider_user_id": "1", "claims": claims });
    large["external_providers"] = vec![provider; 7].into();
    let answer = import(&roster, &[large, line("a")]).await;
    assert_eq!(statuses(&answer), [422, 201]);
    assert_eq!(codes(&answer.body[0]), ["UserTooLarge"]);
    roster.table.check_invariants().await;
}

#[apply(on_both_stores)]
async fn a_line_without_an_id_gets_one_and_finds_itself_again(roster: Roster) {
    let nameless = json!({ "username": { "username": "grace" } });
    let answer = import(&roster, from_ref(&nameless)).await;
    assert_eq!(statuses(&answer), [201]);
    let id = answer.body[0]["user_id"].as_str().unwrap();
    assert_eq!(id.len(), 21);
    assert_eq!(shown(&roster, id).await["username"]["username"], "grace");
    let again = import(&roster, &[json!({}), nameless]).await;
    let found = json!({ "line": 2, "status": 200, "user_id": id });
    assert_eq!(again.body[1], found);
}

#[apply(on_both_stores)]
async fn a_named_import_that_is_repeated_late_brings_no_deleted_user_back(roster: Roster) {
    let named = || {
        let call = roster.request("POST", PATH).header("idempotency-key", "k");
        call.body(ndjson(&[line("a"), line("b")])).send()
    };
    let first = named().await.expect(200);
    assert_eq!(statuses(&first), [201, 201]);
    // A repeat answers what the first attempt did.
    assert_eq!(named().await.expect(200).body, first.body);
    roster.send("DELETE", "/api/users/a").await.expect(204);
    assert_eq!(statuses(&named().await), [409, 201]);
    // Without the name it is a new import.
    let anew = import(&roster, &[line("a"), line("b")]).await;
    assert_eq!(statuses(&anew), [201, 200]);
}

#[apply(on_both_stores)]
async fn nothing_of_a_deleted_user_fits_one_who_is_imported_under_the_same_id(roster: Roster) {
    let ada = roster.ada().await;
    ada.add_email("countess@example.com").await.expect(200);
    let mailed = roster.link_to("countess@example.com").await;
    let path = format!("/api/users/{}", ada.id);
    let mut line = roster.send("GET", &path).await.expect(200).body;
    let hash = roster
        .read(&path)
        .await
        .unwrap()
        .password_hash()
        .unwrap()
        .clone();
    line["password_hash"] = hash.expose().into();
    // It is reserved for stories, which no directory takes.
    line["phone_numbers"] = json!([]);
    roster.send("DELETE", &path).await.expect(204);
    let later = roster.later(Duration::from_secs(1)).await;
    assert_eq!(statuses(&import(&later, &[line]).await), [201]);
    let old = ada.at(&later);
    old.get("/users/emails/").await.expect(401);
    let again = later.sign_in("ada", sample::PASSWORD).await;
    again.get("/users/emails/").await.expect(200);
    later.follow(&mailed).await.expect(400);
    assert_eq!(again.listed().await.len(), 2);
}

#[tokio::test]
async fn lines_for_which_there_is_no_time_are_told_to_come_again() {
    let roster = Roster::start().await;
    let app = roster.app_of(ENDPOINT.name);
    let lines: Vec<_> = (0..40).map(|n| line(&format!("user{n}"))).collect();
    let event = std::fs::read_to_string(root().join("events/import_users.json")).unwrap();
    let mut event: Value = serde_json::from_str(&event).unwrap();
    event["body"] = ndjson(&lines).into();
    event["isBase64Encoded"] = false.into();
    let event: Event = serde_json::from_value(event).unwrap();
    let mut context = Context::default();
    let soon = Clock::System.now().as_unix() + 3;
    context.deadline = 1000 * u64::try_from(soon).unwrap();
    let request = lambda_http::Request::from(event).with_lambda_context(context);
    roster.faults.plan(16, usize::MAX, Fault::Hang);
    let answer = roster_http::call(&app, &ENDPOINT, request).await;
    roster.faults.clear();
    assert_eq!(answer.status(), 200);
    let body: Value = serde_json::from_slice(answer.body()).unwrap();
    let of_status = |status: u16| {
        let results = body.as_array().unwrap().iter();
        results.filter(|result| result["status"] == status).count()
    };
    assert_eq!((of_status(201), of_status(503)), (16, 24), "{body}");
    let again = import(&roster, &lines).await;
    assert!(
        statuses(&again)
            .iter()
            .all(|status| matches!(status, 200 | 201))
    );
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn a_fault_at_every_line_is_the_answer_and_at_some_lines_it_is_theirs() {
    let roster = Roster::start().await;
    let lines = [line("a"), line("b"), json!({})];
    roster.faults.plan(0, usize::MAX, Fault::Refuse);
    let call = roster.request("POST", PATH).body(ndjson(&lines[..2]));
    call.send().await.expect(500);
    assert_eq!(statuses(&import(&roster, &lines).await), [500, 500, 422]);
    roster.faults.clear();
    assert_eq!(statuses(&import(&roster, &lines).await), [201, 201, 422]);
}

#[tokio::test]
async fn a_password_comes_with_its_hash_and_is_known_without_it() {
    let roster = Roster::start().await;
    let mut with = line("with");
    with["password_hash"] = BCRYPT.into();
    with["password_hash_algorithm"] = "bcrypt".into();
    let mut without = line("without");
    without["has_password"] = true.into();
    without["password_updated_at"] = 1_640_975_400.into();
    assert_eq!(
        statuses(&import(&roster, &[with, without]).await),
        [201, 201]
    );
    for (id, updated_at) in [("with", NOW.as_unix()), ("without", 1_640_975_400)] {
        let user = shown(&roster, id).await;
        assert_eq!(user["has_password"], true);
        assert_eq!(user["password_updated_at"], updated_at);
        assert!(!user.to_string().contains("$2b$"));
    }
    roster
        .login("without", "correct horse battery")
        .await
        .expect(401);
}
