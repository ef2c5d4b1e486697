//! The log has every request, and no personal data.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Fault, Roster, log};

/// A mark that all personal data of the requests below contains.
const MARK: &str = "m4rk3d";

/// Whether a line names the user anywhere but in the field `user_id`.
fn names_user(line: &str, path: &str) -> bool {
    let id = path.rsplit('/').next().unwrap();
    line.replace(&format!(r#""user_id":"{id}""#), "")
        .contains(id)
}

#[tokio::test]
async fn writes_and_sign_ins_name_their_user_by_the_opaque_id_and_reads_name_none() {
    // The requests of other tests have other trace ids.
    let roster = Roster::start().await.later(Duration::from_secs(7777)).await;
    let body = json!({
        "username": MARK, "password": "correct horse battery", "is_temporary_password": false,
    });
    let created = roster
        .send_json("POST", "/api/users", body)
        .await
        .expect(201);
    let id = &created.body["user_id"].as_str().unwrap().to_owned();
    let path = format!("/api/users/{id}");
    let person = roster.sign_in(MARK, "correct horse battery").await;
    let answers = [
        (created, true),
        (roster.send("POST", &format!("{path}/disable")).await, true),
        (roster.send("POST", &format!("{path}/enable")).await, true),
        (roster.login(MARK, "wrong").await, true),
        (person.post("/users/logout/", json!({})).await, true),
        (roster.send("GET", &path).await, false),
        (roster.login("unknown", "wrong").await, false),
    ];
    let logged = log::lines();
    let lines: Vec<Value> = logged
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for (answer, is_named) in answers {
        let trace = answer.header("x-amzn-requestid").unwrap();
        let line = lines
            .iter()
            .find(|line| line["trace_id"] == trace && line["status"] == answer.status);
        let named = line.unwrap().get("user_id").and_then(Value::as_str);
        assert_eq!(named, is_named.then_some(id.as_str()), "{answer:?}");
    }
}

#[tokio::test]
async fn every_request_has_its_line_and_nothing_personal_is_in_any() {
    let roster = Roster::start().await;
    let mut traces = Vec::new();
    let body = || {
        json!({
            "username": MARK, "email": format!("{MARK}@example.org"), "email_verified": true,
            "password": format!("{MARK} horse battery"), "name": MARK,
        })
    };
    let created = roster
        .send_json("POST", "/api/users", body())
        .await
        .expect(201);
    let path = created.header("location").unwrap().to_owned();
    let again = roster
        .send_json("POST", "/api/users", body())
        .await
        .expect(422);
    traces.push(again.body["trace_id"].as_str().unwrap().to_owned());
    for fault in [
        Fault::Refuse,
        Fault::GarbleReply,
        Fault::BadGateway,
        Fault::InternalError,
    ] {
        roster.faults.plan(0, usize::MAX, fault);
        for (method, path, body) in [
            ("GET", path.clone(), json!({})),
            ("POST", format!("{path}/disable"), json!({})),
            (
                "PUT",
                format!("{path}/username"),
                json!({ "username": format!("{MARK}2") }),
            ),
        ] {
            let call = roster.request(method, &path).json(body);
            let answer = call.header("idempotency-key", MARK).send().await;
            assert!(answer.status >= 500, "{fault:?}: {answer:?}");
            traces.push(answer.body["trace_id"].as_str().unwrap().to_owned());
        }
    }
    roster.faults.clear();
    for bad in [
        json!({ "email": MARK }),
        json!({ "username": format!("{MARK} {MARK}") }),
        json!({ "password": 7, "name": MARK }),
    ] {
        let answer = roster
            .send_json("POST", "/api/users", bad)
            .await
            .expect(422);
        traces.push(answer.body["trace_id"].as_str().unwrap().to_owned());
    }
    let answer = roster
        .send("GET", &format!("/api/users/{MARK}?filter={MARK}"))
        .await;
    traces.push(
        answer.expect(404).body["trace_id"]
            .as_str()
            .unwrap()
            .to_owned(),
    );

    let planted = format!("planted-{}", roster.table.name);
    tracing::info!("{planted}");
    let logged = log::lines();
    assert!(logged.contains(&planted), "nothing is captured");
    for trace in traces {
        assert!(logged.contains(&trace), "no line for {trace}");
    }
    for line in logged.lines() {
        let told: Value = serde_json::from_str(line).unwrap();
        let time = told["timestamp"].as_str().unwrap();
        let form: String = time
            .chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect();
        assert_eq!(form, "0000-00-00T00:00:00.000Z", "{line}");
        assert!(
            ["INFO", "WARN", "ERROR"].contains(&told["level"].as_str().unwrap()),
            "{line}"
        );
        let is_told = line.contains(MARK)
            || line.contains("argon2id$")
            || line.contains("local-admin-key")
            || names_user(line, &path);
        assert!(!is_told, "{line}");
    }
}

#[tokio::test]
async fn what_people_send_and_get_is_in_no_log() {
    let roster = Roster::start().await;
    let password = format!("{MARK} horse battery");
    let email = format!("{MARK}@example.org");
    let path = roster
        .create(json!({
            "username": MARK, "email": email, "email_verified": true,
            "password": password, "is_temporary_password": false,
        }))
        .await;
    let person = roster.sign_in(MARK, &password).await;
    let new = format!("new-{MARK}@example.org");
    person.change_email(&new, &password).await.expect(200);
    let link = roster.link_to(&new).await;
    let wrong = roster
        .login(MARK, &format!("{MARK} wrong"))
        .await
        .expect(401);
    let tampered = roster.follow(&link.replace('.', ".x")).await.expect(400);
    roster.faults.plan(0, usize::MAX, Fault::Refuse);
    let failed = person.get("/users/emails/").await.expect(500);
    let unsent = roster.follow(&link).await.expect(500);
    roster.faults.clear();
    roster.press(&link, "").await.expect(200);
    let undo = roster.link_to(&email).await;
    roster
        .press(&undo, &format!("password={MARK}+new+horse+battery"))
        .await
        .expect(200);
    roster.outbox.refuse(1, 400, "MessageRejected");
    roster.deliver().await;

    let planted = format!("planted-by-{}", roster.table.name);
    tracing::info!("{planted}");
    let logged = log::lines();
    assert!(logged.contains(&planted), "nothing is captured");
    for answer in [wrong, tampered, failed, unsent] {
        let trace = answer.body["trace_id"].as_str().unwrap();
        assert!(logged.contains(trace), "no line for {trace}");
    }
    let secrets = [
        MARK,
        &person.session,
        &person.csrf,
        link.split('/').nth(3).unwrap(),
        undo.split('/').nth(3).unwrap(),
        "linknonce",
        "@example",
        "127.0.0.1",
    ];
    for line in logged.lines() {
        assert!(
            !secrets.iter().any(|secret| line.contains(secret)) && !names_user(line, &path),
            "{line}"
        );
    }
}

#[tokio::test]
async fn each_line_names_its_request_and_a_refusal_its_reason() {
    let roster = Roster::start().await;
    let body = json!({ "username": MARK, "password": "correct horse battery" });
    roster.create(body).await;
    let wrong = roster.login(MARK, "wrong").await.expect(401);
    let taken = json!({ "username": MARK, "email": "taken@example.org" });
    let taken = roster.send_json("POST", "/api/users", taken).await;
    let absent = roster.send("GET", "/api/users/absent").await;

    let logged = log::lines();
    let lines: Vec<Value> = logged
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let trace = &wrong.body["trace_id"];
    let failed = lines
        .iter()
        .find(|line| line["sign_in"] == "failed" && line["span"]["trace_id"] == *trace);
    assert_eq!(failed.unwrap()["span"]["route"], "login");
    for (answer, reason) in [
        (wrong, "sign_in_refused"),
        (taken.expect(422), "DuplicateUserName"),
        (absent.expect(404), "not_found"),
    ] {
        let trace = &answer.body["trace_id"];
        let mut own = lines.iter().filter(|line| line["trace_id"] == *trace);
        assert!(own.any(|line| line["refused"] == reason), "{reason}");
    }
}
