//! What each call costs on a user of up to 1 KB: the rows of ARCHITECTURE.md, "Access patterns",
//! measured by `ConsumedCapacity`. DynamoDB Local counts half of a transaction's capacity, so these
//! tests run only on the embedded store, which counts as AWS does.

use domain::user::{Credential, Passkey};
use domain::{JsonObject, sample};
use serde_json::{Value, json};

use crate::harness::person::Person;
use crate::harness::{Answer, NOW, Recorded, Roster};

/// Requests, and units of the base table and of the indexes.
#[derive(Debug, PartialEq)]
struct Cost {
    actions: Vec<String>,
    table: f64,
    indexes: f64,
}

fn cost(actions: &[&str], table: f64, indexes: f64) -> Cost {
    let actions = actions.iter().map(|action| (*action).to_owned()).collect();
    Cost {
        actions,
        table,
        indexes,
    }
}

fn measured(recorded: Vec<Recorded>) -> Cost {
    let mut measured = cost(&[], 0.0, 0.0);
    for request in recorded {
        // An update whose condition fails costs a unit, but its answer doesn't say so.
        if request.consumed.is_null() {
            measured.actions.push(request.action);
            continue;
        }
        let consumed = match &request.consumed {
            Value::Array(tables) => tables.clone(),
            table => vec![table.clone()],
        };
        for table in consumed {
            measured.table += table["Table"]["CapacityUnits"].as_f64().unwrap();
            measured.indexes += table["GlobalSecondaryIndexes"]
                .as_object()
                .into_iter()
                .flat_map(|indexes| indexes.values())
                .map(|index| index["CapacityUnits"].as_f64().unwrap())
                .sum::<f64>();
        }
        measured.actions.push(request.action);
    }
    measured
}

async fn price(roster: &Roster, method: &str, path: &str, body: Value) -> (Cost, Value) {
    roster.faults.clear();
    let answer = roster.send_json(method, path, body).await;
    assert!(answer.status < 300, "{answer:?}");
    (measured(roster.faults.clear()), answer.body)
}

