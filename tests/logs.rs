//! What is logged tells of every request, and of nobody.

use serde_json::json;

use crate::harness::{Fault, log};

/// In everything personal that the requests below carry.
const MARK: &str = "m4rk3d";

on_both_stores! {
    async fn every_request_has_its_line_and_nothing_personal_is_in_any(roster: Roster) {
        let mut traces = Vec::new();
        let body = || json!({
            "username": MARK, "email": format!("{MARK}@example.org"), "email_verified": true,
            "password": format!("{MARK} horse battery"), "name": MARK,
        });
        let created = roster.send_json("POST", "/api/users", body()).await.expect(201);
        let path = created.header("location").unwrap().to_owned();
        let again = roster.send_json("POST", "/api/users", body()).await.expect(422);
        traces.push(again.body["trace_id"].as_str().unwrap().to_owned());
        for fault in [Fault::Refuse, Fault::GarbleReply, Fault::BadGateway, Fault::InternalError] {
            roster.faults.plan(0, usize::MAX, fault);
            for (method, path, body) in [
                ("GET", path.clone(), json!({})),
                ("POST", format!("{path}/disable"), json!({})),
                ("PUT", format!("{path}/username"), json!({ "username": format!("{MARK}2") })),
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
            let answer = roster.send_json("POST", "/api/users", bad).await.expect(422);
            traces.push(answer.body["trace_id"].as_str().unwrap().to_owned());
        }
        let answer = roster.send("GET", &format!("/api/users/{MARK}?filter={MARK}")).await;
        traces.push(answer.expect(404).body["trace_id"].as_str().unwrap().to_owned());

        tracing::info!("planted-{}", roster.table.name);
        let logged = log::lines();
        assert!(logged.contains(&format!("planted-{}", roster.table.name)), "nothing is captured");
        for trace in traces {
            assert!(logged.contains(&trace), "no line for {trace}");
        }
        for line in logged.lines() {
            let is_told = line.contains(MARK)
                || line.contains("argon2id$")
                || line.contains("local-admin-key")
                || line.contains(path.rsplit('/').next().unwrap());
            assert!(!is_told, "{line}");
        }
    }
}
