use domain::session::IDLE_LIFETIME;

use crate::harness::person::Person;
use crate::harness::{READ_ONLY, Roster};

/// The path of a person's own session.
pub(super) fn path(person: &Person<'_>) -> String {
    let id = person.session.split('.').nth(1).unwrap();
    format!("/api/users/{}/sessions/{id}", person.id)
}

#[tokio::test]
async fn a_session_is_shown_as_in_the_list() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    let call = roster.request("GET", &path(&grace)).key(Some(READ_ONLY));
    let one = call.send().await.expect(200);
    let list = format!("/api/users/{}/sessions", grace.id);
    let all = roster.send("GET", &list).await.expect(200);
    assert_eq!(all.body.as_array().unwrap().as_slice(), [one.body]);
}

#[tokio::test]
async fn a_session_that_is_over_or_anothers_is_not_found() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    let other = roster.person("other").await;
    roster
        .later(IDLE_LIFETIME)
        .await
        .send("GET", &path(&grace))
        .await
        .expect(404);
    let anothers = path(&grace).replace(&grace.id, &other.id);
    let answer = roster.send("GET", &anothers).await.expect(404);
    assert_eq!(answer.body["detail"], "There is no such session.");
    let nobodys = path(&grace).replace(&grace.id, "nobody");
    let answer = roster.send("GET", &nobodys).await.expect(404);
    assert_eq!(answer.body["detail"], "There is no such user.");
}

#[tokio::test]
async fn an_id_that_can_be_no_sessions_is_refused_by_name() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    let sessions = format!("/api/users/{}/sessions", grace.id);
    let lower = path(&grace).rsplit('/').next().unwrap().to_lowercase();
    for id in ["x", "ABC", "%00", lower.as_str()] {
        for method in ["GET", "DELETE"] {
            let answer = roster.send(method, &format!("{sessions}/{id}")).await;
            let errors = answer.expect(422).body["errors"].clone();
            assert!(errors["session_id"].is_array(), "{id}: {errors}");
        }
    }
}
