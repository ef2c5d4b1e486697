//! Passwords: the encoding of their letters makes no difference, known ones are refused, and a hash or
//! a form that is read loosely lets no other password in.

use domain::password::PasswordHash;
use domain::sample;
use futures_util::future::join;
use macro_rules_attribute::apply;
use serde_json::json;

use crate::harness::person::Person;
use crate::harness::{Answer, Fault, Roster};

const COMPOSED: &str = "pässwörd";
const DECOMPOSED: &str = "pa\u{308}sswo\u{308}rd";
/// The hash of the decomposed password, made by argon2-cffi.
const OWN_AS_TYPED: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$\
                            bsEJfH3C7JH9WMQJUbnHMf7G/gi8naut/XgyNevKGqA";
/// bcrypt's own example, a hash of `U*U`.
const BCRYPT: &str = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
/// Hashes of `pässwörd`, made by passlib and OpenSSL.
const SCRYPT: &str = "$scrypt$ln=4,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$\
                      BHecd7e7pPRBAcF7C7q7Pxn+RgFr3BEbGWUw2zr+aOA";
const PBKDF2: &str = "$pbkdf2-sha256$i=1000,l=32$AAECAwQFBgcICQoLDA0ODw$\
                      L1aYbGjzdoPwxPhGrTdCzJAIXgv98gXX9F7Efjyq3Og";

const OWN: &str = "$argon2id$v=19$m=19456,t=2,p=1$";
const EMAIL: &str = "grace.hopper@example.org";
const PRESENT: &str = "The password must not be the present one.";
const PRESENT_IN_FORM: &str = "password=correct%C2%A0horse+battery";

/// Creates a user with a hash that was made elsewhere. Returns the user's path.
async fn import(roster: &Roster, hash: &str) -> String {
    roster
        .create(json!({ "username": "grace", "password_hash": hash }))
        .await
}

async fn stored(roster: &Roster, path: &str) -> String {
    let credential = roster
        .read(path)
        .await
        .unwrap()
        .credential()
        .unwrap()
        .clone();
    credential.hash.unwrap().expose().to_owned()
}

/// The link that is sent after a sign-in with a password that must be changed.
async fn reset_link(roster: &Roster) -> String {
    roster
        .create(json!({
            "username": "gracehopper", "email": EMAIL, "email_verified": true,
            "password": sample::PASSWORD,
        }))
        .await;
    roster
        .login("gracehopper", sample::PASSWORD)
        .await
        .expect(403);
    roster.link_to(EMAIL).await
}

/// Ada, and the link that undoes the change of her primary address.
async fn undo_link(roster: &Roster) -> (Person<'_>, String) {
    let ada = roster.ada().await;
    ada.move_to("countess@example.com").await;
    let link = roster.link_to("ada@example.org").await;
    (ada, link)
}

/// Sends a link's form, or other bytes in its place, unchanged.
async fn submit(roster: &Roster, link: &str, media_type: &str, body: &[u8]) -> Answer {
    let nonce = roster.nonce(link).await;
    roster
        .visit("POST", link)
        .header("accept", "text/html")
        .header("content-type", media_type)
        .header("cookie", format!("linknonce={nonce}"))
        .body(body)
        .send()
        .await
}

#[tokio::test]
async fn a_password_signs_in_however_its_letters_and_spaces_are_encoded() {
    let roster = Roster::start().await;
    for (n, (set, typed)) in [
        (COMPOSED, DECOMPOSED),
        (DECOMPOSED, COMPOSED),
        ("correct horse battery", "correct\u{a0}horse\u{3000}battery"),
        ("correct\u{2003}horse battery", "correct horse battery"),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("grace{n}");
        let path = roster
            .create(json!({
                "username": name, "password": set, "is_temporary_password": false,
            }))
            .await;
        let hash = stored(&roster, &path).await;
        for typed in [set, typed] {
            roster.login(&name, typed).await.expect(200);
        }
        roster.login(&name, &typed.to_uppercase()).await.expect(401);
        assert_eq!(stored(&roster, &path).await, hash, "{set}");
    }
}

#[tokio::test]
async fn a_hash_of_the_text_as_typed_signs_in_and_is_replaced() {
    let roster = Roster::start().await;
    let path = import(&roster, OWN_AS_TYPED).await;
    roster.login("grace", COMPOSED).await.expect(401);
    assert_eq!(stored(&roster, &path).await, OWN_AS_TYPED);
    roster.login("grace", DECOMPOSED).await.expect(200);
    let replaced = stored(&roster, &path).await;
    assert!(
        replaced.starts_with(OWN) && replaced != OWN_AS_TYPED,
        "{replaced}"
    );
    roster.login("grace", COMPOSED).await.expect(200);
    roster.login("grace", DECOMPOSED).await.expect(200);
    assert_eq!(stored(&roster, &path).await, replaced);
}

