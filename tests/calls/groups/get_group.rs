use serde_json::json;

use super::UNKNOWN;
use crate::harness::{READ_ONLY, Roster};

#[tokio::test]
async fn a_group_tells_how_many_are_in_it_and_since_when() {
    let roster = Roster::start().await;
    let path = roster.group_named("Staff").await;
    roster.write_counter(&path, 0, 3, 1_700_000_007).await;
    roster.write_counter(&path, 7, -1, 1_700_000_009).await;
    let call = roster.request("GET", &path).key(Some(READ_ONLY));
    let answer = call.send().await.expect(200);
    assert_eq!(answer.body["users_assigned"], 2);
    assert_eq!(answer.body["last_assigned"], 1_700_000_009);
}

#[tokio::test]
async fn an_entity_tag_is_of_the_group_itself_and_makes_no_answer_304() {
    let roster = Roster::start().await;
    let path = roster.group_named("Staff").await;
    let tag = roster.send("GET", &path).await;
    let tag = tag.header("etag").unwrap();
    let call = roster.request("GET", &path).header("if-none-match", tag);
    let answer = call.send().await.expect(200);
    assert_eq!(answer.header("etag"), Some(tag));
}

#[tokio::test]
async fn an_unknown_group_is_not_found_and_a_malformed_id_is_told() {
    let roster = Roster::start().await;
    let answer = roster.send("GET", UNKNOWN).await.expect(404);
    assert_eq!(answer.body["detail"], "There is no such group.");
    for id in ["7", "00000000000040008000000000000000", "a%2Fb"] {
        let path = format!("/api/groups/{id}");
        let answer = roster.send("GET", &path).await.expect(422);
        let message = json!(["must be a UUID, such as 6cec8047-6149-4d9b-8d99-91c83c22a9dc"]);
        assert_eq!(answer.body["errors"]["group_id"], message);
    }
}

#[tokio::test]
async fn an_id_is_the_same_in_either_case() {
    let roster = Roster::start().await;
    let path = roster.group_named("Staff").await;
    let (start, id) = path.rsplit_once('/').unwrap();
    let upper = format!("{start}/{}", id.to_uppercase());
    let answer = roster.send("GET", &upper).await.expect(200);
    assert_eq!(answer.body["group_id"], id);
}

#[tokio::test]
async fn counters_without_their_group_are_no_group() {
    let roster = Roster::start().await;
    roster.write_counter(UNKNOWN, 0, 3, 7).await;
    roster.send("GET", UNKNOWN).await.expect(404);
}
