//! What each call costs on a user of up to 1 KB: the rows of ARCHITECTURE.md, "Access patterns",
//! measured by `ConsumedCapacity`. DynamoDB Local counts half of a transaction's capacity, so these
//! tests run only on the embedded store, which counts as AWS does.

use domain::sample;
use serde_json::{Value, json};

use crate::harness::{Answer, Recorded, Roster};

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