#[tokio::test]
async fn an_imported_hash_takes_its_password_in_either_form() {
    let roster = Roster::start().await;
    for hash in [SCRYPT, PBKDF2] {
        for typed in [COMPOSED, DECOMPOSED] {
            roster.table.clear().await;
            let path = import(&roster, hash).await;
            roster.login("grace", typed).await.expect(200);
            let replaced = stored(&roster, &path).await;
            assert!(replaced.starts_with(OWN), "{replaced}");
            roster.login("grace", COMPOSED).await.expect(200);
        }
    }
}

#[tokio::test]
async fn a_hash_of_each_kind_and_a_password_in_either_form_can_be_set_and_changed_to() {
    let roster = Roster::start().await;
    let path = roster
        .create(json!({ "username": "grace", "password": COMPOSED }))
        .await;
    let set = format!("{path}/password");
    let change = format!("{set}/change");
    for (member, value) in [
        ("password_hash", OWN_AS_TYPED),
        ("password_hash", SCRYPT),
        ("password_hash", PBKDF2),
        ("password", DECOMPOSED),
    ] {
        let body = json!({ member: value, "is_temporary_password": false });
        roster.send_json("PUT", &set, body).await.expect(200);
        roster.login("grace", DECOMPOSED).await.expect(200);
        // A sign-in has replaced the hash.
        let body = json!({ format!("new_{member}"): value, "old_password": DECOMPOSED });
        roster.send_json("PUT", &change, body).await.expect(200);
        roster.login("grace", DECOMPOSED).await.expect(200);
    }
}

#[tokio::test]
async fn a_variant_neither_signs_in_nor_replaces_the_hash() {
    let roster = Roster::start().await;
    for (hash, password) in [(BCRYPT, "U*U"), (SCRYPT, COMPOSED), (PBKDF2, COMPOSED)] {
        roster.table.clear().await;
        let path = import(&roster, hash).await;
        for variant in [
            format!("{password}\0{password}"),
            format!("{password}\0"),
            format!("{password}\0\0\0"),
        ] {
            roster.login("grace", &variant).await.expect(401);
            assert_eq!(stored(&roster, &path).await, hash, "{variant:?}");
        }
        roster.login("grace", password).await.expect(200);
        roster
            .login("grace", &format!("{password}\0"))
            .await
            .expect(401);
        roster.login("grace", password).await.expect(200);
    }
}

#[tokio::test]
async fn the_present_password_is_no_new_one_when_it_must_be_changed() {
    let roster = Roster::start().await;
    let link = reset_link(&roster).await;
    let items = roster.table.items().await;
    for form in ["password=correct+horse+battery", PRESENT_IN_FORM] {
        let answer = roster.press(&link, form).await.expect(400);
        assert!(answer.html().contains(PRESENT), "{answer:#?}");
        assert!(answer.html().contains("name=\"password\""), "{answer:#?}");
    }
    assert_eq!(roster.table.items().await, items);
    roster
        .press(&link, "password=a+new+long+password")
        .await
        .expect(200);
    roster
        .login("gracehopper", "a new long password")
        .await
        .expect(200);
}

#[tokio::test]
async fn the_present_password_is_no_new_one_when_a_change_is_undone() {
    let roster = Roster::start().await;
    let (ada, link) = undo_link(&roster).await;
    let items = roster.table.items().await;
    for form in ["password=correct+horse+battery", PRESENT_IN_FORM] {
        let answer = roster.press(&link, form).await.expect(400);
        assert!(answer.html().contains(PRESENT), "{answer:#?}");
    }
    let nonce = roster.nonce(&link).await;
    let by_program = roster
        .visit("POST", &link)
        .header("accept", "application/json")
        .header("cookie", format!("linknonce={nonce}"))
        .json(json!({ "password": sample::PASSWORD }));
    let refusal = by_program.send().await.expect(400);
    let why = json!({ "password": ["must not be the present one"] });
    assert_eq!(refusal.body["errors"], why);
    assert_eq!(roster.table.items().await, items);
    assert_eq!(ada.listed().await[0], "countess@example.com primary");
    roster
        .press(&link, "password=a+new+long+password")
        .await
        .expect(200);
    roster.login("ada", sample::PASSWORD).await.expect(401);
}

