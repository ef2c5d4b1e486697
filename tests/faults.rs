//! Each writing call meets each fault at each of its requests: it answers success or an honest
//! 409 or 503, its effect happens once, and the version moves at most once.

use domain::sample;
use functions::ENDPOINTS;
use local::openapi::example_path;
use roster_http::{Access, Endpoint};

use crate::harness::{Answer, Call, Fault, Roster};

const FAULTS: [Fault; 8] = [
    Fault::Conflict,
    Fault::ConflictAndClaim,
    Fault::Throttle,
    Fault::ThrottledPart,
    Fault::InternalError,
    Fault::BadGateway,
    Fault::DropReply,
    Fault::GarbleReply,
];

fn writing_calls() -> impl Iterator<Item = &'static Endpoint> {
    ENDPOINTS
        .iter()
        .copied()
        .filter(|endpoint| endpoint.access == Access::Write)
}

fn request<'a>(roster: &'a Roster, endpoint: &Endpoint) -> Call<'a> {
    let (method, route) = endpoint.route();
    let path = example_path(route);
    roster
        .request(method.as_str(), &path)
        .body(endpoint.example)
}

/// The sample user in a state in which the call has something to do, and nobody else.
async fn afresh(roster: &Roster, endpoint: &Endpoint) {
    roster.table.clear().await;
    let mut user = sample::published();
    if endpoint.name == "disable_user" {
        user.disabled = false;
    }
    if endpoint.name == "verify_email" {
        for email in user.emails.values_mut() {
            email.verified = false;
            email.verification_source = None;
        }
    }
    roster.write(&user).await;
}

/// The table's state, less what differs from one attempt to the next: operations, and ids that
/// are drawn anew.
async fn state(roster: &Roster) -> Vec<String> {
    const COMPARED: [&str; 5] = [
        "disabled",
        "email_generation",
        "failure_count",
        "session_epoch",
        "version",
    ];
    let sample = format!("USER#{}", sample::published().id);
    let mut state = Vec::new();
    for ((pk, sk), item) in roster.table.items().await {
        let compared: Vec<_> = COMPARED.iter().map(|name| item.get(*name)).collect();
        let emails = item.get("emails").and_then(|emails| emails.as_m().ok());
        let verified: Vec<_> = emails
            .into_iter()
            .flatten()
            .map(|(_, email)| &email.as_m().unwrap()["verified"])
            .collect();
        let has_primary = item.contains_key("primary_email");
        let is_new = sk == "USER" && pk != sample;
        let pk = if is_new { "USER#new".to_owned() } else { pk };
        state.push(format!("{pk} {sk} {compared:?} {verified:?} {has_primary}"));
    }
    state.sort();
    state
}

fn is_honest(answer: &Answer) -> bool {
    answer.status < 300 || matches!(answer.status, 409 | 503)
}

async fn meet(roster: &Roster, endpoint: &Endpoint, times: usize) {
    afresh(roster, endpoint).await;
    let untouched = state(roster).await;
    roster.faults.clear();
    let calm = request(roster, endpoint).send().await;
    assert!(calm.status < 300, "{}: {calm:?}", endpoint.name);
    let requests = roster.faults.clear().len();
    let done = state(roster).await;
    assert_ne!(done, untouched, "{} has nothing to do", endpoint.name);

    for fault in FAULTS {
        for at in 0..requests {
            afresh(roster, endpoint).await;
            roster.faults.plan(at, times, fault);
            let answer = request(roster, endpoint).send().await;
            roster.faults.clear();
            let what = format!(
                "{} {fault:?} at {at}, {times} times: {answer:?}",
                endpoint.name
            );
            assert!(is_honest(&answer), "{what}");
            let after = state(roster).await;
            if answer.status < 300 {
                assert_eq!(after, done, "{what}");
            } else {
                assert!(after == untouched || after == done, "{what}");
            }
            roster.table.check_invariants().await;
        }
    }
}

/// With a key, a client that got no success repeats its request, and ends with the effect done
/// once.
async fn repeat(roster: &Roster, endpoint: &Endpoint) {
    afresh(roster, endpoint).await;
    let named = || request(roster, endpoint).header("idempotency-key", "k");
    roster.faults.clear();
    named().send().await;
    let requests = roster.faults.clear().len();
    let done = state(roster).await;
    for at in 0..requests {
        afresh(roster, endpoint).await;
        roster.faults.plan(at, usize::MAX, Fault::DropReply);
        let lost = named().send().await;
        roster.faults.clear();
        assert_eq!(lost.status, 503, "{} {lost:?}", endpoint.name);
        let again = named().send().await;
        assert!(again.status < 300, "{} {at}: {again:?}", endpoint.name);
        assert_eq!(state(roster).await, done, "{} {at}", endpoint.name);
        roster.table.check_invariants().await;
    }
}

on_both_stores! {
    async fn one_fault_is_survived_or_told(roster: Roster) {
        for endpoint in writing_calls() {
            meet(&roster, endpoint, 1).await;
        }
    }

    async fn three_faults_in_a_row_are_survived_or_told(roster: Roster) {
        for endpoint in writing_calls() {
            meet(&roster, endpoint, 3).await;
        }
    }

    async fn endless_faults_are_told(roster: Roster) {
        for endpoint in writing_calls() {
            meet(&roster, endpoint, usize::MAX).await;
        }
    }

    async fn a_client_that_repeats_a_lost_request_has_its_effect_once(roster: Roster) {
        for endpoint in writing_calls() {
            repeat(&roster, endpoint).await;
        }
    }

    async fn a_transaction_that_is_under_way_is_waited_for(roster: Roster) {
        for endpoint in writing_calls() {
            afresh(&roster, endpoint).await;
            roster.faults.plan(0, 12, Fault::UnderWay);
            let answer = request(&roster, endpoint).send().await;
            roster.faults.clear();
            assert!(answer.status < 300, "{}: {answer:?}", endpoint.name);
        }
    }
}
