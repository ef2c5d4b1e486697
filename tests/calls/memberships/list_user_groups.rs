use std::time::Duration;

use macro_rules_attribute::apply;
use serde_json::{Value, json};

use crate::harness::{READ_ONLY, Roster};

const SECOND: Duration = Duration::from_secs(1);

#[apply(on_both_stores)]
async fn the_group_that_a_user_was_assigned_to_last_comes_first(roster: Roster) {
    let user = roster.create(json!({ "username": "grace" })).await;
    let mut places = Vec::new();
    for (n, name) in ["b", "c", "a"].into_iter().enumerate() {
        let group = roster.group_named(name).await;
        let then = roster.later(SECOND * u32::try_from(n).unwrap()).await;
        places.push(then.assign(&user, &group).await);
    }
    let list = async |query: &str| {
        let path = format!("{user}/groups?{query}");
        let call = roster.request("GET", &path).key(Some(READ_ONLY));
        call.send().await.expect(200)
    };
    let listed = list("").await;
    assert_eq!(listed.each("group_name"), ["a", "c", "b"]);
    assert_eq!(listed.body[2], roster.send("GET", &places[0]).await.body);
    let up = list("sort=creation_time:1").await;
    assert_eq!(up.each("group_name"), ["b", "c", "a"]);
    let page = list("size=2&page=2").await;
    assert_eq!(page.each("group_name"), ["b"]);
    let pagination = json!({
        "page_size": 2, "current_page": 2, "total_count": 3,
        "has_previous": true, "has_next": false,
    });
    assert_eq!(page.pagination(), pagination);
}

#[tokio::test]
async fn a_group_is_listed_for_its_own_users_under_its_present_name_while_it_is_there() {
    let roster = Roster::start().await;
    let grace = roster.create(json!({ "username": "grace" })).await;
    let ada = roster.create(json!({ "username": "ada" })).await;
    let staff = roster.group_named("Staff").await;
    let customers = roster.group_named("Customers").await;
    roster.assign(&grace, &staff).await;
    roster.assign(&grace, &customers).await;
    roster.assign(&ada, &customers).await;
    let renamed = json!({ "name": "Team" });
    roster.send_json("PATCH", &staff, renamed).await.expect(200);
    roster.send("DELETE", &customers).await.expect(204);
    let list = async |user: &str| {
        let answer = roster.send("GET", &format!("{user}/groups")).await;
        let answer = answer.expect(200);
        let total = answer.pagination()["total_count"].as_u64();
        (answer.each("group_name"), total)
    };
    assert_eq!(list(&grace).await, (vec![json!("Team")], Some(1)));
    assert_eq!(list(&ada).await, (Vec::<Value>::new(), Some(0)));
}

#[tokio::test]
async fn a_user_may_be_in_more_groups_than_one_read_takes() {
    let roster = Roster::start().await;
    let user = roster.create(json!({ "username": "grace" })).await;
    for n in 0..105 {
        let group = roster.group_named(&format!("group {n}")).await;
        roster.assign(&user, &group).await;
    }
    let answer = roster
        .send("GET", &format!("{user}/groups?size=100&page=2"))
        .await;
    let answer = answer.expect(200);
    assert_eq!(answer.body.as_array().unwrap().len(), 5);
    assert_eq!(answer.pagination()["total_count"], 105);
}

#[tokio::test]
async fn a_user_who_is_not_there_has_no_list() {
    let roster = Roster::start().await;
    let path = |user: &str| format!("/api/users/{user}/groups");
    roster.send("GET", &path("nobody")).await.expect(404);
    let answer = roster.send("GET", &path("a.b")).await.expect(422);
    assert!(answer.body["errors"]["user_id"].is_array(), "{answer:?}");
}
