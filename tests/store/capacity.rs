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
    assert_eq!(create, cost(&["TransactWriteItems"], 8.0, 5.0));
    let path = format!("/api/users/{}", user["user_id"].as_str().unwrap());

    let (get, _) = price(&roster, "GET", &path, none()).await;
    assert_eq!(get, cost(&["GetItem"], 1.0, 0.0));

    let update = || cost(&["UpdateItem"], 1.0, 0.0);
    let call = |method: &'static str, rest: String, body: Value| {
        let (roster, path) = (&roster, format!("{path}{rest}"));
        async move { price(roster, method, &path, body).await }
    };
    assert_eq!(call("POST", "/disable".into(), none()).await.0, update());
    assert_eq!(call("POST", "/enable".into(), none()).await.0, update());

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
    roster.send("DELETE", &path).await.expect(204);
    let delete = measured(roster.faults.clear());
    assert_eq!(delete, read_and_write(2.0 * 4.0, 5.0));
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
    let grace = roster.person("grace").await;
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
    // A username and an e-mail address.
    let look = ["GetItem", "Query", "Query"];
    assert_eq!(get("blocked_ips").await, cost(&look, 3.0, 0.0));
    let unblock = async |name: Option<&str>| {
        let call = roster.request("POST", &format!("{path}/blocked_ips/unblock"));
        let call = call.json(json!({ "ip_address": "all" }));
        let call = match name {
            Some(name) => call.header("idempotency-key", name),
            None => call,
        };
        price_of(&roster, call.send()).await
    };
    let forget = ["GetItem", "Query", "Query", "UpdateItem"];
    assert_eq!(unblock(None).await, cost(&forget, 3.0 + 1.0, 0.0));
    let named = ["GetItem", "GetItem", "Query", "Query", "TransactWriteItems"];
    assert_eq!(unblock(Some("a")).await, cost(&named, 4.0 + 2.0, 0.0));

    let end = async |other: &Person<'_>, headers: &[(&str, &str)]| {
        let id = other.session.split('.').nth(1).unwrap();
        let call = roster.request("DELETE", &format!("{path}/sessions/{id}"));
        let call = headers
            .iter()
            .fold(call, |call, (name, value)| call.header(name, *value));
        price_of(&roster, call.send()).await
    };
    let ended = |units: f64| cost(&["BatchGetItem", "TransactWriteItems"], 2.0 + units, 0.0);
    assert_eq!(end(&grace, &[]).await, ended(2.0));
    let other = roster.sign_in("grace", sample::PASSWORD).await;
    assert_eq!(end(&other, &[("if-match", "*")]).await, ended(2.0));
    let other = roster.sign_in("grace", sample::PASSWORD).await;
    let tag = roster.send("GET", &path).await;
    let tag = tag.header("etag").unwrap();
    assert_eq!(end(&other, &[("if-match", tag)]).await, ended(4.0));
    let other = roster.sign_in("grace", sample::PASSWORD).await;
    assert_eq!(end(&other, &[("idempotency-key", "a")]).await, ended(4.0));
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
