//! What becomes of the fixtures, and of records that no fixture has. The lines are compared byte by byte: a line
//! that is written differently is another line to the service, and so is a repeated import another one.

use std::fmt::Write as _;

use clap::Parser;
use serde_json::{Value, json};

use crate::input::{Flaw, Input, Record};

/// The signer key of Firebase's own example.
const SIGNER_KEY: &str =
    "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==";
const BCRYPT: &str = "$2b$12$EXRkfkdmXn2gzds2SSitu.MW9.gAVqa9eLS1//RYtYCmB1eLHg.9q";

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    input: Input,
}

/// A file and the arguments behind it.
fn input(file: &str, arguments: &[&str]) -> Input {
    let arguments = ["import", file]
        .into_iter()
        .chain(arguments.iter().copied());
    Command::try_parse_from(arguments).unwrap().input
}

fn records(file: &str, arguments: &[&str]) -> Vec<Record> {
    let records = input(file, arguments).records().unwrap();
    records.map(Result::unwrap).collect()
}

/// What becomes of a fixture.
fn shown(fixture: &str, arguments: &[&str]) -> String {
    let file = format!("{}/fixtures/{fixture}", env!("CARGO_MANIFEST_DIR"));
    let mut shown = String::new();
    for Record { line, text } in records(&file, arguments) {
        let text = match text {
            Ok(text) => String::from_utf8(text).unwrap(),
            Err(flaw) => format!("{} {}", flaw.status(), flaw.detail()),
        };
        writeln!(shown, "{line}: {text}").unwrap();
    }
    shown
}

/// What becomes of one record.
fn converted(arguments: &[&str], record: &Value) -> Result<Value, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("record");
    std::fs::write(&file, format!("[{record}]")).unwrap();
    let [record] = records(file.to_str().unwrap(), arguments)
        .try_into()
        .unwrap();
    match record.text {
        Ok(line) => Ok(serde_json::from_slice(&line).unwrap()),
        Err(flaw) => Err(flaw.detail().to_owned()),
    }
}

fn from(product: &str, record: Value) -> Value {
    converted(&["--from", product], &record).unwrap()
}

fn refused(product: &str, record: Value) -> String {
    converted(&["--from", product], &record).unwrap_err()
}

#[test]
fn auth0s_users() {
    insta::assert_snapshot!(shown("auth0-users.ndjson", &["--from", "auth0"]));
}

#[test]
fn auth0s_password_hashes() {
    insta::assert_snapshot!(shown("auth0-passwords.ndjson", &["--from", "auth0"]));
}

#[test]
fn auth0s_users_and_password_hashes_in_one_record() {
    let user = from(
        "auth0",
        json!({
            "user_id": "auth0|5dea", "email": "ada@example.org", "email_verified": true,
            "identities": [{ "provider": "auth0", "user_id": "5dea", "connection": "db" }],
            "passwordHash": BCRYPT, "password_set_date": { "$date": "2019-12-06T18:36:12.412Z" },
        }),
    );
    let wanted = json!({
        "user_id": "auth0_5dea",
        "emails": [{ "email": "ada@example.org", "verified": true, "primary": true }],
        "password_hash": BCRYPT,
        "password_updated_at": 1_575_657_372,
        "private_data": { "user_id": "auth0|5dea" },
    });
    assert_eq!(user, wanted);
}

#[test]
fn an_account_in_auth0s_database_stays_unless_it_is_the_users_own() {
    let own = json!({ "provider": "auth0", "user_id": "5dea", "connection": "db" });
    let linked = json!({ "provider": "auth0", "user_id": "77aa", "connection": "db" });
    for (id, kept) in [
        (json!("auth0|5dea"), json!([linked])),
        (json!("google-oauth2|5dea"), json!([own, linked])),
        (json!(null), json!([own, linked])),
    ] {
        let user = from(
            "auth0",
            json!({ "user_id": id, "email": "ada@example.org", "identities": [own, linked] }),
        );
        assert_eq!(user["private_data"]["identities"], kept, "{id}");
    }
}

