//! Each call that writes meets each fault at each of its requests. It answers success, or 409 or 503.
//! Its effect happens once, and the version moves at most once.

use macro_rules_attribute::apply;
use std::sync::Mutex;

use domain::Version;
use domain::user::SignIns;
use domain::{User, sample};
use futures_util::future::join_all;
use local::calls::ENDPOINTS;
use local::generate::openapi::example_path;
use local::generate::sample_session;
use local::samples;
use people::account;
use roster_http::{Access, Endpoint};

use crate::harness::person::{AccountState, let_mail, link_calls, unproved};
use crate::harness::{Answer, Call, Fault, NOW, Roster, Store};

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
        .filter(|endpoint| endpoint.access == Access::Write && endpoint.succeeds())
}

fn request<'a>(roster: &'a Roster, endpoint: &Endpoint) -> Call<'a> {
    let (method, route) = endpoint.route();
    let path = example_path(route);
    roster
        .request(method.as_str(), &path)
        .body(endpoint.body.example())
}

/// Sends the request. Where each line of it has an answer of its own, the one line's status counts.
async fn send(request: Call<'_>) -> Answer {
    let mut answer = request.send().await;
    let of_line = answer.body[0]["status"].as_u64();
    if let Some(status) = of_line.and_then(|status| u16::try_from(status).ok()) {
        answer.status = status;
    }
    answer
}

/// A table with the sample user and what else the call is about, in a state in which the call has an effect.
async fn afresh(roster: &Roster, endpoint: &Endpoint) {
    roster.table.clear().await;
    let user = sample::changed(sample::published(), |user| {
        if endpoint.name == "disable_user" {
            user.disabled = false;
        }
        if endpoint.name == "cancel_forced_password_reset" {
            user.credential.as_mut().unwrap().force_reset = true;
        }
        if endpoint.name == "verify_email" {
            user.emails = unproved(&user.emails);
        }
        if endpoint.name == "verify_phone" {
            user.phones = unproved(&user.phones);
        }
        let_mail(endpoint.name, user);
    });
    roster.write(&user).await;
    if matches!(endpoint.name, "end_session" | "unblock_ip") {
        samples::write_sign_ins(&roster.app().table, &user, NOW)
            .await
            .unwrap();
    }
    lay_out_group(roster, endpoint, &user).await;
}

/// The sample group where the call is about one, and who is in it where the call takes a user out.
async fn lay_out_group(roster: &Roster, endpoint: &Endpoint, user: &User) {
    let table = &roster.app().table;
    if endpoint.route().1.contains("{group_id}") {
        samples::write_group(table, NOW).await.unwrap();
    }
    if endpoint.name == "unassign_group" {
        samples::write_membership(table, user, NOW).await.unwrap();
    }
}

/// The table's state, without what differs between attempts: operations and random ids.
async fn state(roster: &Roster) -> Vec<String> {
    const COMPARED: [&str; 14] = [
        "claims",
        "description",
        "disabled",
        "email_generation",
        "failed",
        "failure_count",
        "force_password_reset",
        "is_auto_assigned",
        "name",
        "password_updated_at",
        "private_data",
        "public_data",
        "session_epoch",
        "version",
    ];
    let sample = format!("USER#{}", sample::published().id());
    let mut state = Vec::new();
    for ((pk, sk), item) in roster.table.items().await {
        let compared: Vec<_> = COMPARED.iter().map(|name| item.get(*name)).collect();
        let addresses = ["emails", "phones"].map(|name| item.get(name));
        let addresses = addresses.into_iter().flatten();
        let verified: Vec<_> = addresses
            .filter_map(|addresses| addresses.as_m().ok())
            .flatten()
            .map(|(_, address)| &address.as_m().unwrap()["verified"])
            .collect();
        let present = [
            "external_providers",
            "passkeys",
            "primary_email",
            "primary_phone",
        ]
        .map(|name| item.contains_key(name));
        let is_new = sk == "USER" && pk != sample;
        let pk = if is_new { "USER#new".to_owned() } else { pk };
        let is_new_group = sk == "GROUP" && pk != format!("GROUP#{}", sample::GROUP);
        let pk = if is_new_group {
            "GROUP#new".to_owned()
        } else {
            pk
        };
        // Named by its operation.
        let sk = if sk.starts_with("NOTIFICATION#") {
            "NOTIFICATION#new".to_owned()
        } else {
            sk
        };
        state.push(format!("{pk} {sk} {compared:?} {verified:?} {present:?}"));
    }
    state.sort();
    state
}

fn is_honest(answer: &Answer) -> bool {
    answer.status < 300 || matches!(answer.status, 409 | 503)
}