#[apply(on_both_stores)]
async fn a_password_that_became_the_present_one_meanwhile_is_refused(roster: Roster) {
    let (ada, link) = undo_link(&roster).await;
    let nonce = roster.nonce(&link).await;
    // The test acts between the check of the present password and the write.
    roster.faults.plan(1, 1, Fault::Pause);
    let meanwhile = async {
        roster.faults.wait_for_a_held_request().await;
        let password = "a new long password".into();
        let hash = PasswordHash::of_verified(&password, [9; 16]);
        roster
            .edit(&ada.id, |user| {
                user.credential.as_mut().unwrap().hash = Some(hash.clone());
            })
            .await;
        roster.faults.clear()
    };
    let form = "password=a+new+long+password";
    let (answer, _) = join(roster.submit(&link, &nonce, form), meanwhile).await;
    assert!(answer.expect(400).html().contains(PRESENT));
    assert_eq!(ada.listed().await[0], "countess@example.com primary");
}

#[tokio::test]
async fn a_users_own_name_or_address_is_no_password() {
    let roster = Roster::start().await;
    for password in [
        "GraceHopper",
        "ｇｒａｃｅｈｏｐｐｅｒ",
        "grace.hopper",
        "Grace.Hopper@Example.org",
    ] {
        let mut body = json!({
            "username": "gracehopper", "email": EMAIL, "password": password,
        });
        let answer = roster
            .send_json("POST", "/api/users", body.clone())
            .await
            .expect(422);
        assert_eq!(answer.codes(), ["PasswordTooCommon"], "{password}");
        body["skip_password_policy_checks"] = true.into();
        let path = roster.create(body).await;
        roster.send("DELETE", &path).await.expect(204);
    }
    let link = reset_link(&roster).await;
    let items = roster.table.items().await;
    for form in [
        "password=GRACEHOPPER",
        "password=grace.hopper%40example.org",
    ] {
        let answer = roster.press(&link, form).await.expect(400);
        assert!(
            answer
                .html()
                .contains("must not be the username or an e-mail address")
        );
    }
    assert_eq!(roster.table.items().await, items);
}

#[tokio::test]
async fn a_form_that_is_not_utf_8_is_refused_and_sets_nothing() {
    const FORM: &str = "application/x-www-form-urlencoded";
    let roster = Roster::start().await;
    let reset = reset_link(&roster).await;
    let (_, undo) = undo_link(&roster).await;
    let items = roster.table.items().await;
    for link in [&reset, &undo] {
        for (media_type, body) in [
            (FORM, &b"password=caf\xe9+and+caf\xe9"[..]),
            (FORM, b"password=caf%E9+and+caf%E9"),
            (FORM, b"password=caf%C3+and+cake"),
            (FORM, b"password=%ED%A0%80%ED%A0%80%ED%A0%80"),
            (FORM, b"password=a+new+long+password&other=%FF"),
            (FORM, b"%FF=&password=a+new+long+password"),
            ("text/plain", b"password=caf%E9+and+caf%E9"),
            (
                "application/json",
                b"{\"password\":\"caf\xe9 and caf\xe9\"}",
            ),
            (
                "application/json",
                b"{\"other\":\"\xff\",\"password\":\"a new long password\"}",
            ),
            ("application/json", b"[\"a new long password\"]"),
        ] {
            submit(&roster, link, media_type, body).await.expect(400);
        }
    }
    assert_eq!(roster.table.items().await, items);
    submit(&roster, &reset, FORM, b"password=caf%C3%A9+and+caf%C3%A9")
        .await
        .expect(200);
    roster
        .login("gracehopper", "café and café")
        .await
        .expect(200);
    submit(&roster, &undo, FORM, "password=café+and+café".as_bytes())
        .await
        .expect(200);
    roster.login("ada", "café and café").await.expect(200);
}

#[tokio::test]
async fn a_form_about_an_address_is_utf_8_too() {
    let roster = Roster::start().await;
    let ada = roster.ada().await;
    ada.add_email("countess@example.com").await.expect(200);
    let link = roster.link_to("countess@example.com").await;
    let items = roster.table.items().await;
    for body in [&b"x=%FF"[..], b"\xff", b"x=\xe9"] {
        submit(&roster, &link, "application/x-www-form-urlencoded", body)
            .await
            .expect(400);
    }
    assert_eq!(roster.table.items().await, items);
    roster.press(&link, "x=%C3%A9").await.expect(200);
}