#[test]
fn auth0s_identifiers_without_a_place_are_kept() {
    let [other, second, marked, silent] = [
        json!({ "type": "passport", "value": "7" }),
        json!({ "type": "username", "value": "countess" }),
        json!({ "type": "email", "value": "b@example.org", "verified": true, "source": "x" }),
        json!({ "type": "email" }),
    ];
    let first = json!({ "type": "username", "value": "ada" });
    let user = from(
        "auth0",
        json!({ "email": "a@example.org", "identifiers": [first, other, second, marked, silent] }),
    );
    assert_eq!(user["username"]["username"], "ada");
    assert_eq!(user["emails"][1]["email"], "b@example.org");
    let kept = json!([other, second, marked, silent]);
    assert_eq!(user["private_data"], json!({ "identifiers": kept }));
}

#[test]
fn tokens_of_providers_are_not_kept() {
    let secret = |name: &str| json!({ name: "secret" });
    let identity = json!({
        "provider": "samlp", "user_id": "b", "access_token": "secret", "refresh_token": "secret",
        "id_token": "secret", "access_token_secret": "secret",
        "profileData": { "n": 1.50, "deep": [[secret("id_token")], { "on": true, "access_token": [1] }] },
    });
    let mut google = identity.clone();
    google["provider"] = json!("google-oauth2");
    let user = from(
        "auth0",
        json!({ "email": "a@example.org", "identities": [identity, google] }),
    );
    let data = json!({ "n": 1.50, "deep": [[{}], { "on": true }] });
    let kept = json!([{ "provider": "samlp", "user_id": "b", "profileData": data }]);
    assert_eq!(user["private_data"]["identities"], kept);
    assert_eq!(user["external_providers"][0]["claims"], data);
    // A list of another shape than the product has it.
    for other in [identity.clone(), json!([identity, 7])] {
        let user = from(
            "auth0",
            json!({ "email": "a@example.org", "identities": other }),
        );
        let text = user.to_string();
        assert!(text.contains("samlp") && !text.contains("secret"), "{text}");
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let record = format!(r#"[{{"email":"a@example.org","identities":[{{"a":{deep}}}]}}]"#);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("deep");
    std::fs::write(&file, record).unwrap();
    let records = records(file.to_str().unwrap(), &["--from", "auth0"]);
    assert_eq!(records.len(), 1);
}

#[test]
fn cognitos_users() {
    insta::assert_snapshot!(shown("cognito-users.json", &["--from", "cognito"]));
}

#[test]
fn firebases_users() {
    let arguments = ["--from", "firebase", "--firebase-signer-key", SIGNER_KEY];
    insta::assert_snapshot!(shown("firebase-users.json", &arguments));
}

#[test]
fn firebases_hashes_need_the_projects_parameters() {
    let account =
        json!({ "localId": "a", "email": "a@example.org", "passwordHash": "_-8=", "salt": "_-8" });
    let arguments = [
        ["--from", "firebase"],
        ["--firebase-signer-key", "AAAAAAAAAAAAAAAAAAAAAA"],
        ["--firebase-salt-separator", "AA"],
        ["--firebase-rounds", "4"],
        ["--firebase-memory-cost", "7"],
    ];
    let user = converted(&arguments.concat(), &account).unwrap();
    let hash = "$fbscrypt$v=1,n=7,r=4,p=1,ss=AA==,sk=AAAAAAAAAAAAAAAAAAAAAA==$/+8=$/+8=";
    assert_eq!(user["password_hash"], hash);
}

#[test]
fn firebases_hashes_without_the_key_end_the_import_whatever_may_be_dropped() {
    let account = |id: &str| json!({ "localId": id, "email": format!("{id}@example.org") });
    let mut hashed = account("b");
    hashed["passwordHash"] = json!("_-8=");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users.json");
    let users = json!({ "users": [account("a"), hashed, account("c")] });
    std::fs::write(&file, users.to_string()).unwrap();
    for dropping in [&[][..], &["--drop-unusable-hashes"]] {
        let arguments = [&["--from", "firebase"], dropping].concat();
        let mut records = input(file.to_str().unwrap(), &arguments).records().unwrap();
        assert!(records.next().unwrap().unwrap().text.is_ok());
        let words = records.next().unwrap().unwrap_err().to_string();
        assert!(
            words.contains("--firebase-signer-key") && words.contains("user 2"),
            "{words}"
        );
        assert!(records.next().is_none());
    }
}

#[test]
fn firebases_parameters_are_base64() {
    for (name, value, words) in [
        ("--firebase-signer-key", "se*cret", "no base64"),
        ("--firebase-signer-key", "", "no base64"),
        ("--firebase-salt-separator", "*", "no base64"),
    ] {
        let arguments = ["import", "x", "--from", "firebase", name, value];
        let error = Command::try_parse_from(arguments).err().unwrap();
        let error = error.to_string();
        assert!(error.contains(name) && error.contains(words), "{error}");
        assert!(!error.contains("se*cret"), "{error}");
    }
}

#[test]
fn keycloaks_users() {
    insta::assert_snapshot!(shown("keycloak-realm.json", &["--from", "keycloak"]));
}

#[test]
fn keycloaks_argon2_is_taken_where_it_is_argon2id() {
    let user = |kind: &str, version: &str| {
        let secret = json!({ "value": "aGFzaGhhc2hoYXNo", "salt": "c2FsdHNhbHQ=" });
        let data = json!({ "hashIterations": 2, "algorithm": "argon2", "additionalParameters": {
            "hashLength": ["12"], "memory": ["64"], "type": [kind], "version": [version], "parallelism": ["1"],
        }});
        let password = json!({ "type": "password", "secretData": secret.to_string(),
            "credentialData": data.to_string() });
        let user = json!({ "username": "ada", "credentials": [password] });
        let user = converted(&["--from", "keycloak"], &user);
        user.map(|user| user["password_hash"].as_str().unwrap().to_owned())
    };
    let hash = "m=64,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo";
    assert_eq!(user("id", "1.3").unwrap(), format!("$argon2id$v=19${hash}"));
    assert_eq!(user("id", "1.0").unwrap(), format!("$argon2id$v=16${hash}"));
    for (kind, version) in [("i", "1.3"), ("d", "1.3"), ("id", "2.0")] {
        let words = user(kind, version).unwrap_err();
        assert!(words.contains("--drop-unusable-hashes"), "{words}");
    }
}

#[test]
fn of_keycloaks_other_credentials_no_secret_is_kept() {
    let user = |credentials: Value| {
        let user = json!({ "username": "ada", "credentials": credentials });
        converted(&["--from", "keycloak", "--drop-unusable-hashes"], &user).unwrap()
    };
    let key = json!({ "id": "b1", "type": "otp", "userLabel": "phone", "createdDate": 7,
        "device": "d", "secretData": "s", "credentialData": "c", "hashedSaltedValue": "h", "salt": "s" });
    let kept = json!([{ "id": "b1", "type": "otp", "userLabel": "phone", "createdDate": 7 }]);
    assert_eq!(user(json!([key]))["private_data"]["credentials"], kept);
    for other in [json!({ "secret": 1 }), json!("secret"), json!(["secret"])] {
        assert_eq!(user(other.clone()).get("private_data"), None, "{other}");
        let user = json!({ "username": "ada", "credentials": other });
        let words = refused("keycloak", user);
        assert!(words.contains("--drop-unusable-hashes"), "{words}");
    }
}

#[test]
fn clerks_users() {
    insta::assert_snapshot!(shown("clerk-users.csv", &["--from", "clerk"]));
}

#[test]
fn clerks_users_as_json() {
    let user = from(
        "clerk",
        json!({
            "id": "user_1", "primary_email_address": "a@example.org",
            "verified_email_addresses": ["b@example.org"], "primary_phone_number": "+441514960456",
            "public_metadata": { "plan": "pro" }, "private_metadata": { "crm": 7 }, "banned": true,
            "created_at": "2024-01-01T00:00:00.000Z", "delete_self_enabled": true,
        }),
    );
    let wanted = json!({
        "user_id": "user_1",
        "creation_time": 1_704_067_200,
        "disabled": true,
        "emails": [
            { "email": "a@example.org", "verified": false, "primary": false },
            { "email": "b@example.org", "verified": true, "primary": true },
        ],
        "phone_numbers": [{ "phone": "+441514960456", "verified": false, "primary": false }],
        "public_data": { "public_metadata": { "plan": "pro" } },
        "private_data": { "delete_self_enabled": true, "private_metadata": { "crm": 7 } },
    });
    assert_eq!(user, wanted);
}

#[test]
fn clerks_digests_are_taken_in_the_form_of_their_hasher() {
    let hash = |hasher: &str, digest: &str| {
        let user =
            json!({ "username": "ada", "password_hasher": hasher, "password_digest": digest });
        let user = converted(&["--from", "clerk"], &user);
        user.map(|user| user["password_hash"].as_str().unwrap().to_owned())
    };
    let firebase = format!("_-8=$/+8=${SIGNER_KEY}$Bw==$8$14");
    for (hasher, digest, wanted) in [
        ("bcrypt", BCRYPT, BCRYPT),
        (
            "argon2id",
            "$argon2id$v=19$m=64,t=4,p=8$YQ$Yg",
            "$argon2id$v=19$m=64,t=4,p=8$YQ$Yg",
        ),
        (
            "pbkdf2_sha256",
            "pbkdf2_sha256$9$YQ==$Yg==",
            "$pbkdf2-sha256$i=9$YQ$Yg",
        ),
        (
            "pbkdf2_sha512",
            "pbkdf2_sha512$9$YQ==$Yg==",
            "$pbkdf2-sha512$i=9$YQ$Yg",
        ),
        (
            "pbkdf2_sha256_django",
            "pbkdf2_sha256$9$a$Yg==",
            "$pbkdf2-sha256$i=9$YQ$Yg",
        ),
        (
            "pbkdf2_sha1",
            "pbkdf2_sha1$9$a$62",
            "$pbkdf2-sha1$i=9$YQ$Yg",
        ),
        (
            "pbkdf2_sha1",
            "pbkdf2_sha1$9$61$62$1",
            "$pbkdf2-sha1$i=9$YQ$Yg",
        ),
        (
            "scrypt_werkzeug",
            "scrypt:32768:8:1$a$62",
            "$scrypt$ln=15,r=8,p=1$YQ$Yg",
        ),
        (
            "scrypt_firebase",
            &firebase,
            &format!("$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk={SIGNER_KEY}$/+8=$/+8="),
        ),
    ] {
        assert_eq!(hash(hasher, digest).as_deref(), Ok(wanted), "{hasher}");
    }
    for (hasher, digest) in [
        ("md5", "5f4dcc3b5aa765d61d8327deb882cf99"),
        ("argon2i", "$argon2i$v=19$m=64,t=4,p=8$YQ$Yg"),
        ("bcrypt_sha256_django", "bcrypt_sha256$$2b$12$x"),
        ("pbkdf2_sha256", "pbkdf2_sha256$9$*$Yg=="),
        ("pbkdf2_sha1", "pbkdf2_sha1$9$a$6"),
        ("pbkdf2_sha1", "pbkdf2_sha1$9$a$6ü"),
        ("scrypt_werkzeug", "scrypt:3:8:1$a$62"),
        ("scrypt_firebase", "a$b"),
        ("", BCRYPT),
    ] {
        let words = hash(hasher, digest).unwrap_err();
        assert!(
            words.contains("--drop-unusable-hashes"),
            "{hasher}: {words}"
        );
    }
}

#[test]
fn supabases_table() {
    insta::assert_snapshot!(shown("supabase-users.csv", &["--from", "supabase"]));
}

#[test]
fn supabases_rows_as_json() {
    insta::assert_snapshot!(shown("supabase-users.ndjson", &["--from", "supabase"]));
}

#[test]
fn supabases_bans_hold_until_their_end() {
    for (end, disabled) in [
        (json!(null), json!(null)),
        (json!("2023-01-01T00:00:00+00:00"), json!(null)),
        (json!("9000-01-01T00:00:00+00:00"), json!(true)),
        (json!("infinity"), json!(true)),
    ] {
        let user = from(
            "supabase",
            json!({ "email": "a@example.org", "banned_until": end }),
        );
        assert_eq!(user["disabled"], disabled, "{end}");
        assert_eq!(user["private_data"]["banned_until"], end);
    }
}

#[test]
fn all_readings_of_an_input_are_at_one_moment() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users");
    let user = json!({ "email": "a@example.org", "banned_until": "2024-01-01T00:00:00Z" });
    std::fs::write(&file, user.to_string()).unwrap();
    let mut input = input(file.to_str().unwrap(), &["--from", "supabase"]);
    for (now, disabled) in [
        ("2023-12-31T23:59:59Z", json!(true)),
        ("2024-01-01T00:00:00Z", json!(null)),
    ] {
        input.now = now.parse().unwrap();
        for records in [
            input.records(),
            input.records_behind(input.open().unwrap(), None),
        ] {
            let line = records.unwrap().next().unwrap().unwrap().text.unwrap();
            let user: Value = serde_json::from_slice(&line).unwrap();
            assert_eq!(user["disabled"], disabled, "{now}");
        }
    }
}

#[test]
fn what_has_no_place_is_kept_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users");
    let record = r#"{"email":"a@example.org","n":[123456789012345678901234567890.10, 1e400],
        "new":{"z":1,"a":"\ud800"},"none":null,"name":7,"created_at":"yesterday"}"#;
    std::fs::write(&file, format!("[{record}]")).unwrap();
    let [record] = records(file.to_str().unwrap(), &["--from", "auth0"])
        .try_into()
        .unwrap();
    let line = String::from_utf8(record.text.unwrap()).unwrap();
    let wanted = concat!(
        r#"{"emails":[{"email":"a@example.org","verified":false,"primary":false}],"private_data":"#,
        r#"{"created_at":"yesterday","n":[123456789012345678901234567890.10,1e400],"name":7,"#,
        r#""new":{"z":1,"a":"\ud800"}}}"#,
    );
    assert_eq!(line, wanted);
}