#[tokio::test]
async fn every_call_costs_what_the_design_says() {
    let roster = Roster::start().await;
    let none = || json!({});
    let body = json!({
        "username": "grace", "email": "grace@example.org", "email_verified": true,
        "phone_number": "+441514960454", "name": "Grace Hopper",
    });
    let (create, user) = price(&roster, "POST", "/api/users", body).await;
    // The user lies in by_creation and by_prefix.
    assert_eq!(create, cost(&["TransactWriteItems"], 8.0, 6.0));
    let whole = format!("/api/users/{}", user["user_id"].as_str().unwrap());
    // All that follows leaves this user below a kilobyte.
    let body = json!({ "username": "g", "email": "g@example.org", "email_verified": true });
    let (_, user) = price(&roster, "POST", "/api/users", body).await;
    let path = format!("/api/users/{}", user["user_id"].as_str().unwrap());

    let (get, _) = price(&roster, "GET", &path, none()).await;
    assert_eq!(get, cost(&["GetItem"], 1.0, 0.0));

    let update = || cost(&["UpdateItem"], 1.0, 0.0);
    let call = |method: &'static str, rest: String, body: Value| {
        let (roster, path) = (&roster, format!("{path}{rest}"));
        async move { price(roster, method, &path, body).await }
    };
    // Into by_disabled and out of it.
    for change in ["/disable", "/enable"] {
        let (change, _) = call("POST", change.into(), none()).await;
        assert_eq!(change, cost(&["UpdateItem"], 1.0, 1.0));
    }

    let read_and_write =
        |units: f64, indexes: f64| cost(&["GetItem", "TransactWriteItems"], 1.0 + units, indexes);
    let body = json!({ "email": "hopper@example.org", "is_verified": true });
    let (add, user) = call("POST", "/emails".into(), body).await;
    // The reservation lies in two indexes, by_prefix and by_domain.
    assert_eq!(add, read_and_write(4.0, 2.0));
    let emails = user["emails"].as_array().unwrap();
    let added = emails
        .iter()
        .find(|email| email["primary"] == false)
        .unwrap();
    let email = format!("/emails/{}", added["id"].as_str().unwrap());
    assert_eq!(
        call("POST", format!("{email}/unverify"), none()).await.0,
        update()
    );
    assert_eq!(
        call("POST", format!("{email}/verify"), none()).await.0,
        update()
    );
    assert_eq!(
        call("POST", format!("{email}/primary"), none()).await.0,
        update()
    );
    let old = emails
        .iter()
        .find(|email| email["primary"] == true)
        .unwrap();
    let old = format!("/emails/{}", old["id"].as_str().unwrap());
    assert_eq!(
        call("DELETE", old, none()).await.0,
        read_and_write(4.0, 2.0)
    );

    let body = json!({ "username": "hopper" });
    let (replace, _) = call("PUT", "/username".into(), body.clone()).await;
    assert_eq!(replace, read_and_write(6.0, 2.0));
    let (remove, _) = call("DELETE", "/username".into(), none()).await;
    assert_eq!(remove, read_and_write(4.0, 1.0));
    let (set, _) = call("PUT", "/username".into(), body).await;
    assert_eq!(set, read_and_write(4.0, 1.0));

    // Calls that change nothing cost an update whose condition fails, and one more write if the
    // operation has a name.
    assert_eq!(
        call("POST", "/enable".into(), none()).await.0,
        cost(&["UpdateItem"], 0.0, 0.0)
    );
    roster.faults.clear();
    let enable = roster.request("POST", &format!("{path}/enable"));
    enable
        .header("idempotency-key", "k")
        .send()
        .await
        .expect(200);
    assert_eq!(
        measured(roster.faults.clear()),
        cost(&["UpdateItem", "UpdateItem"], 1.0, 0.0)
    );
    roster.faults.clear();
    let set = roster.request("PUT", &format!("{path}/username"));
    let set = set.header("idempotency-key", "k");
    set.json(json!({ "username": "hopper" }))
        .send()
        .await
        .expect(200);
    assert_eq!(
        measured(roster.faults.clear()),
        cost(&["GetItem", "UpdateItem"], 2.0, 0.0)
    );

    roster.faults.clear();
    roster.send("DELETE", &whole).await.expect(204);
    let delete = measured(roster.faults.clear());
    // The user, three reservations, and who deleted it.
    assert_eq!(delete, read_and_write(2.0 * 5.0, 6.0));
}

#[tokio::test]
async fn an_imported_user_costs_what_a_created_one_does() {
    let roster = Roster::start().await;
    let line = json!({
        "user_id": "ada", "username": { "username": "ada" },
        "emails": [{ "email": "ada@example.org" }], "phone_numbers": [{ "phone": "+441514960455" }],
    });
    let import = |path, body| price(&roster, "POST", path, body);
    let (dry, _) = import("/api/users/import?dry_run=true", line.clone()).await;
    assert_eq!(dry, cost(&["GetItem"; 4], 4.0, 0.0));
    let (imported, _) = import("/api/users/import", line.clone()).await;
    assert_eq!(imported, cost(&["TransactWriteItems"], 8.0, 6.0));
    // The transaction fails, and its answer does not say what that costs.
    let (found, _) = import("/api/users/import", line).await;
    assert_eq!(found, cost(&["TransactWriteItems"], 0.0, 0.0));
}