async fn meet(roster: &Roster, endpoint: &Endpoint, fault: Fault, times: usize) {
    afresh(roster, endpoint).await;
    let untouched = state(roster).await;
    roster.faults.clear();
    let calm = send(request(roster, endpoint)).await;
    assert!(calm.status < 300, "{}: {calm:?}", endpoint.name);
    let requests = roster.faults.clear().len();
    let done = state(roster).await;
    assert_ne!(done, untouched, "{} has nothing to do", endpoint.name);

    for at in 0..requests {
        afresh(roster, endpoint).await;
        roster.faults.plan(at, times, fault);
        let answer = send(request(roster, endpoint)).await;
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

/// With an `Idempotency-Key`, a client that got no success repeats its request. In the end the effect
/// has happened once.
async fn repeat(roster: &Roster, endpoint: &Endpoint) {
    afresh(roster, endpoint).await;
    let named = || request(roster, endpoint).header("idempotency-key", "k");
    roster.faults.clear();
    send(named()).await;
    let requests = roster.faults.clear().len();
    let done = state(roster).await;
    for at in 0..requests {
        afresh(roster, endpoint).await;
        roster.faults.plan(at, usize::MAX, Fault::DropReply);
        let lost = send(named()).await;
        roster.faults.clear();
        assert_eq!(lost.status, 503, "{} {lost:?}", endpoint.name);
        let again = send(named()).await;
        assert!(again.status < 300, "{} {at}: {again:?}", endpoint.name);
        assert_eq!(state(roster).await, done, "{} {at}", endpoint.name);
        roster.table.check_invariants().await;
    }
}

/// Runs `each` for all of `all`, eight at a time on eight services. Most of the time the SDK and the
/// store wait before they try again.
async fn at_once<T>(
    roster: &Roster,
    all: impl IntoIterator<Item = T>,
    each: impl AsyncFn(&Roster, T),
) {
    const SERVICES: usize = 8;
    let all = Mutex::new(all.into_iter());
    let next = || all.lock().unwrap().next();
    let services = (0..SERVICES).map(async |_| {
        let roster = roster.another().await;
        while let Some(one) = next() {
            each(&roster, one).await;
        }
    });
    join_all(services).await;
}

/// The `faults` that depend on the store. On DynamoDB Local, only those where it carries the request
/// out: the others don't reach a store.
fn that_reach(roster: &Roster, faults: &[Fault]) -> Vec<Fault> {
    let reaches = |fault: &Fault| match roster.store() {
        Store::Embedded => true,
        Store::DynamodbLocal => matches!(fault, Fault::DropReply | Fault::GarbleReply),
    };
    faults.iter().copied().filter(reaches).collect()
}

/// Each of the calls with each of the faults.
fn pairs(
    endpoints: impl Iterator<Item = &'static Endpoint>,
    faults: &[Fault],
) -> impl Iterator<Item = (&'static Endpoint, Fault)> {
    endpoints.flat_map(|endpoint| faults.iter().map(move |fault| (endpoint, *fault)))
}

#[apply(on_both_stores)]
async fn one_fault_is_survived_or_told(roster: Roster) {
    let faults = that_reach(&roster, &FAULTS);
    let all = pairs(writing_calls(), &faults);
    at_once(&roster, all, async |roster, (endpoint, fault)| {
        meet(roster, endpoint, fault, 1).await;
    })
    .await;
}

#[apply(on_both_stores)]
async fn three_faults_in_a_row_are_survived_or_told(roster: Roster) {
    let faults = that_reach(&roster, &FAULTS);
    let all = pairs(writing_calls(), &faults);
    at_once(&roster, all, async |roster, (endpoint, fault)| {
        meet(roster, endpoint, fault, 3).await;
    })
    .await;
}

#[apply(on_both_stores)]
async fn endless_faults_are_told(roster: Roster) {
    let faults = that_reach(&roster, &FAULTS);
    let all = pairs(writing_calls(), &faults);
    at_once(&roster, all, async |roster, (endpoint, fault)| {
        meet(roster, endpoint, fault, usize::MAX).await;
    })
    .await;
}

#[apply(on_both_stores)]
async fn a_client_that_repeats_a_lost_request_has_its_effect_once(roster: Roster) {
    at_once(&roster, writing_calls(), repeat).await;
}

#[apply(on_both_stores)]
async fn a_transaction_that_is_under_way_is_waited_for(roster: Roster) {
    at_once(&roster, writing_calls(), async |roster, endpoint| {
        afresh(roster, endpoint).await;
        roster.faults.plan(0, 12, Fault::UnderWay);
        let answer = send(request(roster, endpoint)).await;
        roster.faults.clear();
        assert!(answer.status < 300, "{}: {answer:?}", endpoint.name);
    })
    .await;
}

#[apply(on_both_stores)]
async fn a_used_link_leaves_the_old_state_or_the_new_one_and_its_repeat_finishes(roster: Roster) {
    let faults = that_reach(&roster, &FAULTS);
    let all = pairs(link_calls(), &faults);
    at_once(&roster, all, async |roster, (endpoint, fault)| {
        let calm = Calm::of(roster, endpoint).await;
        for at in 0..calm.requests {
            Box::pin(calm.meet(roster, fault, at, 1)).await;
        }
    })
    .await;
}

#[apply(on_both_stores)]
async fn a_used_link_that_is_cut_off_before_or_after_its_transaction_can_be_used_again(
    roster: Roster,
) {
    let faults = [Fault::InternalError, Fault::Conflict, Fault::DropReply];
    let faults = that_reach(&roster, &faults);
    let all = pairs(link_calls(), &faults);
    at_once(&roster, all, async |roster, (endpoint, fault)| {
        let calm = Calm::of(roster, endpoint).await;
        for at in 0..calm.requests {
            Box::pin(calm.meet(roster, fault, at, usize::MAX)).await;
        }
    })
    .await;
}

#[apply(on_both_stores)]
async fn a_request_to_change_the_address_happens_once_or_not_at_all(roster: Roster) {
    let once = that_reach(&roster, &FAULTS);
    let endless = that_reach(&roster, &[Fault::InternalError, Fault::DropReply]);
    let once = once.into_iter().map(|fault| (fault, 1));
    let all = once.chain(endless.into_iter().map(|fault| (fault, usize::MAX)));
    at_once(&roster, all, async |roster, (fault, times)| {
        let calm = Calm::of(roster, &account::request_email_change::ENDPOINT).await;
        for at in 0..calm.requests {
            Box::pin(calm.meet(roster, fault, at, times)).await;
        }
    })
    .await;
}

/// The result of a person's call without faults.
struct Calm {
    endpoint: &'static Endpoint,
    /// The nonce that the link's page gave its form.
    nonce: String,
    untouched: AccountState,
    done: AccountState,
    requests: usize,
}

impl Calm {
    async fn of(roster: &Roster, endpoint: &'static Endpoint) -> Self {
        let untouched = Self::afresh(roster).await;
        let mut nonce = String::new();
        if endpoint.access == Access::Link {
            let page = roster.open(&example_path(endpoint.route().1)).await;
            page.set_cookies()["linknonce"].0.clone_into(&mut nonce);
        }
        let (answer, requests) = Self::send(roster, endpoint, &nonce, None).await;
        let answer = answer.expect(200);
        let done = AccountState::of(roster).await;
        assert_ne!(
            done, untouched,
            "{} has nothing to do: {answer:?}",
            endpoint.name
        );
        assert_ne!(requests, 0);
        Self {
            endpoint,
            nonce,
            untouched,
            done,
            requests,
        }
    }

    async fn afresh(roster: &Roster) -> AccountState {
        roster.table.clear().await;
        samples::write_person(&roster.app().table, NOW)
            .await
            .unwrap();
        AccountState::of(roster).await
    }

    /// Sends the request of a person. Returns how many requests the store got.
    async fn send(
        roster: &Roster,
        endpoint: &Endpoint,
        nonce: &str,
        fault: Option<(usize, usize, Fault)>,
    ) -> (Answer, usize) {
        let path = example_path(endpoint.route().1);
        let call = if endpoint.access == Access::Link {
            roster
                .visit("POST", &path)
                .header("accept", "application/json")
                .header("content-type", "application/x-www-form-urlencoded")
                .header("cookie", format!("linknonce={nonce}"))
                .body("password=a+new+long+password")
        } else {
            let call = roster.visit("POST", &path).body(endpoint.body.example());
            let headers = sample_session().into_iter();
            headers.fold(call, |call, (name, value)| call.header(&name, value))
        };
        roster.faults.clear();
        if let Some((at, times, fault)) = fault {
            roster.faults.plan(at, times, fault);
        }
        let answer = call.send().await;
        (answer, roster.faults.clear().len())
    }

    async fn meet(&self, roster: &Roster, fault: Fault, at: usize, times: usize) {
        let Self {
            endpoint,
            nonce,
            untouched,
            done,
            ..
        } = self;
        assert_eq!(Self::afresh(roster).await, *untouched);
        let (answer, _) = Self::send(roster, endpoint, nonce, Some((at, times, fault))).await;
        let what = format!(
            "{} {fault:?} at {at}, {times} times: {answer:?}",
            endpoint.name
        );
        assert!(is_honest(&answer), "{what}");
        let after = AccountState::of(roster).await;
        if answer.status == 200 {
            assert_eq!(after, *done, "{what}");
        } else {
            let compared = Self::comparable(&after);
            let either = [untouched, done].map(Self::comparable);
            assert!(either.contains(&compared), "{what}: {after:#?}");
        }
        roster.table.check_invariants().await;

        let was_done =
            !after.notified.is_empty() || Self::comparable(&after) != Self::comparable(untouched);
        let (again, _) = Self::send(roster, endpoint, nonce, None).await;
        let what = format!("{what}, and then {again:?}");
        assert_eq!(again.status, 200, "{what}");
        let last = AccountState::of(roster).await;
        assert_eq!(last.pending, done.pending, "{what}");
        if endpoint.access == Access::Link {
            assert_eq!(Self::comparable(&last), Self::comparable(done), "{what}");
        } else {
            // A request that is made twice also sends its notifications twice.
            let times = if was_done { 2 } else { 1 };
            assert_eq!(last.notified.len(), times * done.notified.len(), "{what}");
        }
        roster.table.check_invariants().await;
    }

    /// Without the counters of sign-ins, and the version that moves with them: a request leaves them on
    /// the user even if it gets no further.
    fn comparable(state: &AccountState) -> AccountState {
        let mut state = state.clone();
        state.user.sign_ins = SignIns::default();
        state.user.version = Version::new(0);
        state
    }
}