#[test]
fn an_id_that_roster_can_not_have_is_kept_beside_the_user() {
    for (id, own) in [
        ("5dea-_", Some("5dea-_")),
        ("auth0|5dea", Some("auth0_5dea")),
        ("auth0|ada@example.org", None),
        ("groups", None),
        (&"a".repeat(65), None),
    ] {
        let user = from("auth0", json!({ "user_id": id, "email": "a@example.org" }));
        assert_eq!(user.get("user_id").and_then(Value::as_str), own);
        let kept = user["private_data"].get("user_id").and_then(Value::as_str);
        assert_eq!(kept, (own != Some(id)).then_some(id));
    }
}

#[test]
fn a_username_that_is_an_address_is_one_address() {
    let user = |username: &str, email: Value| {
        from("keycloak", json!({ "username": username, "email": email }))
    };
    let emails = |user: &Value| {
        let emails = user["emails"].as_array().unwrap().iter();
        emails
            .map(|email| email["email"].clone())
            .collect::<Vec<_>>()
    };
    let same = user("Ada@example.org", json!("ada@example.org"));
    assert_eq!(emails(&same), ["ada@example.org"]);
    assert_eq!(
        (same.get("username"), same.get("private_data")),
        (None, None)
    );
    let alone = user("ada@example.org", json!(null));
    assert_eq!(emails(&alone), ["ada@example.org"]);
    assert_eq!(alone["emails"][0]["verified"], false);
    let other = user("boss@example.org", json!("ada@example.org"));
    assert_eq!(emails(&other), ["ada@example.org"]);
    assert_eq!(
        other["private_data"],
        json!({ "username": "boss@example.org" })
    );
    let phone = user("+441514960453", json!(null));
    assert_eq!(phone["phone_numbers"][0]["phone"], "+441514960453");
}

