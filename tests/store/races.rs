//! Requests at the same moment: the first one succeeds, and the others are refused.

use std::collections::BTreeSet;

use domain::link::Purpose;
use domain::{Account, Email, Identifier, IdentifierId, OperationId, UserId, sample};
use futures_util::future::{join, join_all};
use macro_rules_attribute::apply;
use serde_json::{Map, Value, json};

use crate::harness::person::managed;
use crate::harness::{NOW, Roster, Store, write_by};

const ROUNDS: usize = 50;

/// How many clients there are at a time. DynamoDB Local carries out one request after the other. With
/// more clients on a busy machine, some would not get their answers within the functions' time.
fn clients(roster: &Roster) -> usize {
    match roster.store() {
        Store::Embedded => 64,
        Store::DynamodbLocal => 16,
    }
}

#[apply(on_both_stores)]
async fn of_many_clients_that_reserve_the_same_identifiers_exactly_one_gets_them(roster: Roster) {
    for round in 0..ROUNDS {
        let body = json!({
            "username": format!("grace{round}"),
            "email": format!("grace{round}@example.org"),
            "phone_number": format!("+44151496{:04}", 400 + round),
        });
        let claims =
            (0..clients(&roster)).map(|_| roster.send_json("POST", "/api/users", body.clone()));
        let answers = join_all(claims).await;
        let winners = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(winners, 1, "round {round}");
        for loser in answers.into_iter().filter(|answer| answer.status != 201) {
            let loser = loser.expect(422);
            assert!(
                loser
                    .codes()
                    .iter()
                    .all(|code| code.starts_with("Duplicate")),
                "{loser:?}"
            );
        }
    }
    roster.table.check_invariants().await;
}