#[tokio::test]
async fn what_changes_the_user_alone_costs_a_read_and_a_write() {
    let roster = Roster::start().await;
    let read_and_write = || cost(&["GetItem", "UpdateItem"], 1.0 + 1.0, 0.0);
    let body = json!({ "username": "grace", "password": sample::PASSWORD });
    let path = roster.create(body).await;
    let data = json!({ "private_data": { "a": 1 } });
    let changed = json!({
        "old_password": "staple battery horse", "new_password": sample::PASSWORD,
    });
    for (method, rest, body) in [
        ("PUT", "/username", json!({ "username": "Grace" })),
        (
            "PUT",
            "/password",
            json!({ "password": "staple battery horse" }),
        ),
        ("PUT", "/password/change", changed),
        ("PATCH", "/claims", json!({ "name": "Grace" })),
        ("PATCH", "/private_data", data),
        (
            "PATCH",
            "/public_data",
            json!({ "public_data": { "b": 2 } }),
        ),
        ("DELETE", "/password", json!({})),
    ] {
        let (paid, _) = price(&roster, method, &format!("{path}{rest}"), body).await;
        assert_eq!(paid, read_and_write(), "{method} {rest}");
    }
    for data in ["private_data", "public_data"] {
        let (read, _) = price(&roster, "GET", &format!("{path}/{data}"), json!({})).await;
        assert_eq!(read, cost(&["GetItem"], 1.0, 0.0));
    }

    // Less than the sample user has, which is over 1 KB.
    let path = roster.create(json!({ "username": "hopper" })).await;
    let user = sample::published();
    let (_, id) = path.rsplit_once('/').unwrap();
    roster
        .edit(id, |hopper| {
            hopper.passkeys = vec![Passkey {
                public_key: String::new(),
                user_agent: None,
                ..user.passkeys()[0].clone()
            }];
            hopper.external_providers = user.external_providers().to_vec();
            hopper.credential = Some(Credential {
                hash: None,
                updated_at: NOW,
                force_reset: false,
            });
        })
        .await;
    let passkey = format!("{path}/passkeys/{}", user.passkeys()[0].passkey_id);
    let (paid, _) = price(&roster, "DELETE", &passkey, json!({})).await;
    assert_eq!(paid, read_and_write());
    let provider = &user.external_providers()[0].provider_user_id;
    let body = json!({ "authenticator": "google", "provider_user_id": provider });
    let disconnect = format!("{path}/external_authenticator/disconnect");
    let (paid, _) = price(&roster, "POST", &disconnect, body).await;
    assert_eq!(paid, read_and_write());
    let forced = format!("{path}/password/force_reset");
    for method in ["POST", "DELETE"] {
        let (paid, _) = price(&roster, method, &forced, json!({})).await;
        assert_eq!(paid, cost(&["UpdateItem"], 1.0, 0.0));
    }
}

/// The table of docs/operating.md, "Limits and quotas": a user is one item, and whatever reads or writes
/// it pays for all of it.
#[tokio::test]
async fn enabling_and_signing_in_cost_by_the_kilobytes_of_claims_and_data() {
    for (kilobytes, units) in PRICES {
        let roster = Roster::start().await;
        let part = kilobytes * 1024 / 3;
        let data = |member: &str| {
            let text = "x".repeat(part);
            JsonObject::parse(&json!({ member: text }).to_string()).unwrap()
        };
        let user = sample::changed(sample::person().user, |user| {
            user.claims = data("name");
            user.public_data = data("a");
            user.private_data = data("b");
            user.disabled = true;
        });
        let path = roster.write(&user).await;
        let (got, _) = price(&roster, "GET", &path, json!({})).await;
        let (enabled, _) = price(&roster, "POST", &format!("{path}/enable"), json!({})).await;
        let signed_in = price_of(&roster, roster.login("ada", sample::PASSWORD)).await;
        let paid = [got, enabled, signed_in].map(|cost| cost.table.to_string());
        assert_eq!(paid, units.map(|unit| unit.to_string()), "{kilobytes} KB");
    }
}

/// Kilobytes of claims and data together, then units: to get the user, to enable them, to sign in.
const PRICES: [(usize, [f64; 3]); 3] = [
    (1, [1.0, 3.0, 18.0]),
    (10, [3.0, 12.0, 38.0]),
    (100, [26.0, 102.0, 241.0]),
];

