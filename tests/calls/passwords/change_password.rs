use domain::sample;
use macro_rules_attribute::apply;
use serde_json::{Value, json};

use crate::harness::{Answer, BCRYPT, Fault, NOW, Roster};

const NEW: &str = "staple battery horse";

async fn change(roster: &Roster, path: &str, body: Value) -> Answer {
    roster
        .send_json("PUT", &format!("{path}/password/change"), body)
        .await
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it_and_is_not_temporary() {
    let roster = Roster::start().await;
    let body = json!({ "username": "grace", "password": sample::PASSWORD });
    let path = roster.create(body).await;
    let before = roster.read(&path).await.unwrap();
    let body = json!({ "old_password": sample::PASSWORD, "new_password": NEW });
    let answer = change(&roster, &path, body).await.expect(200);
    assert_eq!(answer.body["force_password_reset"], false);
    assert_eq!(answer.body["password_updated_at"], NOW.as_unix());
    assert_eq!(answer.version(), 2);
    let after = roster.read(&path).await.unwrap();
    assert!(after.email_generation() > before.email_generation());
    assert_eq!(after.session_epoch(), before.session_epoch());
    roster.login("grace", sample::PASSWORD).await.expect(401);
    roster.login("grace", NEW).await.expect(200);
}

#[tokio::test]
async fn a_wrong_password_is_a_mismatch_and_no_password_too() {
    let roster = Roster::start().await;
    let body = json!({ "username": "grace", "password": sample::PASSWORD });
    let grace = roster.create(body).await;
    let none = roster.create(json!({ "username": "hopper" })).await;
    let before = roster.table.items().await;
    for path in [&grace, &none] {
        let body = json!({ "old_password": "wrong", "new_password": NEW });
        let answer = change(&roster, path, body).await.expect(422);
        assert_eq!(answer.codes(), ["PasswordMismatch"]);
        assert_eq!(answer.body["errors"][0]["field"], "old_password");
    }
    assert_eq!(roster.table.items().await, before, "nothing is counted");
}

#[tokio::test]
async fn a_new_password_comes_as_text_or_as_hash_and_is_named() {
    let roster = Roster::start().await;
    let body = json!({ "username": "gracehopper", "password": sample::PASSWORD });
    let path = roster.create(body).await;
    let old = sample::PASSWORD;
    for (body, member) in [
        (json!({ "new_password": NEW }), "old_password"),
        (json!({ "old_password": old }), "new_password"),
        (
            json!({ "old_password": old, "new_password": NEW, "new_password_hash": BCRYPT }),
            "new_password_hash",
        ),
        (
            json!({ "old_password": old, "new_password": [NEW] }),
            "new_password",
        ),
    ] {
        let answer = change(&roster, &path, body).await.expect(422);
        let named: Vec<_> = answer.body["errors"].as_object().unwrap().keys().collect();
        assert_eq!(named, [member]);
    }
    for (new, value, code) in [
        ("new_password", "short", "PasswordTooShort"),
        ("new_password", "gracehopper", "PasswordTooCommon"),
        ("new_password_hash", "x", "PasswordHashInvalid"),
    ] {
        let body = json!({ "old_password": old, new: value });
        let answer = change(&roster, &path, body).await.expect(422);
        assert_eq!(answer.codes(), [code]);
        assert_eq!(answer.body["errors"][0]["field"], new);
    }
    assert_eq!(roster.read(&path).await.unwrap().version().as_u64(), 1);
}

#[tokio::test]
async fn the_algorithm_of_a_hash_is_taken_under_both_names() {
    let roster = Roster::start().await;
    for name in ["new_password_hash_algorithm", "password_hash_algorithm"] {
        let path = roster
            .create(json!({ "username": "grace", "password": sample::PASSWORD }))
            .await;
        let change = |algorithm: &str| {
            let body = json!({
                "old_password": sample::PASSWORD, "new_password_hash": BCRYPT, name: algorithm,
            });
            change(&roster, &path, body)
        };
        let wrong = change("scrypt").await.expect(422);
        assert_eq!(wrong.codes(), ["PasswordHashInvalid"]);
        change("b_crypt").await.expect(200);
        let user = roster.read(&path).await.unwrap();
        assert_eq!(user.password_hash().unwrap().expose(), BCRYPT);
        roster.send("DELETE", &path).await.expect(204);
    }
}

#[tokio::test]
async fn sessions_end_when_that_is_asked_for() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    let path = format!("/api/users/{}", grace.id);
    for (old, new, revoke, status) in [
        (sample::PASSWORD, NEW, false, 200),
        (NEW, sample::PASSWORD, true, 401),
    ] {
        let body = json!({ "old_password": old, "new_password": new, "revoke_sessions": revoke });
        change(&roster, &path, body).await.expect(200);
        grace.get("/users/email/").await.expect(status);
    }
}

#[tokio::test]
async fn a_repeat_succeeds_though_the_old_password_is_old_by_then() {
    let roster = Roster::start().await;
    let body = json!({ "username": "grace", "password": sample::PASSWORD });
    let path = roster.create(body).await;
    let body = json!({ "old_password": sample::PASSWORD, "new_password": NEW });
    let named = || {
        roster
            .request("PUT", &format!("{path}/password/change"))
            .header("idempotency-key", "k")
            .json(body.clone())
            .send()
    };
    let first = named().await.expect(200);
    assert_eq!(named().await.expect(200).body, first.body);
    let other = change(&roster, &path, body.clone()).await.expect(422);
    assert_eq!(other.codes(), ["PasswordMismatch"]);
}

#[apply(on_both_stores)]
async fn a_lost_reply_does_not_make_the_old_password_a_wrong_one(roster: Roster) {
    let body = json!({ "username": "grace", "password": sample::PASSWORD });
    let path = roster.create(body).await;
    // The read, and then the write.
    roster.faults.plan(1, 1, Fault::DropReply);
    let body = json!({ "old_password": sample::PASSWORD, "new_password": NEW });
    let answer = change(&roster, &path, body).await.expect(200);
    assert_eq!(answer.version(), 2);
    roster.faults.clear();
    assert_eq!(roster.read(&path).await.unwrap().version().as_u64(), 2);
}