#[apply(on_both_stores)]
async fn of_many_users_that_reserve_one_username_exactly_one_gets_it(roster: Roster) {
    let mut paths = Vec::new();
    for n in 0..16 {
        paths.push(
            roster
                .create(json!({ "email": format!("u{n}@example.org") }))
                .await,
        );
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

#[apply(on_both_stores)]
async fn of_changes_of_data_at_the_same_time_none_is_lost(roster: Roster) {
    let path = roster.create(json!({ "username": "grace" })).await;
    let mut merged = Map::new();
    for round in 0..8 {
        let members = (0..3).map(|n| format!("{round}.{n}"));
        let changes = members.clone().map(|member| {
            let body = json!({ "private_data": { member: { "round": round } } });
            let path = format!("{path}/private_data");
            let roster = &roster;
            async move { roster.send_json("PATCH", &path, body).await }
        });
        for answer in join_all(changes).await {
            answer.expect(200);
        }
        merged.extend(members.map(|member| (member, json!({ "round": round }))));
        let user = roster.send("GET", &path).await.body;
        assert_eq!(user["private_data"], Value::from(merged.clone()));
    }
}

#[apply(on_both_stores)]
async fn of_two_who_change_the_same_password_at_the_same_time_one_is_told_that_it_is_another(
    roster: Roster,
) {
    for round in 0..4 {
        let body = json!({ "username": format!("grace{round}"), "password": sample::PASSWORD });
        let path = roster.create(body).await;
        let change = |new: &'static str| {
            let body = json!({ "old_password": sample::PASSWORD, "new_password": new });
            let path = format!("{path}/password/change");
            let roster = &roster;
            async move { roster.send_json("PUT", &path, body).await }
        };
        let (one, other) = join(change("first long password"), change("other long password")).await;
        let statuses = BTreeSet::from([one.status, other.status]);
        assert_eq!(statuses, BTreeSet::from([200, 422]), "{one:?} {other:?}");
    }
}

#[apply(on_both_stores)]
async fn interleaved_changes_of_one_user_keep_the_invariants(roster: Roster) {
    for round in 0..6 {
        let body = json!({
            "username": format!("grace{round}"),
            "email": format!("a{round}@example.org"), "email_verified": true,
        });
        let path = roster.create(body).await;
        let body = json!({ "email": format!("b{round}@example.org"), "is_verified": true });
        let answer = roster
            .send_json("POST", &format!("{path}/emails"), body)
            .await
            .expect(200);
        let emails: Vec<String> = answer.body["emails"]
            .as_array()
            .unwrap()
            .iter()
            .map(|email| format!("{path}/emails/{}", email["id"].as_str().unwrap()))
            .collect();
        let mut calls = Vec::new();
        for n in 0..4 {
            calls.push(("POST", format!("{path}/enable"), json!({})));
            calls.push((
                "POST",
                format!("{path}/disable"),
                json!({ "revoke_sessions": n % 2 == 0 }),
            ));
            for email in &emails {
                calls.push(("POST", format!("{email}/primary"), json!({})));
                calls.push(("POST", format!("{email}/unverify"), json!({})));
                calls.push(("POST", format!("{email}/verify"), json!({})));
            }
            calls.push(("DELETE", emails[n % 2].clone(), json!({})));
            calls.push((
                "PUT",
                format!("{path}/username"),
                json!({ "username": format!("h{round}-{n}") }),
            ));
            calls.push(("DELETE", format!("{path}/username"), json!({})));
            calls.push((
                "POST",
                format!("{path}/emails"),
                json!({ "email": format!("c{round}-{n}@example.org") }),
            ));
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

#[apply(on_both_stores)]
async fn a_write_to_a_user_who_is_being_deleted_never_brings_a_ghost_back(roster: Roster) {
    let user = sample::published();
    let email = user.emails().ids().next().unwrap();
    for _ in 0..10 {
        let path = roster.write(&user).await;
        let roster = &roster;
        let mut calls = vec![("DELETE", path.clone(), json!({}))];
        for call in ["enable", "disable", "unblock"] {
            calls.push(("POST", format!("{path}/{call}"), json!({})));
        }
        calls.push(("POST", format!("{path}/emails/{email}/primary"), json!({})));
        calls.push((
            "PUT",
            format!("{path}/username"),
            json!({ "username": "grace" }),
        ));
        calls.push((
            "POST",
            format!("{path}/emails"),
            json!({ "email": "g@example.org" }),
        ));
        let answers = join_all(calls.into_iter().map(|(method, path, body)| async move {
            roster.send_json(method, &path, body).await
        }))
        .await;
        for answer in &answers {
            assert!(matches!(answer.status, 200 | 204 | 404), "{answer:?}");
        }
        assert!(
            roster.table.items_without_log().await.is_empty(),
            "{answers:?}"
        );
    }
}

#[apply(on_both_stores)]
async fn of_many_clients_that_create_a_group_of_one_name_exactly_one_does(roster: Roster) {
    for round in 0..ROUNDS / 5 {
        let create = async |n: usize| {
            // The same name in another case.
            let name = if n.is_multiple_of(2) {
                "Group"
            } else {
                "GROUP"
            };
            let body = json!({ "name": format!("{name} {round}") });
            roster.send_json("POST", "/api/groups", body).await
        };
        let answers = join_all((0..clients(&roster)).map(create)).await;
        let winners = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(winners, 1, "round {round}");
        for loser in answers.into_iter().filter(|answer| answer.status != 201) {
            assert!(loser.expect(422).body["errors"]["name"].is_array());
        }
    }
    roster.table.check_invariants().await;
}

#[apply(on_both_stores)]
async fn of_renames_to_one_name_and_deletions_at_once_no_name_is_left_behind(roster: Roster) {
    for round in 0..ROUNDS / 5 {
        let mut calls = Vec::new();
        for n in 0..4 {
            let path = roster.group_named(&format!("{round}-{n}")).await;
            let renamed = json!({ "name": format!("{round}-X"), "is_auto_assigned": true });
            calls.push(("PATCH", path.clone(), renamed));
            calls.push(("PATCH", path.clone(), json!({ "description": "new" })));
            calls.push(("DELETE", path, json!({})));
        }
        let roster = &roster;
        let answers = join_all(calls.into_iter().map(|(method, path, body)| async move {
            roster.send_json(method, &path, body).await
        }))
        .await;
        for answer in &answers {
            assert!(
                matches!(answer.status, 200 | 204 | 404 | 409 | 422),
                "{answer:?}"
            );
        }
        roster.table.check_invariants().await;
    }
}

#[apply(on_both_stores)]
async fn of_many_groups_that_become_automatic_at_once_no_more_than_twenty_do(roster: Roster) {
    for n in 0..18 {
        let body = json!({ "name": format!("before {n}"), "is_auto_assigned": true });
        roster.create_group(body).await;
    }
    // Few at a time: all of them write one item, and each has its turn within its attempts.
    let mut taken = 0;
    for round in 0..3 {
        let create = async |n: usize| {
            let body = json!({ "name": format!("{round}-{n}"), "is_auto_assigned": true });
            roster.send_json("POST", "/api/groups", body).await.status
        };
        let statuses = join_all((0..4).map(create)).await;
        assert!(
            statuses.iter().all(|status| matches!(status, 201 | 422)),
            "{statuses:?}"
        );
        taken += statuses.iter().filter(|status| **status == 201).count();
        roster.table.check_invariants().await;
    }
    assert_eq!(taken, 2);
}

#[apply(on_both_stores)]
async fn an_assignment_and_a_deletion_at_once_leave_no_membership_that_is_shown(roster: Roster) {
    for round in 0..ROUNDS / 5 {
        let user = roster
            .create(json!({ "username": format!("grace{round}") }))
            .await;
        let group = roster.group_named(&format!("Staff {round}")).await;
        let group_id = group.rsplit('/').next().unwrap();
        let place = format!("{user}/groups/{group_id}");
        let deleted = if round % 2 == 0 { &user } else { &group };
        let mut calls = vec![("POST", &place), ("DELETE", deleted)];
        calls.rotate_left(round / 2 % 2);
        let calls = calls
            .into_iter()
            .map(|(method, path)| roster.send(method, path));
        for answer in join_all(calls).await {
            assert!(matches!(answer.status, 201 | 204 | 404), "{answer:?}");
        }
        roster.send("GET", &place).await.expect(404);
        roster.send("POST", &place).await.expect(404);
        let left = roster.send("GET", &format!("{user}/groups")).await;
        if deleted == &group {
            assert_eq!(left.expect(200).body, json!([]));
        } else {
            left.expect(404);
        }
        roster.table.check_invariants().await;
    }
}

#[apply(on_both_stores)]
async fn of_assignments_and_their_opposites_at_once_each_leaves_both_items_or_none(roster: Roster) {
    let user = roster.create(json!({ "username": "grace" })).await;
    let group = roster.group_named("Staff").await;
    let place = format!("{user}/groups/{}", group.rsplit('/').next().unwrap());
    for _ in 0..ROUNDS / 5 {
        let methods = ["POST", "DELETE", "POST", "DELETE", "POST"];
        let calls = methods.map(|method| roster.send(method, &place));
        for answer in join_all(calls).await {
            assert!(matches!(answer.status, 201 | 204 | 404 | 409), "{answer:?}");
        }
        roster.table.check_invariants().await;
    }
}

#[apply(on_both_stores)]
async fn of_two_users_who_change_to_one_address_at_once_one_gets_it_and_the_other_gets_400(
    roster: Roster,
) {
    confirm_at_once(&roster, [Purpose::SetPrimaryEmail; 2], ROUNDS).await;
}

#[apply(on_both_stores)]
async fn of_two_users_who_change_to_and_add_one_address_at_once_one_gets_it(roster: Roster) {
    let purposes = [Purpose::SetPrimaryEmail, Purpose::VerifyEmail];
    confirm_at_once(&roster, purposes, ROUNDS / 5).await;
}

#[apply(on_both_stores)]
async fn a_link_that_is_used_twice_at_once_acts_once_and_tells_once(roster: Roster) {
    let id = only_a_username(&roster, "grace").await;
    let first = Email::parse("first@example.com").unwrap();
    let link = mailed_link(&roster, &id, &first, Purpose::SetPrimaryEmail).await;
    roster.follow(&link).await.expect(200);
    let mut old = first;
    for round in 0..ROUNDS {
        let email = Email::parse(&format!("r{round}@example.com")).unwrap();
        let link = mailed_link(&roster, &id, &email, Purpose::SetPrimaryEmail).await;
        let before = roster.accounts.get(&id).await.unwrap().unwrap();
        let told = roster.recipients().await.len();
        let answers = join_all((0..2).map(|_| roster.follow(&link))).await;
        for answer in answers {
            answer.expect(200);
        }
        let after = roster.accounts.get(&id).await.unwrap().unwrap();
        assert_eq!(
            after.user.version(),
            before.user.version().next(),
            "round {round}"
        );
        assert_eq!(
            after.user.email_generation(),
            before.user.email_generation().next()
        );
        assert_eq!(after.primary_email().unwrap().1, &email);
        assert_eq!(after.rights.len(), before.rights.len() + 1);
        assert_eq!(
            roster.recipients_after(told).await,
            [old.as_str()],
            "round {round}"
        );
        let (old_id, _) = before.primary_email().unwrap();
        roster
            .send("DELETE", &format!("/api/users/{id}/emails/{old_id}"))
            .await
            .expect(200);
        old = email;
    }
    roster.table.check_invariants().await;
}

#[apply(on_both_stores)]
async fn a_confirmation_and_its_cancelling_at_once_end_in_one_or_the_other(roster: Roster) {
    let id = only_a_username(&roster, "grace").await;
    for round in 0..ROUNDS {
        let email = Email::parse(&format!("r{round}@example.com")).unwrap();
        let link = mailed_link(&roster, &id, &email, Purpose::VerifyEmail).await;
        let nonce = roster.nonce(&link).await;
        let (proved, cancelled) = join(
            roster.submit(&link, &nonce, ""),
            roster.submit(&link, &nonce, "action=cancel"),
        )
        .await;
        let account = roster.accounts.get(&id).await.unwrap().unwrap();
        let is_proved = account.user.emails().values().any(|own| *own == email);
        let wanted = if is_proved { (200, 400) } else { (400, 200) };
        assert_eq!((proved.status, cancelled.status), wanted, "round {round}");
        assert!(account.pending.is_empty(), "round {round}: {account:#?}");
        for own in account.user.emails().ids() {
            let primary = account.user.emails().is_primary(own);
            if !primary {
                let path = format!("/api/users/{id}/emails/{own}");
                roster.send("DELETE", &path).await.expect(200);
            }
        }
    }
    roster.table.check_invariants().await;
}

/// Two users follow their links to one address at the same moment, round by round.
async fn confirm_at_once(roster: &Roster, purposes: [Purpose; 2], rounds: usize) {
    let users = [
        only_a_username(roster, "grace").await,
        only_a_username(roster, "ada").await,
    ];
    let mut wins = [0, 0];
    for round in 0..rounds {
        let email = Email::parse(&format!("r{round}@example.com")).unwrap();
        let mut links = Vec::new();
        for (id, purpose) in users.iter().zip(purposes) {
            links.push(mailed_link(roster, id, &email, purpose).await);
        }
        // The order changes, so that neither request is always the first one.
        links.rotate_left(round % 2);
        let answers = join_all(links.iter().map(|link| roster.follow(link))).await;
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400], "round {round}: {answers:#?}");
        let loser = answers.iter().find(|answer| answer.status == 400).unwrap();
        assert_eq!(loser.codes(), ["DuplicateEmail"], "round {round}");

        let identifier = Identifier::from(&email);
        let owner = roster.users.owner(Some(&identifier)).await.unwrap();
        let owner = owner.unwrap();
        let winner = users.iter().position(|id| *id == owner).unwrap();
        wins[winner] += 1;
        // Keeps both users far below the limit on addresses.
        for id in &users {
            let user = roster.users.get(id).await.unwrap().unwrap();
            let has_it = user.emails().values().any(|own| *own == email);
            assert_eq!(has_it, *id == owner, "round {round}");
            let emails = user.emails();
            for own in emails.ids().filter(|own| !emails.is_primary(*own)) {
                let path = format!("/api/users/{id}/emails/{own}");
                roster.send("DELETE", &path).await.expect(200);
            }
        }
        roster.table.check_invariants().await;
    }
    assert_eq!(wins.iter().sum::<usize>(), rounds);
}

async fn only_a_username(roster: &Roster, name: &str) -> UserId {
    let path = roster.create(json!({ "username": name })).await;
    UserId::parse(path.rsplit('/').next().unwrap()).unwrap()
}

/// The link that is mailed after a request for this address. The request is made without the calls,
/// because their hourly limits are not tested here.
async fn mailed_link(roster: &Roster, id: &UserId, email: &Email, purpose: Purpose) -> String {
    let app = roster.app();
    let fresh = IdentifierId::issue(NOW, *email.as_str().as_bytes().first_chunk().unwrap());
    let write = write_by(
        OperationId::of(&[id.as_str().as_bytes(), email.as_str().as_bytes()]),
        NOW,
    );
    let request = |account: &mut Account| {
        // Pending addresses of earlier rounds end, changes can't be undone, and each primary address
        // earns a right.
        account.pending.clear();
        account.rights.clear();
        account.user = managed(account.user.clone());
        let (email, context) = (email.clone(), app.change_context(&write));
        match purpose {
            Purpose::VerifyEmail => account.request_email(fresh, email, context),
            _ => account.request_change(fresh, email, context),
        }
    };
    let account = roster.accounts.edit(id, &write, request).await.unwrap();
    let link = account.outbox[0].message.link().unwrap();
    let token = app.link_keys.get().await.unwrap().sign(link, id);
    let call = match purpose {
        Purpose::VerifyEmail => "email-verify",
        _ => "email-set-primary",
    };
    format!("/users/{call}/{token}/{id}/")
}
