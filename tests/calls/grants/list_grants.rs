use domain::sample;
use serde_json::json;

use super::KINDS;
use crate::harness::{READ_ONLY, Roster};

#[tokio::test]
async fn a_directory_without_an_oauth_server_answers_empty_lists() {
    let roster = Roster::start().await;
    let path = roster.write(&sample::published()).await;
    for kind in KINDS {
        let query = "client_id=a&clientId=a&session_id=b&sessionId=b&sort=creation_time:-1";
        for query in ["", query] {
            let answer = roster
                .request("GET", &format!("{path}/grants/{kind}?{query}"))
                .key(Some(READ_ONLY))
                .send()
                .await
                .expect(200);
            assert_eq!(answer.body, json!([]));
            let pagination = json!({
                "page_size": 10, "current_page": 1, "total_count": 0,
                "has_previous": false, "has_next": false,
            });
            assert_eq!(answer.pagination(), pagination);
        }
    }
}

#[tokio::test]
async fn a_user_who_is_not_there_has_no_list() {
    let roster = Roster::start().await;
    for kind in KINDS {
        let path = |user: &str| format!("/api/users/{user}/grants/{kind}");
        roster.send("GET", &path("nobody")).await.expect(404);
        let answer = roster.send("GET", &path("a.b")).await.expect(422);
        assert!(answer.body["errors"]["user_id"].is_array(), "{answer:?}");
    }
}

#[tokio::test]
async fn there_are_no_other_kinds() {
    let roster = Roster::start().await;
    let path = roster.write(&sample::published()).await;
    roster
        .send("GET", &format!("{path}/grants/others"))
        .await
        .expect(404);
}
