use domain::sample;
use serde_json::{Value, json};

use crate::harness::{Answer, BCRYPT, NOW, Roster};

const NEW: &str = "staple battery horse";

async fn set(roster: &Roster, path: &str, body: Value) -> Answer {
    roster
        .send_json("PUT", &format!("{path}/password"), body)
        .await
}

#[tokio::test]
async fn a_password_is_set_in_place_of_another_and_signs_in() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    let path = format!("/api/users/{}", grace.id);
    let before = roster.read(&path).await.unwrap();
    let body = json!({ "password": NEW, "is_temporary_password": false });
    let answer = set(&roster, &path, body).await.expect(200);
    assert_eq!(answer.body["has_password"], true);
    assert_eq!(answer.body["force_password_reset"], false);
    assert_eq!(answer.body["password_updated_at"], NOW.as_unix());
    assert_eq!(answer.version(), before.version().as_u64() + 1);
    roster.login("grace", sample::PASSWORD).await.expect(401);
    roster.login("grace", NEW).await.expect(200);
    grace.get("/users/email/").await.expect(200);
}

#[tokio::test]
async fn a_user_without_a_password_gets_one() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    let answer = set(&roster, &path, json!({ "password": NEW })).await;
    let answer = answer.expect(200);
    assert_eq!(
        answer.body["username"]["authenticators"],
        json!(["password"])
    );
    assert_eq!(answer.version(), 2);
}

#[tokio::test]
async fn a_password_is_temporary_and_a_hash_is_not_unless_that_is_said() {
    let roster = Roster::start().await;
    let last = [("TemporaryPasswordByDefault", "false")];
    let of_2024 = roster.also(NOW, &last).await;
    let path = roster.create(json!({ "username": "grace" })).await;
    for (roster, body, is_temporary) in [
        (&roster, json!({ "password": NEW }), true),
        (&of_2024, json!({ "password": NEW }), false),
        (
            &of_2024,
            json!({ "password": NEW, "is_temporary_password": true }),
            true,
        ),
        (
            &roster,
            json!({ "password": NEW, "is_temporary_password": null }),
            true,
        ),
        (&roster, json!({ "password_hash": BCRYPT }), false),
        (
            &roster,
            json!({ "password_hash": BCRYPT, "is_temporary_password": true }),
            true,
        ),
    ] {
        let answer = set(roster, &path, body.clone()).await.expect(200);
        assert_eq!(answer.body["force_password_reset"], is_temporary, "{body}");
    }
}

#[tokio::test]
async fn a_hash_is_kept_as_it_came_under_either_name_of_its_algorithm() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    for algorithm in [json!("bcrypt"), json!("b_crypt"), Value::Null] {
        let body = json!({ "password_hash": BCRYPT, "password_hash_algorithm": algorithm });
        set(&roster, &path, body).await.expect(200);
        let user = roster.read(&path).await.unwrap();
        assert_eq!(user.password_hash().unwrap().expose(), BCRYPT);
    }
    for body in [
        json!({ "password_hash": BCRYPT, "password_hash_algorithm": "argon2id" }),
        json!({ "password_hash": "5f4dcc3b5aa765d61d8327deb882cf99" }),
    ] {
        let answer = set(&roster, &path, body).await.expect(422);
        assert_eq!(answer.codes(), ["PasswordHashInvalid"]);
        assert_eq!(answer.body["errors"][0]["field"], "password_hash");
    }
}

#[tokio::test]
async fn either_a_password_or_its_hash_is_needed() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    for (body, member) in [
        (json!({}), "password"),
        (
            json!({ "password": null, "is_temporary_password": true }),
            "password",
        ),
        (
            json!({ "password": NEW, "password_hash": BCRYPT }),
            "password_hash",
        ),
        (json!({ "password": 12_345_678 }), "password"),
        (
            json!({ "password": NEW, "revoke_sessions": "yes" }),
            "revoke_sessions",
        ),
    ] {
        let answer = set(&roster, &path, body).await.expect(422);
        let named: Vec<_> = answer.body["errors"].as_object().unwrap().keys().collect();
        assert_eq!(named, [member]);
    }
    assert_eq!(roster.read(&path).await.unwrap().credential(), None);
}

#[tokio::test]
async fn the_policy_knows_the_user_s_own_names_and_can_be_skipped() {
    let roster = Roster::start().await;
    let body = json!({ "username": "gracehopper", "email": "admiral.grace@example.org" });
    let path = roster.create(body).await;
    for (password, code) in [
        ("short", "PasswordTooShort"),
        (&*"x".repeat(129), "PasswordTooLong"),
        ("password1", "PasswordTooCommon"),
        ("GraceHopper", "PasswordTooCommon"),
        ("admiral.grace", "PasswordTooCommon"),
    ] {
        let answer = set(&roster, &path, json!({ "password": password })).await;
        let answer = answer.expect(422);
        assert_eq!(answer.codes(), [code], "{password}");
        assert_eq!(answer.body["errors"][0]["field"], "password");
    }
    let body = json!({ "password": "gracehopper", "skip_password_policy_checks": true });
    set(&roster, &path, body).await.expect(200);
}

#[tokio::test]
async fn sessions_and_devices_end_in_the_same_write_when_that_is_asked_for() {
    let roster = Roster::start().await;
    let grace = roster.person("grace").await;
    let path = format!("/api/users/{}", grace.id);
    let before = roster.read(&path).await.unwrap();
    let body = json!({ "password": NEW, "revoke_sessions": true });
    let answer = set(&roster, &path, body).await.expect(200);
    assert_eq!(answer.version(), before.version().as_u64() + 1);
    let after = roster.read(&path).await.unwrap();
    assert_eq!(after.session_epoch(), before.session_epoch().next());
    grace.get("/users/email/").await.expect(401);
}

#[tokio::test]
async fn links_of_before_are_inert() {
    let roster = Roster::start().await;
    let body = json!({
        "username": "grace", "email": "grace@example.org", "email_verified": true,
        "password": sample::PASSWORD,
    });
    let path = roster.create(body).await;
    roster.login("grace", sample::PASSWORD).await.expect(403);
    let link = roster.link_to("grace@example.org").await;
    roster.open(&link).await.expect(200);
    set(&roster, &path, json!({ "password": NEW }))
        .await
        .expect(200);
    roster.open(&link).await.expect(400);
}

#[tokio::test]
async fn a_new_password_lifts_the_lock_out() {
    let roster = Roster::start().await;
    let user = sample::published();
    let path = roster.write(&user).await;
    assert_ne!(user.sign_ins().failures, 0);
    let answer = set(&roster, &path, json!({ "password": NEW })).await;
    let answer = answer.expect(200);
    assert_eq!(answer.body["failure_count"], 0);
    assert_eq!(answer.body["block_until"], Value::Null);
}

#[tokio::test]
async fn a_repeat_of_a_named_request_changes_nothing() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    let named = || {
        roster
            .request("PUT", &format!("{path}/password"))
            .header("idempotency-key", "k")
            .json(json!({ "password": NEW }))
            .send()
    };
    let first = named().await.expect(200);
    let hash = roster.read(&path).await.unwrap().password_hash().cloned();
    roster
        .send("POST", &format!("{path}/disable"))
        .await
        .expect(200);
    assert_eq!(named().await.expect(200).version(), first.version() + 1);
    assert_eq!(
        roster.read(&path).await.unwrap().password_hash().cloned(),
        hash
    );
}
