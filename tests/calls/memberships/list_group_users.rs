use std::time::Duration;

use macro_rules_attribute::apply;
use serde_json::{Value, json};

use crate::calls::groups::UNKNOWN;
use crate::harness::{Answer, READ_ONLY, Roster};

const SECOND: Duration = Duration::from_secs(1);

/// Where the users of a group are listed.
fn assigned(group: &str) -> String {
    let id = group.rsplit('/').next().unwrap();
    format!("/api/users/groups/{id}/assigned")
}

async fn list(roster: &Roster, group: &str, query: &str) -> Answer {
    let path = format!("{}?{query}", assigned(group));
    let call = roster.request("GET", &path).key(Some(READ_ONLY));
    call.send().await
}

/// A group of users who were created one after the other, and assigned in another order.
async fn team(roster: &Roster, count: u32) -> (String, Vec<String>) {
    let group = roster.group_named("Team").await;
    let mut users = Vec::new();
    for n in 0..count {
        let then = roster.later(SECOND * n).await;
        let body =
            json!({ "username": format!("user{n}"), "email": format!("user{n}@example.org") });
        users.push(then.create(body).await);
    }
    for user in users.iter().rev() {
        roster.assign(user, &group).await;
    }
    (group, users)
}

fn names(answer: &Answer) -> Vec<String> {
    let users = answer.body.as_array().unwrap().iter();
    let names = users.map(|user| user["username"]["username"].as_str().unwrap().to_owned());
    names.collect()
}

#[apply(on_both_stores)]
async fn the_users_of_a_group_come_in_the_order_of_their_creation(roster: Roster) {
    let (group, users) = team(&roster, 5).await;
    roster.create(json!({ "username": "outsider" })).await;
    roster.deliver().await;
    let all = list(&roster, &group, "").await.expect(200);
    assert_eq!(names(&all), ["user0", "user1", "user2", "user3", "user4"]);
    assert_eq!(all.pagination()["total_count"], 5);
    assert!(all.body[0].get("private_data").is_none());
    let down = list(&roster, &group, "sort=creation_time:-1&size=2")
        .await
        .expect(200);
    assert_eq!(names(&down), ["user4", "user3"]);
    let cursor = down.header("x-next-cursor").unwrap();
    let query = format!("sort=creation_time:-1&size=2&cursor={cursor}");
    let next = list(&roster, &group, &query).await.expect(200);
    assert_eq!(names(&next), ["user2", "user1"]);
    let second = list(&roster, &group, "size=2&page=2").await.expect(200);
    assert_eq!(names(&second), ["user2", "user3"]);

    roster.send("DELETE", &users[1]).await.expect(204);
    let id = group.rsplit('/').next().unwrap();
    roster
        .send("DELETE", &format!("{}/groups/{id}", users[2]))
        .await
        .expect(204);
    let left = list(&roster, &group, "").await.expect(200);
    assert_eq!(names(&left), ["user0", "user3", "user4"]);
}

#[tokio::test]
async fn a_filter_and_another_order_are_of_the_group_alone() {
    let roster = Roster::start().await;
    let (group, users) = team(&roster, 4).await;
    roster
        .create(json!({ "username": "user9", "email": "user9@example.org" }))
        .await;
    roster
        .send("POST", &format!("{}/disable", users[2]))
        .await
        .expect(200);
    for (query, found) in [
        ("filter=user", vec!["user0", "user1", "user2", "user3"]),
        ("filter=username:user1", vec!["user1"]),
        ("filter=username:user9", vec![]),
        ("filter=disabled:true", vec!["user2"]),
        (
            "filter=domain:example.org%20AND%20disabled:false",
            vec!["user0", "user1", "user3"],
        ),
        ("sort=last_updated:-1&size=1", vec!["user3"]),
    ] {
        let answer = list(&roster, &group, query).await.expect(200);
        assert_eq!(names(&answer), found, "{query}");
    }
    let bad = list(&roster, &group, "filter=a%20OR%20b").await.expect(400);
    assert!(
        bad.body["detail"].as_str().unwrap().contains("filter"),
        "{bad:?}"
    );
}

#[tokio::test]
async fn a_cursor_of_another_groups_list_is_refused() {
    let roster = Roster::start().await;
    let (group, _) = team(&roster, 3).await;
    let other = roster.group_named("Other").await;
    let page = list(&roster, &group, "size=1").await.expect(200);
    let cursor = page.header("x-next-cursor").unwrap();
    let refused = list(&roster, &other, &format!("size=1&cursor={cursor}")).await;
    assert!(
        refused.expect(400).body["detail"]
            .as_str()
            .unwrap()
            .contains("cursor")
    );
}

#[tokio::test]
async fn a_group_that_is_not_there_has_no_list_and_an_empty_one_has_an_empty_list() {
    let roster = Roster::start().await;
    list(&roster, UNKNOWN, "").await.expect(404);
    list(&roster, "/api/groups/x", "").await.expect(422);
    let empty = roster.group_named("Empty").await;
    let answer = list(&roster, &empty, "").await.expect(200);
    assert_eq!(answer.body, Value::Array(Vec::new()));
    assert_eq!(answer.pagination()["total_count"], 0);
}
