//! `GET /api/events`.

use std::time::Duration;

use macro_rules_attribute::apply;
use serde_json::{Value, json};

use crate::harness::Roster;

/// A page of the log, and the cursor after it.
async fn page(roster: &Roster, query: &str) -> (Vec<Value>, String) {
    let answer = roster
        .send("GET", &format!("/api/events?{query}"))
        .await
        .expect(200);
    let next = answer.header("x-next-cursor").unwrap().to_owned();
    (answer.body.as_array().unwrap().clone(), next)
}

/// Who was changed, and which revision it was.
fn told(events: &[Value]) -> Vec<(String, u64)> {
    let told = |event: &Value| {
        let id = event["user_id"].as_str().unwrap().to_owned();
        (id, event["revision"].as_u64().unwrap())
    };
    events.iter().map(told).collect()
}

#[apply(on_both_stores)]
async fn a_follower_reads_each_event_once_and_misses_none(roster: Roster) {
    let mut users = Vec::new();
    for n in 0..6 {
        users.push(
            roster
                .create(json!({ "username": format!("user{n}") }))
                .await,
        );
    }
    roster.deliver().await;
    let second = roster.later(Duration::from_secs(1)).await;
    for path in &users[..3] {
        second
            .send("POST", &format!("{path}/disable"))
            .await
            .expect(200);
    }
    second.send("DELETE", &users[5]).await.expect(204);
    second.deliver().await;

    let settled = roster.later(Duration::from_mins(2)).await;
    let (mut events, mut cursor) = page(&settled, "size=4").await;
    loop {
        let (more, next) = page(&settled, &format!("size=4&cursor={cursor}")).await;
        if more.is_empty() {
            assert_eq!(next, cursor, "a follower waits where it is");
            break;
        }
        events.extend(more);
        cursor = next;
    }
    let mut wanted: Vec<_> = users
        .iter()
        .map(|path| (path.rsplit('/').next().unwrap().to_owned(), 1))
        .collect();
    wanted.sort();
    let mut later: Vec<_> = [0, 1, 2, 5]
        .map(|n| (users[n].rsplit('/').next().unwrap().to_owned(), 2))
        .into();
    later.sort();
    wanted.extend(later);
    assert_eq!(told(&events), wanted);
    assert!(events.iter().any(|event| event["deleted"] == true));

    // What comes afterwards is after the follower's place.
    settled
        .send("POST", &format!("{}/disable", users[4]))
        .await
        .expect(200);
    settled.deliver().await;
    let (none, cursor) = page(&settled, &format!("cursor={cursor}")).await;
    assert_eq!(none, Vec::<Value>::new());
    let after = settled.later(Duration::from_mins(2)).await;
    let (more, _) = page(&after, &format!("cursor={cursor}")).await;
    assert_eq!(more.len(), 1);
    assert_eq!(more[0]["call"], "disable_user");
}

#[tokio::test]
async fn an_event_is_shown_once_no_other_can_come_before_it() {
    let roster = Roster::start().await;
    roster.create(json!({ "username": "grace" })).await;
    roster.deliver().await;
    let settled = store::Log::SETTLED_AFTER;
    for (age, shown) in [
        (Duration::ZERO, 0),
        (settled, 0),
        (settled + Duration::from_secs(1), 1),
    ] {
        let then = roster.later(age).await;
        assert_eq!(page(&then, "").await.0.len(), shown, "{age:?}");
    }
}

#[tokio::test]
async fn what_is_no_cursor_is_told() {
    let roster = Roster::start().await;
    for query in ["cursor=", "cursor=!", "cursor=YQ", "size=0", "size=101"] {
        let answer = roster
            .send("GET", &format!("/api/events?{query}"))
            .await
            .expect(400);
        let name = query.split('=').next().unwrap();
        assert!(
            answer.body["detail"].as_str().unwrap().contains(name),
            "{answer:?}"
        );
    }
}