#[tokio::test]
async fn a_page_of_users_costs_eight_queries_and_its_users() {
    let roster = Roster::start().await;
    for n in 0..30 {
        let body =
            json!({ "username": format!("user{n}"), "email": format!("user{n}@example.org") });
        roster.create(body).await;
    }
    let list = async |query: &str| {
        let path = format!("/api/users?{query}");
        roster.faults.clear();
        let answer = roster.send("GET", &path).await.expect(200);
        let cursor = answer.header("x-next-cursor").map(str::to_owned);
        let mut measured = measured(roster.faults.clear());
        // The number of all users is read at the same time as the page.
        measured.actions.sort();
        (measured, cursor)
    };
    let queries = |count: usize, of_table: &[&str], table: f64| {
        let actions = [of_table, &vec!["Query"; count]].concat();
        // A query of an index reads at most 4 KB here, and not consistently.
        #[expect(clippy::cast_precision_loss, reason = "a small count")]
        let indexes = count as f64 * 0.5;
        cost(&actions, table, indexes)
    };
    // The users on the page, and the counter.
    let page = || queries(8, &["BatchGetItem", "Query"], 10.0 + 1.0);
    let (first, cursor) = list("").await;
    assert_eq!(first, page());
    let (next, _) = list(&format!("cursor={}", cursor.unwrap())).await;
    assert_eq!(next, page());
    let (third, _) = list("page=3").await;
    assert_eq!(third, page());
    let (by_id, _) = list("filter=user_id:unknown").await;
    assert_eq!(by_id.actions, ["BatchGetItem"]);
    let (exact, _) = list("filter=email:user7@example.org").await;
    assert_eq!(exact, cost(&["BatchGetItem", "GetItem"], 2.0, 0.0));
    let (prefix, _) = list("filter=username:user1*").await;
    assert_eq!(prefix, queries(8, &["BatchGetItem"], 11.0));
    let (domain, _) = list("filter=domain:example.org").await;
    assert_eq!(domain, queries(8, &["BatchGetItem"], 30.0));
    // E-mail addresses and usernames.
    let (word, _) = list("filter=user1").await;
    assert_eq!(word, queries(16, &["BatchGetItem"], 11.0));
    let (sorted, _) = list("sort=name:1").await;
    assert_eq!(sorted, queries(8, &["BatchGetItem"], 30.0));
}

#[tokio::test]
async fn phone_numbers_cost_what_e_mail_addresses_do_but_for_one_index() {
    let roster = Roster::start().await;
    let body = json!({ "phone_number": "+441514960454", "phone_number_verified": true });
    let path = roster.create(body).await;
    let phones = format!("{path}/phones");
    let read_and_write = || cost(&["GetItem", "TransactWriteItems"], 1.0 + 4.0, 1.0);
    let body = json!({ "phone_number": "+441514960455", "is_verified": true });
    let (add, user) = price(&roster, "POST", &phones, body).await;
    assert_eq!(add, read_and_write());
    let id = |is_primary: bool| {
        let own = user["phone_numbers"].as_array().unwrap();
        let own = own.iter().find(|own| own["primary"] == is_primary).unwrap();
        own["id"].as_str().unwrap()
    };
    for call in ["unverify", "verify", "primary"] {
        let path = format!("{phones}/{}/{call}", id(false));
        let (change, _) = price(&roster, "POST", &path, json!({})).await;
        assert_eq!(change, cost(&["UpdateItem"], 1.0, 0.0), "{call}");
    }
    let old = format!("{phones}/{}", id(true));
    let (remove, _) = price(&roster, "DELETE", &old, json!({})).await;
    assert_eq!(remove, read_and_write());
}

