//! What e-mail addresses and phone numbers have in common: each promise is tested for both kinds. The
//! folders of the calls have what is special to a kind.

use std::time::Duration;

use domain::sample;
use serde_json::{Value, json};

use crate::harness::{Answer, Roster, UNKNOWN_ID};

/// One of the two kinds, as the API spells it.
struct Kind {
    /// The resource in paths.
    resource: &'static str,
    /// The member of a request.
    member: &'static str,
    /// The member of a user.
    list: &'static str,
    /// The member of one of the list, and its authenticator.
    shown: &'static str,
    /// Three that are alike in nothing.
    values: [&'static str; 3],
    /// What is none.
    malformed: &'static str,
    /// The sample user's own.
    sample_id: &'static str,
    invalid: &'static str,
    duplicate: &'static str,
    not_verified: &'static str,
    not_found: &'static str,
}

const KINDS: [Kind; 2] = [
    Kind {
        resource: "emails",
        member: "email",
        list: "emails",
        shown: "email",
        values: ["a@x.example", "b@x.example", "c@x.example"],
        malformed: "nobody",
        sample_id: "6cec8047-6149-4d9b-8d99-91c83c22a9dc",
        invalid: "InvalidEmail",
        duplicate: "DuplicateEmail",
        not_verified: "EmailNotVerified",
        not_found: "There is no such e-mail.",
    },
    Kind {
        resource: "phones",
        member: "phone_number",
        list: "phone_numbers",
        shown: "phone",
        values: ["+441514960961", "+441514960962", "+441514960963"],
        malformed: "0151 496 0961",
        sample_id: "ab66b6a2-df6b-4f9d-9eb2-5a7142984e70",
        invalid: "InvalidPhoneNumber",
        duplicate: "DuplicatePhoneNumber",
        not_verified: "PhoneNotVerified",
        not_found: "There is no such phone number.",
    },
];

impl Kind {
    /// Adds the value to the user at `path`.
    async fn add(&self, roster: &Roster, path: &str, value: &str, is_verified: bool) -> Answer {
        let body = json!({ self.member: value, "is_verified": is_verified });
        let path = format!("{path}/{}", self.resource);
        roster.send_json("POST", &path, body).await
    }

    /// A user with nothing but a username; its path.
    async fn grace(&self, roster: &Roster) -> String {
        roster.create(json!({ "username": "grace" })).await
    }

    /// Those that the answer shows: the value, whether it is verified, and whether it is primary.
    fn all(&self, answer: &Answer) -> Vec<(String, bool, bool)> {
        let all = answer.body[self.list].as_array().unwrap().iter();
        all.map(|one| {
            (
                one[self.shown].as_str().unwrap().to_owned(),
                one["verified"].as_bool().unwrap(),
                one["primary"].as_bool().unwrap(),
            )
        })
        .collect()
    }

    /// The path of a value that the answer shows.
    fn path_of(&self, path: &str, answer: &Answer, value: &str) -> String {
        let all = answer.body[self.list].as_array().unwrap();
        let own = all.iter().find(|one| one[self.shown] == value).unwrap();
        format!("{path}/{}/{}", self.resource, own["id"].as_str().unwrap())
    }