/// Hashes of `correct horse battery`, each with the package that made it and the command. Where it prints
/// no text that names its parameters, the salt and the hash are put into a PHC string in base64.
const BY_OTHERS: [(&str, &str); 8] = [
    (
        // `argon2.PasswordHasher(3, 64, 4).hash(password, salt=bytes(range(16)))`
        "PyPI argon2-cffi 25.1.0",
        "$argon2id$v=19$m=64,t=3,p=4$AAECAwQFBgcICQoLDA0ODw$\
         lCrXf3aoQkUWLt/O3K+4KxoyJnbnRP1BG8VS5wpkg14",
    ),
    (
        // `bcrypt.hashpw(password, b"$2b$04$N9qo8uLOickgx2ZMRZoMye")`
        "PyPI bcrypt 5.0.0",
        "$2b$04$N9qo8uLOickgx2ZMRZoMye9COBKsOPKEJDHJoe/BuRouJin6Qswhq",
    ),
    (
        // `scrypt.hash(password, bytes(range(16)), N=32, r=8, p=1, buflen=64)`
        "PyPI scrypt 0.9.4",
        "$scrypt$ln=5,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$\
         InpaAgCIS8S7gl60BKvXFAMCRfudr4qrkSR+qUyn6eRiGOTN8l9Ae/sYsiCrGXcR/TJjE9XEN+zJioFv8IFUUA",
    ),
    (
        // `passlib.hash.scrypt.using(rounds=4, salt=bytes(range(16))).hash(password)`
        "PyPI passlib 1.7.4, scrypt",
        "$scrypt$ln=4,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$coHb6LlzckOeOHbDHR6JGt8ViaJ/p4LgT4TcMJHWRUI",
    ),
    (
        // `passlib.hash.pbkdf2_sha1.using(rounds=1000, salt=bytes([255, 250] * 8)).hash(password)`
        "PyPI passlib 1.7.4, pbkdf2_sha1",
        "$pbkdf2$1000$//r/.v/6//r/.v/6//r/.g$1LmFYRSzp8NU66vHtS6wLkhC8yM",
    ),
    (
        // `passlib.hash.pbkdf2_sha256.using(rounds=1000, salt=bytes([255, 250] * 8)).hash(password)`
        "PyPI passlib 1.7.4, pbkdf2_sha256",
        "$pbkdf2-sha256$1000$//r/.v/6//r/.v/6//r/.g$IcF0QkwCOMBGL1HD1TWQjHyXkj2auWGnr1WthKFZW8I",
    ),
    (
        // `hashlib.pbkdf2_hmac("sha1", password, bytes(range(16)), 1000)`
        "Python 3.11's hashlib, PBKDF2 with SHA-1",
        PBKDF2_SHA1,
    ),
    (
        // `new FirebaseScrypt({memCost: 4, rounds: 8, saltSeparator: 'Bw==', signerKey}).hash(password, salt)`
        "npm firebase-scrypt 2.2.0",
        FIREBASE,
    ),
];
const PBKDF2_SHA1: &str = "$pbkdf2-sha1$i=1000$AAECAwQFBgcICQoLDA0ODw$yr+bZKkEnTtGf3f18VjXM5CIxT8";
const FIREBASE: &str = "$fbscrypt$v=1,n=4,r=8,p=1,ss=Bw==,\
    sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==$\
    42xEC+ixf3L2lw==$\
    ur6yS7v7umUThwD+eS32ACaMnQZk4HagRRrfuGXD3oxeK2CXbZ/x+Stj1RfxpXpCF8dA6W7cJ69HuII42NdK/g==";

#[tokio::test]
async fn an_imported_users_hash_made_by_others_signs_in_and_is_replaced() {
    let roster = Roster::start().await;
    for (n, (maker, hash)) in BY_OTHERS.into_iter().enumerate() {
        let id = format!("grace{n}");
        let line = json!({
            "user_id": id, "username": { "username": id }, "password_hash": hash,
        });
        let answer = roster.send_json("POST", "/api/users/import", line).await;
        assert_eq!(answer.body[0]["status"], 201, "{maker}: {answer:?}");
        let path = format!("/api/users/{id}");
        roster.login(&id, "correct horse batterx").await.expect(401);
        assert!(!stored(&roster, &path).await.starts_with(OWN), "{maker}");
        roster.login(&id, "correct horse battery").await.expect(200);
        assert!(stored(&roster, &path).await.starts_with(OWN), "{maker}");
        roster.login(&id, "correct horse battery").await.expect(200);
    }
}

#[tokio::test]
async fn hashes_that_an_import_alone_takes_are_refused_by_the_other_calls() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    for hash in [
        PBKDF2_SHA1,
        FIREBASE,
        "$pbkdf2-sha256$1000$c2FsdHNhbHQ$c2FsdHNhbHQ",
    ] {
        let body = json!({ "username": "hopper", "password_hash": hash });
        let created = roster.send_json("POST", "/api/users", body).await;
        assert_eq!(
            created.expect(422).codes(),
            ["PasswordHashInvalid"],
            "{hash}"
        );
        let body = json!({ "password_hash": hash });
        let set = roster
            .send_json("PUT", &format!("{path}/password"), body)
            .await;
        assert_eq!(set.expect(422).codes(), ["PasswordHashInvalid"], "{hash}");
    }
}