#[tokio::test]
async fn a_link_costs_one_query_and_its_mail_one_transaction() {
    let roster = Roster::start().await;
    let body = json!({ "username": "grace", "email": "grace@example.org" });
    let (_, user) = price(&roster, "POST", "/api/users", body).await;
    let path = format!("/api/users/{}", user["user_id"].as_str().unwrap());
    let email = format!(
        "{path}/emails/{}",
        user["emails"][0]["id"].as_str().unwrap()
    );
    let (prove, reset) = (
        format!("{email}/verify/link"),
        format!("{path}/password/reset"),
    );
    // The user and the notification.
    let mailed = || cost(&["Query", "TransactWriteItems"], 1.0 + 4.0, 0.0);
    let unmailed = || cost(&["Query"], 1.0, 0.0);
    let (link, _) = price(&roster, "POST", &prove, json!({})).await;
    assert_eq!(link, mailed());
    let verify = format!("{email}/verify");
    roster.send("POST", &verify).await.expect(200);
    let (link, _) = price(&roster, "POST", &prove, json!({})).await;
    assert_eq!(link, unmailed());
    let (link, _) = price(&roster, "POST", &reset, json!({})).await;
    assert_eq!(link, unmailed());
    // Named, it is written down, though no mail goes out.
    let named = roster.request("POST", &reset).json(json!({}));
    let named = named.header("idempotency-key", "unmailed").send();
    let written_down = cost(&["Query", "UpdateItem", "GetItem"], 3.0, 0.0);
    assert_eq!(price_of(&roster, named).await, written_down);
    let body = json!({ "send_email": true });
    let (link, _) = price(&roster, "POST", &reset, body).await;
    assert_eq!(link, mailed());
    // A repeat reads the notification of the first time.
    for wanted in [mailed(), cost(&["Query", "GetItem"], 2.0, 0.0)] {
        roster.faults.clear();
        let call = roster.request("POST", &reset);
        let call = call.json(json!({ "send_email": true }));
        call.header("idempotency-key", "k").send().await.expect(200);
        assert_eq!(measured(roster.faults.clear()), wanted);
    }
}

#[tokio::test]
async fn a_lock_out_is_lifted_at_the_price_of_one_write() {
    let roster = Roster::start().await;
    let path = roster.create(json!({ "username": "grace" })).await;
    let user = roster.read(&path).await.unwrap();
    roster.send("DELETE", &path).await.expect(204);
    let user = sample::changed(user, |user| user.sign_ins.failures = 3);
    roster.write(&user).await;
    let (unblock, _) = price(&roster, "POST", &format!("{path}/unblock"), json!({})).await;
    assert_eq!(unblock, cost(&["UpdateItem"], 1.0, 0.0));
}

/// What a request cost that was sent by `call`.
async fn price_of(roster: &Roster, call: impl Future<Output = Answer>) -> Cost {
    roster.faults.clear();
    let answer = call.await;
    assert!(answer.status < 300, "{answer:?}");
    measured(roster.faults.clear())
}