#[test]
fn a_user_who_is_not_carried_is_told_as_the_product_wrote_it() {
    let record = json!({ "id": "1", "is_anonymous": true });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users");
    std::fs::write(&file, format!("{record}\nno JSON\n[]\n")).unwrap();
    let flaws = records(file.to_str().unwrap(), &["--from", "supabase"]);
    // What begins like JSON is JSON.
    let [anonymous, text, list] = flaws.try_into().unwrap();
    let flaw = Flaw::NotCarried {
        reason: "The user is anonymous.".to_owned(),
        record: record.to_string().into_bytes(),
    };
    assert_eq!((anonymous.line, anonymous.text), (1, Err(flaw)));
    assert_eq!(
        (text.line, text.text),
        (2, Err(Flaw::NotJson(b"no JSON".to_vec())))
    );
    assert_eq!(list.text, Err(Flaw::NotJson(b"[]".to_vec())));
}

#[test]
fn a_file_of_another_kind_is_told_before_anything_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users");
    for (product, text, words) in [
        (
            "keycloak",
            "{\"realm\":\"acme\",\"clients\":[]}",
            "no list `users`",
        ),
        ("cognito", "{\"users\":[]}", "no list `Users`"),
        ("clerk", "email,name\na@example.org,A\n", "no column `id`"),
        ("firebase", "localId,email\n", "not JSON from byte 0"),
    ] {
        std::fs::write(&file, text).unwrap();
        let error = input(file.to_str().unwrap(), &["--from", product]).records();
        let error = error.err().unwrap().to_string();
        assert!(error.contains(words), "{product}: {error}");
    }
}

