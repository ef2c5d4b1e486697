use domain::sample;
use serde_json::json;

use crate::harness::Roster;

const PATHS: [&str; 4] = [
    "/users/email-change/",
    "/users/email-change",
    "/users/email/",
    "/users/email",
];

#[tokio::test]
async fn both_paths_tell_the_primary_address() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    let before = roster.table.items().await;
    for path in PATHS {
        let answer = ada.get(path).await.expect(200);
        assert_eq!(
            answer.body,
            json!({
                "id": "0192d0f0-0000-7000-8000-000000000001", "email": "ada@example.org",
                "verified": true, "primary": true,
            })
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    assert_eq!(roster.table.items().await, before);
}

#[tokio::test]
async fn it_is_told_as_it_was_typed() {
    let roster = Roster::start().await;
    let body = json!({
        "username": "grace", "email": "Grace@Bücher.example", "email_verified": true,
        "password": sample::PASSWORD, "is_temporary_password": false,
    });
    roster.create(body).await;
    let grace = roster.sign_in("grace", sample::PASSWORD).await;
    assert_eq!(
        grace.get("/users/email").await.expect(200).body["email"],
        "Grace@Bücher.example"
    );
}

#[tokio::test]
async fn a_new_primary_address_is_told_once_it_is_confirmed() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.change_email("countess@example.com", sample::PASSWORD)
        .await
        .expect(200);
    assert_eq!(
        ada.get("/users/email").await.body["email"],
        "ada@example.org"
    );
    let link = roster.link_to("countess@example.com").await;
    roster.follow(&link).await.expect(200);
    for path in PATHS {
        let body = ada.get(path).await.expect(200).body;
        assert_eq!(
            (&body["email"], &body["primary"]),
            (&json!("countess@example.com"), &json!(true))
        );
    }
}

#[tokio::test]
async fn without_a_primary_address_it_is_not_found() {
    let roster = Roster::start().await;
    roster
        .create(json!({
            "username": "grace", "email": "grace@example.org",
            "password": sample::PASSWORD, "is_temporary_password": false,
        }))
        .await;
    let grace = roster.sign_in("grace", sample::PASSWORD).await;
    grace.add_email("hopper@example.org").await.expect(200);
    for path in PATHS {
        let answer = grace.get(path).await.expect(404);
        assert_eq!(
            answer.problem(),
            json!({
                "type": "https://httpstatuses.io/404", "title": "Not Found", "status": 404,
                "detail": "There is no such e-mail.", "instance": path,
            })
        );
    }
}

#[tokio::test]
async fn without_a_session_the_address_is_not_told() {
    let roster = Roster::start().await;
    roster.ada().await;
    for path in PATHS {
        roster.visit("GET", path).send().await.expect(401);
        roster.send("GET", path).await.expect(401);
    }
}
