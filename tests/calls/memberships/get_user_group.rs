use serde_json::json;

use super::NOWHERE;
use crate::harness::{READ_ONLY, Roster};

#[tokio::test]
async fn a_users_place_in_a_group_has_the_groups_present_name() {
    let roster = Roster::start().await;
    let group = roster.group_named("Staff").await;
    let user = roster.create(json!({ "username": "grace" })).await;
    let place = roster.assign(&user, &group).await;
    let renamed = json!({ "name": "Team" });
    roster.send_json("PATCH", &group, renamed).await.expect(200);
    let call = roster.request("GET", &place).key(Some(READ_ONLY));
    assert_eq!(call.send().await.expect(200).body["group_name"], "Team");
}

#[tokio::test]
async fn what_is_not_there_is_told_apart() {
    let roster = Roster::start().await;
    let group = roster.group_named("Staff").await;
    let user = roster.create(json!({ "username": "grace" })).await;
    let places = [
        ("/api/users/nobody", &*group, "user"),
        (&*user, NOWHERE, "group"),
        (&*user, &*group, "user in this group"),
    ];
    roster.tells_what_is_missing("GET", places).await;
}

#[tokio::test]
async fn a_deleted_user_is_in_no_group() {
    let roster = Roster::start().await;
    let group = roster.group_named("Staff").await;
    let user = roster.create(json!({ "username": "grace" })).await;
    let place = roster.assign(&user, &group).await;
    roster.send("DELETE", &user).await.expect(204);
    let answer = roster.send("GET", &place).await.expect(404);
    assert_eq!(answer.body["detail"], "There is no such user.");
}
