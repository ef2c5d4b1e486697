use domain::{Timestamp, sample};
use insta::assert_json_snapshot;
use macro_rules_attribute::apply;
use serde_json::json;
use tests::examples::{PUBLISHED, assert_contains, user};

use crate::harness::{READ_ONLY, Roster};

#[apply(on_both_stores)]
async fn a_published_example_reads_back_with_every_key_and_value(roster: Roster) {
    for (name, example) in PUBLISHED {
        let path = roster.write(&user(example)).await;
        let answer = roster.send("GET", &path).await.expect(200);
        assert_contains(&answer.body, &serde_json::from_str(example).unwrap(), name);
        roster.send("DELETE", &path).await.expect(204);
    }
}

#[apply(on_both_stores)]
async fn a_user_is_shown_whole_with_its_version_as_entity_tag(roster: Roster) {
    let path = roster.write(&sample::published()).await;
    let answer = roster
        .request("GET", &path)
        .key(Some(READ_ONLY))
        .send()
        .await
        .expect(200);
    assert_eq!(answer.header("etag"), Some("\"1\""));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_json_snapshot!("published_user", answer.body);
}

#[apply(on_both_stores)]
async fn the_last_slash_makes_no_difference(roster: Roster) {
    let path = roster.write(&sample::published()).await;
    let with = roster.send("GET", &format!("{path}/")).await.expect(200);
    let without = roster.send("GET", &path).await.expect(200);
    assert_eq!(with.body, without.body);
}

#[apply(on_both_stores)]
async fn a_caller_with_the_current_version_gets_304(roster: Roster) {
    let path = roster.create(json!({ "username": "grace" })).await;
    for tags in ["\"1\"", "W/\"1\"", "\"7\", \"1\"", "*"] {
        let answer = roster
            .request("GET", &path)
            .header("if-none-match", tags)
            .send()
            .await;
        assert_eq!(answer.expect(304).header("etag"), Some("\"1\""));
    }
    for tags in ["\"2\"", "\"x\""] {
        roster
            .request("GET", &path)
            .header("if-none-match", tags)
            .send()
            .await
            .expect(200);
    }
}

#[apply(on_both_stores)]
async fn a_lock_out_is_never_answered_with_304(roster: Roster) {
    let user = sample::changed(sample::published(), |user| {
        user.sign_ins.block_until = Some(Timestamp::from_unix(1_700_000_001));
    });
    let path = roster.write(&user).await;
    let answer = roster
        .request("GET", &path)
        .header("if-none-match", "\"1\"")
        .send()
        .await;
    assert_eq!(answer.expect(200).body["blocked"], true);
}

#[apply(on_both_stores)]
async fn an_unknown_user_is_not_found(roster: Roster) {
    let answer = roster.send("GET", "/api/users/nobody").await.expect(404);
    assert_json_snapshot!("unknown_user", answer.body);
}

#[apply(on_both_stores)]
async fn ids_are_case_sensitive(roster: Roster) {
    let path = roster.write(&sample::published()).await;
    roster
        .send("GET", &path.replace("UOt", "uot"))
        .await
        .expect(404);
}

#[apply(on_both_stores)]
async fn a_malformed_id_is_named(roster: Roster) {
    let answer = roster.send("GET", "/api/users/a%2Fb").await.expect(422);
    assert_json_snapshot!("malformed_user_id", answer.body);
}

#[apply(on_both_stores)]
async fn a_lock_out_ends_with_its_time(roster: Roster) {
    let user = sample::changed(sample::published(), |user| {
        user.sign_ins.block_until = Some(crate::harness::NOW);
    });
    let path = roster.write(&user).await;
    let answer = roster.send("GET", &path).await.expect(200);
    assert_eq!(answer.body["blocked"], false);
    assert_eq!(answer.body["block_until"], 1_700_000_000);
}