    /// The path of the sample user's own.
    fn sample(&self, path: &str) -> String {
        format!("{path}/{}/{}", self.resource, self.sample_id)
    }
}

fn sorted(mut all: Vec<(String, bool, bool)>) -> Vec<(String, bool, bool)> {
    all.sort();
    all
}

fn wanted(all: &[(&str, bool, bool)]) -> Vec<(String, bool, bool)> {
    let all = all.iter();
    sorted(
        all.map(|(value, verified, primary)| ((*value).to_owned(), *verified, *primary))
            .collect(),
    )
}

#[tokio::test]
async fn the_first_verified_one_becomes_primary_and_an_unverified_one_never_does() {
    for kind in &KINDS {
        let roster = Roster::start().await;
        let path = kind.grace(&roster).await;
        let [a, b, c] = kind.values;
        kind.add(&roster, &path, a, false).await.expect(200);
        kind.add(&roster, &path, b, true).await.expect(200);
        let answer = kind.add(&roster, &path, c, true).await.expect(200);
        let all = [(a, false, false), (b, true, true), (c, true, false)];
        assert_eq!(sorted(kind.all(&answer)), wanted(&all));
        roster.table.check_invariants().await;
    }
}

#[tokio::test]
async fn one_that_is_in_use_is_refused() {
    for kind in &KINDS {
        let roster = Roster::start().await;
        let [a, b, _] = kind.values;
        let other = json!({ "username": "hopper", kind.member: a });
        roster.create(other).await;
        let path = kind.grace(&roster).await;
        kind.add(&roster, &path, b, false).await.expect(200);
        let version = roster.read(&path).await.unwrap().version();
        for value in [a, b] {
            let answer = kind.add(&roster, &path, value, true).await.expect(422);
            assert_eq!(answer.codes(), [kind.duplicate]);
            assert_eq!(answer.body["errors"][0]["field"], kind.member);
        }
        assert_eq!(roster.read(&path).await.unwrap().version(), version);
    }
}

#[tokio::test]
async fn the_forty_first_one_is_refused() {
    for kind in &KINDS {
        let roster = Roster::start().await;
        let path = kind.grace(&roster).await;
        let value = |n: u32| match kind.shown {
            "email" => format!("grace{n}@example.org"),
            _ => format!("+4415149601{n:02}"),
        };
        for n in 0..40 {
            kind.add(&roster, &path, &value(n), false).await.expect(200);
        }
        let answer = kind.add(&roster, &path, &value(40), false).await;
        assert_eq!(answer.expect(422).codes(), ["UserTooLarge"]);
        roster.send("DELETE", &path).await.expect(204);
        assert!(roster.table.items_without_log().await.is_empty());
    }
}

#[tokio::test]
async fn what_is_none_is_refused_and_named() {
    for kind in &KINDS {
        let roster = Roster::start().await;
        let path = kind.grace(&roster).await;
        let answer = kind.add(&roster, &path, kind.malformed, false).await;
        assert_eq!(answer.expect(422).codes(), [kind.invalid]);
        let add = format!("{path}/{}", kind.resource);
        for body in [
            String::new(),
            "{}".to_owned(),
            json!({ kind.member: null }).to_string(),
            json!({ kind.member: [kind.values[0]] }).to_string(),
        ] {
            let call = roster.request("POST", &add).body(body);
            let answer = call.send().await.expect(422);
            assert!(answer.body["errors"][kind.member].is_array(), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn a_removed_one_is_free_for_others_and_not_found_afterwards() {
    for kind in &KINDS {
        let roster = Roster::start().await;
        let path = roster.write(&sample::published()).await;
        let before = roster.send("GET", &path).await;
        let value = kind.all(&before)[0].0.clone();
        let own = kind.sample(&path);
        let answer = roster.send("DELETE", &own).await.expect(200);
        assert_eq!(answer.body[kind.list], json!([]));
        let again = roster.send("DELETE", &own).await.expect(404);
        assert_eq!(again.body["detail"], kind.not_found);
        roster.create(json!({ kind.member: value })).await;
        roster.table.check_invariants().await;
    }
}

#[tokio::test]
async fn the_primary_one_stays_while_there_are_others_and_the_last_identifier_stays() {
    for kind in &KINDS {
        let roster = Roster::start().await;
        let path = kind.grace(&roster).await;
        let [a, b, _] = kind.values;
        kind.add(&roster, &path, a, true).await.expect(200);
        let answer = kind.add(&roster, &path, b, false).await.expect(200);
        let (primary, other) = (
            kind.path_of(&path, &answer, a),
            kind.path_of(&path, &answer, b),
        );
        let username = format!("{path}/username");
        roster.send("DELETE", &username).await.expect(200);
        let refused = roster.send("DELETE", &primary).await.expect(422);
        assert_eq!(refused.codes(), ["PrimaryIdentifier"]);
        roster.send("DELETE", &other).await.expect(200);
        let refused = roster.send("DELETE", &primary).await.expect(422);
        assert_eq!(refused.codes(), ["LastIdentifier"]);
        let body = json!({ "username": "grace" });
        roster.send_json("PUT", &username, body).await.expect(200);
        let answer = roster.send("DELETE", &primary).await.expect(200);
        assert_eq!(answer.body[kind.list], json!([]));
        roster.table.check_invariants().await;
    }
}

#[tokio::test]
async fn another_one_becomes_primary_in_its_place() {
    for kind in &KINDS {
        let roster = Roster::start().await;
        let path = kind.grace(&roster).await;
        let [a, b, _] = kind.values;
        kind.add(&roster, &path, a, true).await.expect(200);
        let answer = kind.add(&roster, &path, b, true).await.expect(200);
        let primary = format!("{}/primary", kind.path_of(&path, &answer, b));
        let answer = roster.send("POST", &primary).await.expect(200);
        let all = [(a, true, false), (b, true, true)];
        assert_eq!(sorted(kind.all(&answer)), wanted(&all));
        let before = roster.table.items().await;
        roster.send("POST", &primary).await.expect(200);
        assert_eq!(roster.table.items().await, before);
    }
}

#[tokio::test]
async fn an_unverified_one_can_not_be_made_primary() {
    for kind in &KINDS {
        let roster = Roster::start().await;
        let path = kind.grace(&roster).await;
        let [a, ..] = kind.values;
        let answer = kind.add(&roster, &path, a, false).await.expect(200);
        let primary = format!("{}/primary", kind.path_of(&path, &answer, a));
        let refused = roster.send("POST", &primary).await.expect(422);
        assert_eq!(refused.codes(), [kind.not_verified]);
        assert_eq!(roster.send("GET", &path).await.body, answer.body);
    }
}

#[tokio::test]
async fn a_verified_one_becomes_primary_when_there_is_none_and_else_keeps_its_place() {
    for kind in &KINDS {
        let roster = Roster::start().await;
        let path = kind.grace(&roster).await;
        let [a, b, _] = kind.values;
        kind.add(&roster, &path, a, false).await.expect(200);
        let answer = kind.add(&roster, &path, b, false).await.expect(200);
        for (value, all) in [
            (a, [(a, true, true), (b, false, false)]),
            (b, [(a, true, true), (b, true, false)]),
        ] {
            let verify = format!("{}/verify", kind.path_of(&path, &answer, value));
            let answer = roster.send("POST", &verify).await.expect(200);
            assert_eq!(sorted(kind.all(&answer)), wanted(&all));
            let own = answer.body[kind.list].as_array().unwrap();
            let own = own.iter().find(|one| one[kind.shown] == value).unwrap();
            assert_eq!(own["verification_source"], "api");
            assert_eq!(own["authenticators"], json!([kind.shown]));
        }
        roster.table.check_invariants().await;
    }
}

#[tokio::test]
async fn verifying_a_verified_one_changes_nothing() {
    for kind in &KINDS {
        let roster = Roster::start().await;
        let path = roster.write(&sample::published()).await;
        let before = roster.table.items().await;
        let verify = format!("{}/verify", kind.sample(&path));
        let answer = roster.send("POST", &verify).await.expect(200);
        let own = &answer.body[kind.list][0];
        assert_eq!(own["verification_source"], "monocloud");
        assert_eq!(roster.table.items().await, before);
    }
}

#[tokio::test]
async fn one_is_marked_as_not_proved_and_again_nothing_changes() {
    for kind in &KINDS {
        let roster = Roster::start().await;
        let path = roster.write(&sample::published()).await;
        let unverify = format!("{}/unverify", kind.sample(&path));
        let answer = roster.send("POST", &unverify).await.expect(200);
        let own = &answer.body[kind.list][0];
        assert_eq!(own["verified"], false);
        assert_eq!(own["verification_source"], Value::Null);
        assert_eq!(own["source"], "monocloud");
        assert_eq!(own["authenticators"], json!(["password"]));
        let before = roster.table.items().await;
        roster.send("POST", &unverify).await.expect(200);
        assert_eq!(roster.table.items().await, before);
    }
}

#[tokio::test]
async fn the_primary_one_stays_verified() {
    for kind in &KINDS {
        let roster = Roster::start().await;
        let path = roster.write(&sample::published()).await;
        let own = kind.sample(&path);
        let primary = format!("{own}/primary");
        roster.send("POST", &primary).await.expect(200);
        let answer = roster.send("POST", &format!("{own}/unverify")).await;
        assert_eq!(answer.expect(422).codes(), ["PrimaryIdentifier"]);
        roster.table.check_invariants().await;
    }
}

#[tokio::test]
async fn an_unknown_one_and_one_of_another_user_are_not_found_and_a_malformed_id_is_named() {
    for kind in &KINDS {
        let roster = Roster::start().await;
        roster.write(&sample::published()).await;
        let path = kind.grace(&roster).await;
        for (method, call) in [
            ("DELETE", ""),
            ("POST", "/primary"),
            ("POST", "/verify"),
            ("POST", "/unverify"),
            ("POST", "/verify/link"),
        ] {
            // Only an e-mail address is proved by a mail.
            if call == "/verify/link" && kind.resource != "emails" {
                continue;
            }
            let path = |id| format!("{path}/{}/{id}{call}", kind.resource);
            for id in [UNKNOWN_ID, kind.sample_id] {
                let answer = roster.send(method, &path(id)).await.expect(404);
                assert_eq!(answer.body["detail"], kind.not_found);
            }
            let answer = roster.send(method, &path("1")).await.expect(422);
            assert!(
                answer.body["errors"]["identifier_id"].is_array(),
                "{answer:?}"
            );
        }
    }
}

/// Changes of addresses by the management API make links inert that were sent before
/// (email-self-service.md, "Links"). Some were sent to a phone.
#[tokio::test]
async fn a_change_of_an_address_ends_links() {
    const WAITING: &str = "countess@example.com";
    for kind in &KINDS {
        let roster = Roster::start().await;
        let ada = roster.ada().await;
        let path = ada.path();
        let [value, ..] = kind.values;
        let user = kind.add(&roster, &path, value, false).await.expect(200);
        let own = kind.path_of(&path, &user, value);
        for (hours, method, call) in [
            (1, "POST", "/verify"),
            (2, "POST", "/primary"),
            (3, "POST", "/unverify"),
            (4, "DELETE", ""),
        ] {
            // Each in an hour of its own, so that no limit is in the way.
            let later = roster.later(Duration::from_hours(hours)).await;
            let email = format!("{hours}{WAITING}");
            ada.at(&later).add_email(&email).await.expect(200);
            let link = later.link_to(&email).await;
            if call == "/unverify" {
                // The primary one would stay verified.
                let list = later.send("GET", &path).await;
                let others = kind.all(&list);
                let other = others.iter().find(|(other, ..)| other != value);
                let other = kind.path_of(&path, &list, &other.unwrap().0);
                later
                    .send("POST", &format!("{other}/primary"))
                    .await
                    .expect(200);
            }
            later
                .send(method, &format!("{own}{call}"))
                .await
                .expect(200);
            let answer = later.follow(&link).await;
            assert_eq!(answer.status, 400, "{} {call}: {answer:?}", kind.resource);
        }
    }
}