#[test]
fn what_makes_other_lines_is_another_form() {
    let key = ["--firebase-signer-key", SIGNER_KEY];
    let forms = [
        vec![],
        vec!["--from", "auth0"],
        vec!["--from", "clerk"],
        vec!["--from", "clerk", "--drop-unusable-hashes"],
        vec!["--from", "firebase"],
        [&["--from", "firebase"], &key[..]].concat(),
        [&["--from", "firebase", "--firebase-rounds", "7"], &key[..]].concat(),
    ];
    let forms = forms.map(|arguments| input("users", &arguments).form());
    for (n, form) in forms.iter().enumerate() {
        assert!(!forms[..n].contains(form), "{form:?}");
        assert!(!format!("{form:?}").contains("jxspr8Ki"), "{form:?}");
    }
    let same = input("users", &["--from", "clerk", key[0], key[1]]);
    assert_eq!(same.form(), forms[2]);
}

#[test]
fn reading_goes_on_from_any_position_in_each_form() {
    for (fixture, product) in [
        ("auth0-users.ndjson", "auth0"),
        ("keycloak-realm.json", "keycloak"),
        ("clerk-users.csv", "clerk"),
        ("supabase-users.csv", "supabase"),
    ] {
        let file = format!("{}/fixtures/{fixture}", env!("CARGO_MANIFEST_DIR"));
        let input = input(&file, &["--from", product]);
        let mut records = input.records().unwrap();
        let mut seen = Vec::new();
        while let Some(record) = records.next() {
            seen.push((record.unwrap(), records.position()));
        }
        for (n, (_, position)) in seen.iter().enumerate() {
            let rest = input.records_behind(input.open().unwrap(), Some(*position));
            let rest: Vec<_> = rest.unwrap().map(Result::unwrap).collect();
            let wanted: Vec<_> = seen[n + 1..]
                .iter()
                .map(|(record, _)| record.clone())
                .collect();
            assert_eq!(rest, wanted, "{fixture}");
        }
    }
}
