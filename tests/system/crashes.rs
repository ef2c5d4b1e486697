//! A function is killed while it follows a link. The account is then as before or as after, and a
//! second use of the link completes the change.

use local::generate::openapi::example_path;
use local::samples;
use macro_rules_attribute::apply;
use roster_http::{Clock, Endpoint};
use serde_json::{Value, json};

use crate::harness::function::Function;
use crate::harness::person::{AccountState, link_calls};
use crate::harness::{Fault, Recorded, Roster, root};

/// The point at which a function is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Point {
    /// The transaction has reached the table, and is not carried out.
    BeforeTheTransaction,
    /// The table has carried the transaction out, and the function doesn't know it.
    AfterTheTransaction,
    /// The function has sent its answer, and it is not received.
    BeforeTheAnswer,
}

const POINTS: [Point; 3] = [
    Point::BeforeTheTransaction,
    Point::AfterTheTransaction,
    Point::BeforeTheAnswer,
];

impl Point {
    fn fault(self) -> Option<Fault> {
        match self {
            Self::BeforeTheTransaction => Some(Fault::Hang),
            Self::AfterTheTransaction => Some(Fault::HoldReply),
            Self::BeforeTheAnswer => None,
        }
    }
}

/// The event of a person who presses the button of the link's page.
async fn press(roster: &Roster, endpoint: &Endpoint) -> Value {
    let page = roster.open(&example_path(endpoint.route().1)).await;
    let (nonce, _) = page.set_cookies()["linknonce"];
    let file = root().join(format!("events/{}.json", endpoint.name));
    let mut event: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    event["httpMethod"] = "POST".into();
    event["body"] = "password=a+new+long+password".into();
    for (name, value) in [
        ("Accept", "text/html"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Cookie", &format!("linknonce={nonce}")),
    ] {
        event["headers"][name] = value.into();
        event["multiValueHeaders"][name] = json!([value]);
    }
    event
}

async fn afresh(roster: &Roster) -> AccountState {
    roster.table.clear().await;
    samples::write_person(&roster.app().table, roster.now)
        .await
        .unwrap();
    AccountState::of(roster).await.timeless()
}

/// The account after a function that was not disturbed, and its requests to the table.
async fn follow(
    roster: &Roster,
    endpoint: &Endpoint,
    event: &Value,
) -> (AccountState, Vec<Recorded>) {
    let mut function = Function::start(roster, endpoint.name).await;
    roster.faults.clear();
    let answer = function.invoke(event.clone()).await;
    assert_eq!(answer["statusCode"], 200, "{}: {answer}", endpoint.name);
    function.kill().await;
    let requests = roster.faults.clear();
    (AccountState::of(roster).await.timeless(), requests)
}

/// Kills a function at its transaction, which is its request number `transaction`.
async fn kill_at(
    point: Point,
    roster: &Roster,
    endpoint: &Endpoint,
    event: &Value,
    transaction: usize,
) {
    let mut function = Function::start(roster, endpoint.name).await;
    roster.faults.clear();
    if let Some(fault) = point.fault() {
        roster.faults.plan(transaction, usize::MAX, fault);
    }
    function.send(event.clone());
    if point == Point::BeforeTheAnswer {
        let (answer, _taken) = function.answer().await;
        assert_eq!(answer["statusCode"], 200, "{}: {answer}", endpoint.name);
        function.kill().await;
    } else {
        roster.faults.wait_for_a_held_request().await;
        function.kill().await;
    }
    let requests = roster.faults.clear();
    let last = &requests.last().unwrap().action;
    assert_eq!(last, "TransactWriteItems", "{} {point:?}", endpoint.name);
}

#[apply(on_both_stores)]
async fn a_function_that_is_killed_leaves_the_old_state_or_the_new_one_and_the_link_finishes(
    roster: Roster,
) {
    // The binaries use the real time.
    let roster = roster.also(Clock::System.now(), &[]).await;
    for endpoint in link_calls() {
        let untouched = afresh(&roster).await;
        let event = press(&roster, endpoint).await;
        let (done, requests) = follow(&roster, endpoint, &event).await;
        assert_ne!(done, untouched, "{}", endpoint.name);
        let transaction = requests.len() - 1;
        for point in POINTS {
            let what = format!("{} {point:?}", endpoint.name);
            assert_eq!(afresh(&roster).await, untouched, "{what}");
            kill_at(point, &roster, endpoint, &event, transaction).await;
            let left = AccountState::of(&roster).await.timeless();
            let wanted = if point == Point::BeforeTheTransaction {
                &untouched
            } else {
                &done
            };
            assert_eq!(left, *wanted, "{what}");
            roster.table.check_invariants().await;

            let (last, _) = follow(&roster, endpoint, &event).await;
            assert_eq!(last, done, "{what}, and then again");
            roster.table.check_invariants().await;
        }
    }
}
