//! How functions get the keys of links (email-self-service.md, "Links").

use local::samples;
use roster_http::Clock;
use serde_json::Value;

use crate::harness::function::Function;
use crate::harness::{Fault, Faults, Roster, root};

const CALL: &str = "verify_own_email";

/// A valid link, its owner, and the Systems Manager with faults in front of it.
async fn set_up() -> (Roster, Value, Faults, String) {
    // The binaries use the real time.
    let now = Clock::System.now();
    let roster = Roster::start().await.also(now, &[]).await;
    samples::write_person(&roster.app().table, now)
        .await
        .unwrap();
    let event = std::fs::read_to_string(root().join(format!("events/{CALL}.json"))).unwrap();
    let event = serde_json::from_str(&event).unwrap();
    let services = format!("{}/_local/aws", roster.base);
    let parameters = Faults::new(roster.policies());
    let url = parameters.between(&services).await;
    (roster, event, parameters, url)
}

fn asked(parameters: &Faults) -> Vec<String> {
    let requests = parameters.clear().into_iter();
    requests.map(|request| request.action).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_function_reads_both_keys_once_when_it_starts() {
    let (roster, event, parameters, url) = set_up().await;
    let variables = [("AWS_ENDPOINT_URL", url.as_str())];
    let mut function = Function::start_with(&roster, CALL, &variables).await;
    assert_eq!(asked(&parameters), ["GetParameters"]);
    for _ in 0..2 {
        let answer = function.invoke(event.clone()).await;
        assert_eq!(answer["statusCode"], 200, "{answer}");
    }
    assert_eq!(asked(&parameters), [""; 0]);
    function.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_function_that_could_not_read_them_answers_503_and_tries_again_with_the_next_request() {
    let (roster, event, parameters, url) = set_up().await;
    let variables = [("AWS_ENDPOINT_URL", url.as_str())];
    parameters.plan(0, usize::MAX, Fault::Refuse);
    let mut function = Function::start_with(&roster, CALL, &variables).await;
    let answer = function.invoke(event.clone()).await;
    assert_eq!(answer["statusCode"], 503, "{answer}");
    parameters.clear();
    let answer = function.invoke(event).await;
    assert_eq!(answer["statusCode"], 200, "{answer}");
    assert_eq!(asked(&parameters), ["GetParameters"]);
    function.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_parameter_of_the_present_key_links_answer_503_and_do_nothing() {
    let (roster, event, ..) = set_up().await;
    let before = roster.table.items().await;
    let variables = [("LINK_KEY_PARAMETER", "/roster/link-key/none")];
    let mut function = Function::start_with(&roster, CALL, &variables).await;
    let answer = function.invoke(event).await;
    assert_eq!(answer["statusCode"], 503, "{answer}");
    assert_eq!(roster.table.items().await, before);
    function.kill().await;
}
