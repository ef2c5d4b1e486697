use domain::sample;
use domain::session::IDLE_LIFETIME;
use futures_util::future::join;
use serde_json::json;

use super::get_session::path;
use crate::harness::{Fault, Roster};

#[tokio::test]
async fn an_ended_session_is_over_at_once_and_the_others_and_the_user_stay() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    let other = roster.sign_in("grace", sample::PASSWORD).await;
    let before = roster.shown(&grace.id).await;
    let answer = roster.send("DELETE", &path(&grace)).await.expect(204);
    assert_eq!(answer.raw, "");
    grace.get("/users/emails/").await.expect(401);
    grace.post("/users/logout", json!({})).await.expect(401);
    other.get("/users/emails/").await.expect(200);
    roster.send("GET", &path(&grace)).await.expect(404);
    assert_eq!(roster.shown(&grace.id).await, before);
}

#[tokio::test]
async fn the_second_time_it_is_not_found() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    roster.send("DELETE", &path(&grace)).await.expect(204);
    let answer = roster.send("DELETE", &path(&grace)).await.expect(404);
    assert_eq!(answer.body["detail"], "There is no such session.");
}

#[tokio::test]
async fn the_repeat_of_a_named_request_finds_that_it_is_done() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    let end = |name: &str| {
        let call = roster.request("DELETE", &path(&grace));
        call.header("idempotency-key", name).send()
    };
    end("a").await.expect(204);
    end("a").await.expect(204);
    end("b").await.expect(404);
    let user = format!("/api/users/{}", grace.id);
    roster.send("DELETE", &user).await.expect(204);
    end("a").await.expect(204);
    end("b").await.expect(404);
}

#[tokio::test]
async fn a_lost_reply_is_not_taken_for_a_session_that_was_not_there() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    for at in [0, 1] {
        let session = roster.sign_in("grace", sample::PASSWORD).await;
        roster.faults.plan(at, 1, Fault::DropReply);
        roster.send("DELETE", &path(&session)).await.expect(204);
        roster.faults.clear();
        session.get("/users/emails/").await.expect(401);
    }
    grace.get("/users/emails/").await.expect(200);
}

#[tokio::test]
async fn a_session_that_is_over_is_not_found() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    let idle = roster.later(IDLE_LIFETIME).await;
    idle.send("DELETE", &path(&grace)).await.expect(404);
    let disable = format!("/api/users/{}/disable", grace.id);
    let body = json!({ "revoke_sessions": true });
    roster.send_json("POST", &disable, body).await.expect(200);
    roster.send("DELETE", &path(&grace)).await.expect(404);
}

#[tokio::test]
async fn of_two_at_once_one_ends_it_and_the_other_finds_none() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    let end = async || roster.send("DELETE", &path(&grace)).await.status;
    let (one, other) = join(end(), end()).await;
    let mut statuses = [one, other];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 404]);
}

#[tokio::test]
async fn a_version_that_has_moved_ends_no_session() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    let shown = roster
        .send("GET", &format!("/api/users/{}", grace.id))
        .await;
    let tag = shown.header("etag").unwrap().to_owned();
    let end = |tag: &str| {
        let call = roster.request("DELETE", &path(&grace));
        call.header("if-match", tag).send()
    };
    end("\"999\"").await.expect(412);
    // Signing in moves it.
    roster.login("grace", sample::PASSWORD).await.expect(200);
    end(&tag).await.expect(412);
    grace.get("/users/emails/").await.expect(200);
    end("*").await.expect(204);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_moves_while_the_session_is_ended_ends_none_either() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    let shown = roster
        .send("GET", &format!("/api/users/{}", grace.id))
        .await;
    let end = roster
        .request("DELETE", &path(&grace))
        .header("if-match", shown.header("etag").unwrap());
    // Held between the look at the user and the transaction.
    roster.faults.plan(1, 1, Fault::Pause);
    let meanwhile = async {
        roster.faults.wait_for_a_held_request().await;
        roster.login("grace", sample::PASSWORD).await.expect(200);
        roster.faults.clear();
    };
    let (answer, ()) = join(end.send(), meanwhile).await;
    answer.expect(412);
    grace.get("/users/emails/").await.expect(200);
}
