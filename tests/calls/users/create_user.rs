use domain::sample;
use insta::assert_json_snapshot;
use serde_json::json;

use crate::harness::{BCRYPT, NOW, Roster};

#[tokio::test]
async fn a_user_is_created_with_all_members() {
    let roster = Roster::start().await;
    let body = json!({
        "username": "Grace", "email": "Grace@Example.org", "email_verified": true,
        "phone_number": "+1 (212) 555-2368", "phone_number_verified": true,
        "password": "correct horse battery", "is_temporary_password": false,
        "name": "Grace Hopper", "given_name": "Grace", "middle_name": "Brewster",
        "family_name": "Hopper", "nickname": "Amazing Grace",
        "picture": "https://example.org/grace.png",
        "skip_password_policy_checks": false, "skip_identifier_restriction_checks": true,
        "skip_conformance_checks": false, "unknown": [1],
    });
    let answer = roster
        .send_json("POST", "/api/users", body)
        .await
        .expect(201);
    assert_json_snapshot!("created_user", answer.body);
    let id = answer.body["user_id"].as_str().unwrap();
    assert_eq!(id.len(), 21);
    let path = format!("/api/users/{id}");
    assert_eq!(answer.header("location"), Some(path.as_str()));
    assert_eq!(answer.header("etag"), Some("\"1\""));
    assert_eq!(
        roster.send("GET", &path).await.expect(200).body,
        answer.body
    );
    let hash = roster
        .read(&path)
        .await
        .unwrap()
        .password_hash()
        .unwrap()
        .clone();
    assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn one_identifier_is_enough() {
    let roster = Roster::start().await;
    for body in [
        json!({ "username": "a", "email": null }),
        json!({ "email": "a@example.org" }),
        json!({ "phone_number": "+441514960454" }),
    ] {
        let answer = roster
            .send_json("POST", "/api/users", body)
            .await
            .expect(201);
        assert_eq!(answer.body["has_password"], false);
        assert_eq!(answer.body["claims"], json!({}));
    }
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn an_unverified_address_is_not_primary() {
    let roster = Roster::start().await;
    let body = json!({ "email": "a@example.org", "phone_number": "+441514960454" });
    let answer = roster
        .send_json("POST", "/api/users", body)
        .await
        .expect(201);
    assert_eq!(answer.body["emails"][0]["primary"], false);
    assert_eq!(answer.body["emails"][0]["verification_source"], json!(null));
    assert_eq!(answer.body["phone_numbers"][0]["primary"], false);
}

#[tokio::test]
async fn a_user_without_identifier_is_refused() {
    let roster = Roster::start().await;
    for body in ["", "{}", " \n", r#"{"name":"Grace","email":null}"#] {
        let answer = roster
            .request("POST", "/api/users")
            .body(body)
            .send()
            .await
            .expect(422);
        assert_eq!(answer.codes(), ["IdentifierRequired"]);
    }
    assert!(roster.table.items().await.is_empty());
}

#[tokio::test]
async fn every_identifier_in_use_is_named_in_any_spelling() {
    let roster = Roster::start().await;
    roster.write(&sample::published()).await;
    let before = roster.table.items().await;
    let body = json!({
        "username": "ＵserName", "email": "USER@EXAMPLE.COM", "phone_number": "+44 151 496 0453",
    });
    let answer = roster
        .send_json("POST", "/api/users", body)
        .await
        .expect(422);
    assert_json_snapshot!("duplicates", answer.body);
    assert_eq!(
        answer.codes(),
        [
            "DuplicateEmail",
            "DuplicatePhoneNumber",
            "DuplicateUserName"
        ]
    );
    assert_eq!(roster.table.items().await, before);
}

#[tokio::test]
async fn one_identifier_in_use_stores_none_of_the_others() {
    let roster = Roster::start().await;
    roster.write(&sample::published()).await;
    let before = roster.table.items().await;
    let body = json!({ "username": "free", "email": "user@example.com" });
    let answer = roster
        .send_json("POST", "/api/users", body)
        .await
        .expect(422);
    assert_eq!(answer.codes(), ["DuplicateEmail"]);
    assert_eq!(roster.table.items().await, before);
}

#[tokio::test]
async fn every_invalid_identifier_is_named() {
    let roster = Roster::start().await;
    let body = json!({ "username": "a b", "email": "nobody", "phone_number": "12" });
    let answer = roster
        .send_json("POST", "/api/users", body)
        .await
        .expect(422);
    assert_eq!(
        answer.codes(),
        ["InvalidUserName", "InvalidEmail", "InvalidPhoneNumber"]
    );
}

#[tokio::test]
async fn a_bad_password_is_refused_unless_the_checks_are_skipped() {
    let roster = Roster::start().await;
    for (password, code) in [
        ("short", "PasswordTooShort"),
        (&*"x".repeat(129), "PasswordTooLong"),
        ("PASSWORD123", "PasswordTooCommon"),
    ] {
        let body = json!({ "username": "grace", "password": password });
        let answer = roster
            .send_json("POST", "/api/users", body)
            .await
            .expect(422);
        assert_eq!(answer.codes(), [code]);
    }
    let body = json!({
        "username": "grace", "password": "1", "skip_password_policy_checks": true,
    });
    let answer = roster
        .send_json("POST", "/api/users", body)
        .await
        .expect(201);
    assert_eq!(answer.body["force_password_reset"], true);
    assert_eq!(answer.body["password_updated_at"], 1_700_000_000);
}

#[tokio::test]
async fn a_password_hash_is_taken_as_it_is() {
    let roster = Roster::start().await;
    let body = json!({
        "username": "grace", "password_hash": BCRYPT, "password_hash_algorithm": "bcrypt",
    });
    let path = roster.create(body).await;
    let hash = roster
        .read(&path)
        .await
        .unwrap()
        .password_hash()
        .unwrap()
        .clone();
    assert_eq!(hash.expose(), BCRYPT);
    let answer = roster.send("GET", &path).await.expect(200);
    assert!(
        !answer.body.to_string().contains("$2b$"),
        "the hash is shown"
    );
}

#[tokio::test]
async fn a_password_is_temporary_by_default_and_a_hash_is_not() {
    let roster = Roster::start().await;
    let as_said = roster
        .also(NOW, &[("TemporaryPasswordByDefault", "false")])
        .await;
    let password = json!({ "username": "grace", "password": "correct horse battery" });
    let hash = json!({ "username": "grace", "password_hash": BCRYPT });
    for (roster, body, by_default) in [
        (&roster, &password, true),
        (&roster, &hash, false),
        (&as_said, &password, false),
        (&as_said, &hash, false),
    ] {
        for (said, must_change) in [(None, by_default), (Some(true), true), (Some(false), false)] {
            let mut body = body.clone();
            body["is_temporary_password"] = json!(said);
            let answer = roster
                .send_json("POST", "/api/users", body)
                .await
                .expect(201);
            assert_eq!(answer.body["force_password_reset"], must_change, "{said:?}");
            let path = answer.header("location").unwrap();
            roster.send("DELETE", path).await.expect(204);
        }
    }
}

#[tokio::test]
async fn one_mailbox_belongs_to_one_user() {
    let roster = Roster::start().await;
    for (one, other) in [
        ("grace@faß.example", "grace@xn--fa-hia.example"),
        ("ｇｒａｃｅ@example.org", "Grace@example.org"),
    ] {
        roster.create(json!({ "email": one })).await;
        let body = json!({ "email": other });
        let answer = roster
            .send_json("POST", "/api/users", body)
            .await
            .expect(422);
        assert_eq!(answer.codes(), ["DuplicateEmail"], "{one} {other}");
    }
    // This is another domain, and another person may own it.
    roster
        .create(json!({ "email": "grace@fass.example" }))
        .await;
    for bad in ["t＠evil.example", "a@127.0.0.1", "a@x.123"] {
        let body = json!({ "email": bad });
        let answer = roster
            .send_json("POST", "/api/users", body)
            .await
            .expect(422);
        assert_eq!(answer.codes(), ["InvalidEmail"], "{bad}");
    }
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn a_hash_that_is_not_one_is_refused() {
    let roster = Roster::start().await;
    for (hash, algorithm) in [
        ("5f4dcc3b5aa765d61d8327deb882cf99", "bcrypt"),
        (BCRYPT, "argon2id"),
        (
            "$2b$15$EXRkfkdmXn2gzds2SSitu.MW9.gAVqa9eLS1//RYtYCmB1eLHg.9q",
            "bcrypt",
        ),
    ] {
        let body = json!({
            "username": "grace", "password_hash": hash, "password_hash_algorithm": algorithm,
        });
        let answer = roster
            .send_json("POST", "/api/users", body)
            .await
            .expect(422);
        assert_eq!(answer.codes(), ["PasswordHashInvalid"]);
    }
}

#[tokio::test]
async fn a_password_and_a_hash_together_are_refused() {
    let roster = Roster::start().await;
    let body = json!({
        "username": "grace", "password": "correct horse battery", "password_hash": BCRYPT,
    });
    let answer = roster
        .send_json("POST", "/api/users", body)
        .await
        .expect(422);
    assert!(
        answer.body["errors"]["password_hash"].is_array(),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_picture_is_a_url_unless_conformance_is_skipped() {
    let roster = Roster::start().await;
    let mut body = json!({ "username": "grace", "picture": "me.png" });
    let answer = roster
        .send_json("POST", "/api/users", body.clone())
        .await
        .expect(422);
    assert!(answer.body["errors"]["picture"].is_array(), "{answer:?}");
    body["skip_conformance_checks"] = true.into();
    let answer = roster
        .send_json("POST", "/api/users", body)
        .await
        .expect(201);
    assert_eq!(answer.body["claims"]["picture"], "me.png");
}

#[tokio::test]
async fn a_member_of_the_wrong_type_is_named() {
    let roster = Roster::start().await;
    let body = json!({ "username": "grace", "email_verified": "yes" });
    let answer = roster
        .send_json("POST", "/api/users", body)
        .await
        .expect(422);
    assert_json_snapshot!("wrong_type", answer.body);
    assert!(roster.table.items().await.is_empty());
}
