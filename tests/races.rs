//! Who comes first gets it, and nobody else does.

use domain::sample;
use futures_util::future::join_all;
use serde_json::json;

const CLIENTS: usize = 64;
const ROUNDS: usize = 50;

on_both_stores! {
    async fn of_64_clients_that_claim_the_same_identifiers_exactly_one_gets_them(roster: Roster) {
        for round in 0..ROUNDS {
            let body = json!({
                "username": format!("grace{round}"),
                "email": format!("grace{round}@example.org"),
                "phone_number": format!("+44151496{:04}", 400 + round),
            });
            let claims = (0..CLIENTS).map(|_| roster.send_json("POST", "/api/users", body.clone()));
            let answers = join_all(claims).await;
            let winners = answers.iter().filter(|answer| answer.status == 201).count();
            assert_eq!(winners, 1, "round {round}");
            for loser in answers.into_iter().filter(|answer| answer.status != 201) {
                let loser = loser.expect(422);
                assert!(loser.codes().iter().all(|code| code.starts_with("Duplicate")), "{loser:?}");
            }
        }
        roster.table.check_invariants().await;
    }

    async fn of_many_users_that_claim_one_username_exactly_one_gets_it(roster: Roster) {
        let mut paths = Vec::new();
        for n in 0..16 {
            paths.push(roster.create(json!({ "email": format!("u{n}@example.org") })).await);
        }
        for round in 0..10 {
            let claims = paths.iter().map(|path| {
                let body = json!({ "username": format!("grace{round}") });
                let path = format!("{path}/username");
                let roster = &roster;
                async move { roster.send_json("PUT", &path, body).await }
            });
            let answers = join_all(claims).await;
            let winners = answers.iter().filter(|answer| answer.status == 200).count();
            assert_eq!(winners, 1, "round {round}: {answers:?}");
            roster.table.check_invariants().await;
        }
    }

    async fn interleaved_changes_of_one_user_keep_the_invariants(roster: Roster) {
        for round in 0..6 {
            let body = json!({
                "username": format!("grace{round}"),
                "email": format!("a{round}@example.org"), "email_verified": true,
            });
            let path = roster.create(body).await;
            let body = json!({ "email": format!("b{round}@example.org"), "is_verified": true });
            let answer = roster.send_json("POST", &format!("{path}/emails"), body).await.expect(200);
            let emails: Vec<String> = answer.body["emails"]
                .as_array()
                .unwrap()
                .iter()
                .map(|email| format!("{path}/emails/{}", email["id"].as_str().unwrap()))
                .collect();
            let mut calls = Vec::new();
            for n in 0..4 {
                calls.push(("POST", format!("{path}/enable"), json!({})));
                calls.push(("POST", format!("{path}/disable"), json!({ "revoke_sessions": n % 2 == 0 })));
                for email in &emails {
                    calls.push(("POST", format!("{email}/primary"), json!({})));
                    calls.push(("POST", format!("{email}/unverify"), json!({})));
                    calls.push(("POST", format!("{email}/verify"), json!({})));
                }
                calls.push(("DELETE", emails[n % 2].clone(), json!({})));
                calls.push(("PUT", format!("{path}/username"), json!({ "username": format!("h{round}-{n}") })));
                calls.push(("DELETE", format!("{path}/username"), json!({})));
                calls.push(("POST", format!("{path}/emails"), json!({ "email": format!("c{round}-{n}@example.org") })));
            }
            let roster = &roster;
            let answers = join_all(calls.into_iter().map(|(method, path, body)| async move {
                roster.send_json(method, &path, body).await
            }))
            .await;
            for answer in answers {
                assert!(matches!(answer.status, 200 | 404 | 409 | 422), "{answer:?}");
            }
            roster.table.check_invariants().await;
        }
    }

    async fn a_write_to_a_user_who_is_being_deleted_never_brings_a_ghost_back(roster: Roster) {
        let user = sample::published();
        let email = user.emails.keys().next().unwrap();
        for _ in 0..10 {
            let path = roster.write(&user).await;
            let roster = &roster;
            let mut calls = vec![("DELETE", path.clone(), json!({}))];
            for call in ["enable", "disable", "unblock"] {
                calls.push(("POST", format!("{path}/{call}"), json!({})));
            }
            calls.push(("POST", format!("{path}/emails/{email}/primary"), json!({})));
            calls.push(("PUT", format!("{path}/username"), json!({ "username": "grace" })));
            calls.push(("POST", format!("{path}/emails"), json!({ "email": "g@example.org" })));
            let answers = join_all(calls.into_iter().map(|(method, path, body)| async move {
                roster.send_json(method, &path, body).await
            }))
            .await;
            for answer in &answers {
                assert!(matches!(answer.status, 200 | 204 | 404), "{answer:?}");
            }
            assert!(roster.table.items().await.is_empty(), "{answers:?}");
        }
    }
}