#[tokio::test]
async fn sessions_blocked_addresses_and_grants_cost_what_the_design_says() {
    let roster = Roster::start().await;
    let body = json!({
        "username": "grace", "password": sample::PASSWORD, "is_temporary_password": false,
    });
    roster.create(body).await;
    let grace = roster.sign_in("grace", sample::PASSWORD).await;
    let path = format!("/api/users/{}", grace.id);
    let get = async |rest: &str| {
        let path = format!("{path}/{rest}");
        price_of(&roster, roster.send("GET", &path)).await
    };
    let id = grace.session.split('.').nth(1).unwrap();
    let session = format!("sessions/{id}");
    assert_eq!(get("sessions").await, cost(&["Query"], 1.0, 0.0));
    assert_eq!(get(&session).await, cost(&["BatchGetItem"], 2.0, 0.0));
    assert_eq!(get("grants/codes").await, cost(&["GetItem"], 1.0, 0.0));

    roster.login("grace", "wrong").await.expect(401);
    let look = ["GetItem", "Query"];
    assert_eq!(get("blocked_ips").await, cost(&look, 2.0, 0.0));
    let unblock = async |name: Option<&str>| {
        let call = roster.request("POST", &format!("{path}/blocked_ips/unblock"));
        let call = call.json(json!({ "ip_address": "all" }));
        let call = match name {
            Some(name) => call.header("idempotency-key", name),
            None => call,
        };
        price_of(&roster, call.send()).await
    };
    // The revision of the user's log, and the failures of an identifier with an IP address.
    let forget = ["GetItem", "Query", "TransactWriteItems", "UpdateItem"];
    assert_eq!(unblock(None).await, cost(&forget, 2.0 + 3.0, 0.0));
    let named = ["GetItem", "GetItem", "Query", "TransactWriteItems"];
    assert_eq!(unblock(Some("a")).await, cost(&named, 3.0 + 2.0, 0.0));

    let end = async |other: &Person<'_>, headers: &[(&str, &str)]| {
        let id = other.session.split('.').nth(1).unwrap();
        let call = roster.request("DELETE", &format!("{path}/sessions/{id}"));
        let call = headers
            .iter()
            .fold(call, |call, (name, value)| call.header(name, *value));
        price_of(&roster, call.send()).await
    };
    let ended = |units: f64| cost(&["BatchGetItem", "TransactWriteItems"], 2.0 + units, 0.0);
    assert_eq!(end(&grace, &[]).await, ended(4.0));
    let other = roster.sign_in("grace", sample::PASSWORD).await;
    assert_eq!(end(&other, &[("if-match", "*")]).await, ended(4.0));
    let other = roster.sign_in("grace", sample::PASSWORD).await;
    let tag = roster.send("GET", &path).await;
    let tag = tag.header("etag").unwrap();
    assert_eq!(end(&other, &[("if-match", tag)]).await, ended(4.0));
    let other = roster.sign_in("grace", sample::PASSWORD).await;
    assert_eq!(end(&other, &[("idempotency-key", "a")]).await, ended(6.0));
}

#[tokio::test]
async fn groups_cost_what_the_design_says() {
    let roster = Roster::start().await;
    let none = || json!({});
    let body = json!({ "name": "Staff", "description": "All of us" });
    // The group and its name; their entries in by_creation and by_prefix.
    let (create, group) = price(&roster, "POST", "/api/groups", body).await;
    assert_eq!(create, cost(&["TransactWriteItems"], 4.0, 2.0));
    let path = format!("/api/groups/{}", group["group_id"].as_str().unwrap());
    let (get, _) = price(&roster, "GET", &path, none()).await;
    assert_eq!(get, cost(&["Query"], 1.0, 0.0));

    let change = async |body: Value| price(&roster, "PATCH", &path, body).await.0;
    let alone = cost(&["Query", "UpdateItem"], 1.0 + 1.0, 0.0);
    assert_eq!(change(json!({ "description": null })).await, alone);
    assert_eq!(change(json!({ "name": "STAFF" })).await, alone);
    assert_eq!(change(none()).await, cost(&["Query"], 1.0, 0.0));
    let together =
        |units: f64, indexes: f64| cost(&["Query", "TransactWriteItems"], 1.0 + units, indexes);
    // The group, and both names; or the list of those that take in new users.
    assert_eq!(change(json!({ "name": "Team" })).await, together(6.0, 2.0));
    let automatic = json!({ "is_auto_assigned": true });
    assert_eq!(change(automatic).await, together(4.0, 0.0));

    // Eight partitions of the index, the group, and what is counted of it.
    let list = [&["Query"; 8], &["BatchGetItem", "Query"][..]].concat();
    let (listed, _) = price(&roster, "GET", "/api/groups", none()).await;
    assert_eq!(listed, cost(&list, 1.0 + 1.0, 8.0 * 0.5));
    let filtered = price(&roster, "GET", "/api/groups?filter=t", none())
        .await
        .0;
    assert_eq!(filtered, listed);

    let user = roster.create(json!({ "username": "grace" })).await;
    let place = format!("{user}/groups/{}", group["group_id"].as_str().unwrap());
    let look_and_write =
        |units: f64| cost(&["BatchGetItem", "TransactWriteItems"], 3.0 + units, 0.0);
    // User and group are looked at; both items of the membership are written.
    let assign = price(&roster, "POST", &place, none()).await.0;
    assert_eq!(assign, look_and_write(8.0));
    let again = price(&roster, "POST", &place, none()).await.0;
    assert_eq!(again, cost(&["BatchGetItem"], 3.0, 0.0));
    // The operation is looked for and written down.
    let named = |method: &str| {
        let call = roster.request(method, &place);
        call.header("idempotency-key", "k").send()
    };
    let again = price_of(&roster, named("POST")).await;
    assert_eq!(
        again,
        cost(
            &["BatchGetItem", "TransactWriteItems"],
            3.0 + 1.0 + 2.0,
            0.0
        )
    );
    let one = price(&roster, "GET", &place, none()).await.0;
    assert_eq!(one, cost(&["BatchGetItem"], 3.0, 0.0));
    let all = price(&roster, "GET", &format!("{user}/groups"), none())
        .await
        .0;
    let reads = ["GetItem", "Query", "BatchGetItem"];
    assert_eq!(all, cost(&reads, 3.0, 0.0));
    let unassign = cost(
        &["BatchGetItem", "TransactWriteItems"],
        3.0 + 1.0 + 6.0 + 2.0,
        0.0,
    );
    assert_eq!(price_of(&roster, named("DELETE")).await, unassign);

    // The group, its name, the list of those that take in new users, and the order to take it apart.
    let delete = price(&roster, "DELETE", &path, none()).await.0;
    let units = ["GetItem", "TransactWriteItems"];
    assert_eq!(delete, cost(&units, 1.0 + 8.0, 2.0));
    let body = json!({ "name": "Staff", "is_auto_assigned": true });
    let automatic = price(&roster, "POST", "/api/groups", body).await.0;
    assert_eq!(automatic, cost(&["TransactWriteItems"], 6.0, 2.0));
}

