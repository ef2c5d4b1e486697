//! `If-Match`: a write replaces only the version that its caller has seen.

use domain::sample;
use local::calls::ENDPOINTS;
use local::generate::openapi::example_path;
use local::samples;
use macro_rules_attribute::apply;
use roster_http::{Access, Endpoint};
use serde_json::json;

use crate::harness::{NOW, Roster};

/// Every writing call on a user or group, as a request on the samples.
fn writes() -> Vec<(&'static str, String, &'static str)> {
    ENDPOINTS
        .iter()
        .filter(|endpoint| endpoint.access == Access::Write && is_on_one_user(endpoint))
        .filter(|endpoint| endpoint.succeeds())
        .map(|endpoint| {
            let (method, route) = endpoint.route();
            (
                method.as_str(),
                example_path(route),
                endpoint.body.example(),
            )
        })
        .collect()
}

/// Whether there is a version to compare with: not where a call makes users.
fn is_on_one_user(endpoint: &Endpoint) -> bool {
    !matches!(
        endpoint.name,
        "create_user" | "create_group" | "import_users"
    )
}

async fn afresh(roster: &Roster) {
    let user = sample::published();
    let path = format!("/api/users/{}", user.id());
    let _ = roster.send("DELETE", &path).await;
    let group = format!("/api/groups/{}", sample::GROUP);
    let _ = roster.send("DELETE", &group).await;
    roster.write(&user).await;
    let table = &roster.app().table;
    samples::write_sign_ins(table, &user, NOW).await.unwrap();
    samples::write_group(table, NOW).await.unwrap();
    samples::write_membership(table, &user, NOW).await.unwrap();
}

#[apply(on_both_stores)]
async fn a_moved_version_is_refused_and_nothing_written(roster: Roster) {
    afresh(&roster).await;
    let before = roster.table.items().await;
    for (method, path, body) in writes() {
        for tags in ["\"2\"", "W/\"1\"", "\"x\"", "\"01\""] {
            let call = roster.request(method, &path).body(body);
            let answer = call.header("if-match", tags).send().await;
            assert_eq!(answer.status, 412, "{method} {path} {tags}: {answer:?}");
        }
    }
    assert_eq!(roster.table.items().await, before);
}

#[apply(on_both_stores)]
async fn the_present_version_is_replaced(roster: Roster) {
    for (method, path, body) in writes() {
        for tags in ["\"1\"", "\"7\" , \"1\"", "*"] {
            afresh(&roster).await;
            let call = roster.request(method, &path).body(body);
            let answer = call.header("if-match", tags).send().await;
            assert!(answer.status < 300, "{method} {path} {tags}: {answer:?}");
        }
    }
}

#[apply(on_both_stores)]
async fn a_precondition_on_what_is_not_there_is_not_found(roster: Roster) {
    for (method, path, body) in writes() {
        let call = roster.request(method, &path).body(body);
        call.header("if-match", "\"1\"").send().await.expect(404);
    }
}

#[apply(on_both_stores)]
async fn a_malformed_precondition_is_refused(roster: Roster) {
    afresh(&roster).await;
    let before = roster.table.items().await;
    for (method, path, body) in writes() {
        for tags in ["1", "\"1", "", "\"1\" \"2\"", "\u{e9}"] {
            let call = roster.request(method, &path).body(body);
            let answer = call.header("if-match", tags.as_bytes()).send().await;
            assert_eq!(answer.status, 400, "{method} {path} {tags}: {answer:?}");
        }
    }
    assert_eq!(roster.table.items().await, before);
}

#[apply(on_both_stores)]
async fn of_two_who_saw_the_same_version_one_writes(roster: Roster) {
    let path = roster.create(json!({ "username": "grace" })).await;
    let tag = roster
        .send("GET", &path)
        .await
        .header("etag")
        .unwrap()
        .to_owned();
    let disable = || {
        roster
            .request("POST", &format!("{path}/disable"))
            .header("if-match", &*tag)
            .send()
    };
    disable().await.expect(200);
    disable().await.expect(412);
}