#[tokio::test]
async fn what_people_do_costs_what_the_design_says() {
    let roster = Roster::start().await;
    roster.person("grace").await;
    // The owner; the user and the device; the counters of the IP address and the pair; user, pair,
    // session and device; the attempt taken out of the IP address's counter.
    let sign_in = [
        "GetItem",
        "BatchGetItem",
        "UpdateItem",
        "UpdateItem",
        "TransactWriteItems",
        "UpdateItem",
    ];
    let price = price_of(&roster, roster.login("grace", sample::PASSWORD)).await;
    assert_eq!(price, cost(&sign_in, 1.0 + 2.0 + 2.0 + 8.0 + 1.0, 0.0));

    let grace = roster.sign_in("grace", sample::PASSWORD).await;
    // From the own device, only the device's counter.
    let at_home = [
        "GetItem",
        "BatchGetItem",
        "UpdateItem",
        "TransactWriteItems",
    ];
    let by_device = roster.login_by(&grace.device, "grace", sample::PASSWORD);
    let price = price_of(&roster, by_device).await;
    assert_eq!(price, cost(&at_home, 1.0 + 2.0 + 1.0 + 8.0, 0.0));
    // Both counters, before and after the check; the user.
    let wrong = [&["GetItem", "BatchGetItem"], ["UpdateItem"; 5].as_slice()].concat();
    roster.faults.clear();
    roster.login("grace", "wrong").await.expect(401);
    let price = measured(roster.faults.clear());
    assert_eq!(price, cost(&wrong, 1.0 + 2.0 + 5.0, 0.0));

    let price = price_of(&roster, grace.get("/users/email/")).await;
    assert_eq!(price, cost(&["BatchGetItem"], 2.0, 0.0));
    let price = price_of(&roster, grace.get("/users/emails/")).await;
    assert_eq!(price, cost(&["BatchGetItem", "Query"], 3.0, 0.0));

    // The caller; the user's hour; the user and the device; the counters of the IP address and the
    // pair; the pair deleted; the attempt taken out of the IP address's counter; the address's owner;
    // the account; the address's hour; user, pending address and notification.
    let request = [
        "BatchGetItem",
        "UpdateItem",
        "BatchGetItem",
        "UpdateItem",
        "UpdateItem",
        "DeleteItem",
        "UpdateItem",
        "GetItem",
        "Query",
        "UpdateItem",
        "TransactWriteItems",
    ];
    let change = grace.change_email("hopper@example.com", sample::PASSWORD);
    let price = price_of(&roster, change).await;
    let (reads, writes) = (2.0 + 2.0 + 1.0 + 1.0, 5.0 + 1.0 + 6.0);
    assert_eq!(price, cost(&request, reads + writes, 0.0));
    let link = roster.link_to("hopper@example.com").await;
    // Reservation, user, pending address, change, notification; the reservation's index entries.
    // With two addresses and a password, this user has just passed 1 KB: two units more.
    let price = price_of(&roster, roster.follow(&link)).await;
    let confirm = ["Query", "TransactWriteItems"];
    assert_eq!(price, cost(&confirm, 1.0 + 10.0 + 2.0, 2.0));
}

#[tokio::test]
async fn the_log_and_the_numbers_of_users_cost_what_the_design_says() {
    let roster = Roster::start().await;
    let delivered = async || {
        roster.faults.clear();
        roster.deliver().await;
        let mut measured = measured(roster.faults.clear());
        // The events of several users are written at the same time.
        measured.actions.sort();
        measured
    };
    // Which groups take in every user; the events, which lie in by_creation, and the number of users.
    let counted = |users: f64| {
        let table = 1.0 + 2.0 * users + 2.0;
        cost(&["GetItem", "TransactWriteItems"], table, users)
    };
    let mut paths = vec![roster.create(json!({ "username": "user0" })).await];
    assert_eq!(delivered().await, counted(1.0));
    for n in 1..=3 {
        let body = json!({ "username": format!("user{n}") });
        paths.push(roster.create(body).await);
    }
    assert_eq!(delivered().await, counted(3.0));

    // Events that nothing counts.
    for path in &paths {
        let disable = format!("{path}/disable");
        roster.send("POST", &disable).await.expect(200);
    }
    assert_eq!(delivered().await, cost(&["PutItem"; 4], 4.0, 4.0));
    // The log does not tell of what it has written itself.
    assert_eq!(delivered().await, cost(&[], 0.0, 0.0));

    // By whom the user was deleted; the event and the number; what hung on the user: nothing.
    roster.send("DELETE", &paths[0]).await.expect(204);
    let looks = [&["GetItem"; 2], ["Query"; 6].as_slice()].concat();
    let deletion = [looks, vec!["TransactWriteItems"]].concat();
    assert_eq!(delivered().await, cost(&deletion, 2.0 + 6.0 + 4.0, 1.0));

    // A member of a group, as a change of the user beside it: that the member was counted, the group's
    // number, and the group, which must be there.
    let group = json!({ "name": "Staff", "is_auto_assigned": true });
    let answer = roster.send_json("POST", "/api/groups", group).await;
    let group = answer.expect(201).body["group_id"].clone();
    let member = format!("{}/groups/{}", paths[1], group.as_str().unwrap());
    roster.send("POST", &member).await.expect(201);
    assert_eq!(
        delivered().await,
        cost(&["PutItem", "TransactWriteItems"], 1.0 + 6.0, 1.0)
    );

    // A new user comes into the group in the transaction that counts the user: the event, the number,
    // the user, the group, and both items of the membership. The membership is counted as above.
    roster.create(json!({ "username": "user4" })).await;
    let actions = [
        "GetItem",
        "PutItem",
        "TransactWriteItems",
        "TransactWriteItems",
    ];
    assert_eq!(delivered().await, cost(&actions, 1.0 + 12.0 + 7.0, 2.0));
}
