//! Checks the files of a whole run of the other tests. Each request has its line in the log. No log
//! contains an address, a password, a cookie or a link (email-self-service.md, "Links"). Each
//! permission of a role was used.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tests::run::{self, Search, Sent, Used};

/// More requests than a single test sends.
const FEW: usize = 1000;

fn read(name: &str) -> String {
    let file = run::file(env!("CARGO_TARGET_TMPDIR"), name);
    std::fs::read_to_string(file)
        .unwrap_or_else(|_| panic!("there is no {name}: `cargo test` runs the other tests first"))
}

/// The requests of the run; `None`, with a message, where only a part of the tests ran.
fn requests() -> Option<Vec<Sent>> {
    let requests = read(run::REQUESTS);
    let requests: Vec<_> = requests
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    if requests.len() > FEW {
        return Some(requests);
    }
    #[expect(clippy::disallowed_methods, reason = "a test is told of CI so")]
    let is_ci = std::env::var("CI").is_ok_and(|ci| !ci.is_empty());
    assert!(
        !is_ci,
        "{} requests: needed whole where CI is set",
        requests.len()
    );
    println!("only a part of the tests was run: nothing is looked at");
    None
}

#[test]
fn what_the_store_answered_in_process_was_compared_with_dynoxides_own_server() {
    if requests().is_none() {
        return;
    }
    let compared = read(run::COMPARED);
    let answers: usize = compared
        .lines()
        .map(|line| line.parse::<usize>().unwrap())
        .sum();
    assert!(answers > FEW, "{answers}");
}

fn secrets(requests: Vec<Sent>) -> BTreeSet<String> {
    let secrets = requests.into_iter().flat_map(|request| request.secrets);
    secrets.collect()
}

#[test]
fn every_request_has_a_line_of_its_own_which_tells_its_status() {
    let Some(requests) = requests() else { return };
    // Each test draws the same ids, so there must be as many lines with an id as requests.
    let mut told: BTreeMap<(String, u64), usize> = BTreeMap::new();
    for line in read(run::CALLS).lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        if let (Some(id), Some(status)) = (line["trace_id"].as_str(), line["status"].as_u64()) {
            *told.entry((id.to_owned(), status)).or_default() += 1;
        }
    }
    for request in requests {
        let id = (request.id, u64::from(request.status));
        let lines = told.get_mut(&id).filter(|lines| **lines > 0);
        *lines.unwrap_or_else(|| panic!("no line for {id:?}")) -= 1;
    }
}

#[test]
fn a_secret_of_each_kind_would_be_found_wherever_it_were() {
    let Some(requests) = requests() else { return };
    let secrets = secrets(requests);
    let search = Search::of(secrets.clone());
    let log = read(run::CALLS);
    let (line, _) = log.split_once('\n').unwrap();
    let kinds: [fn(&str) -> bool; 4] = [
        |secret| secret.contains('@'),
        |secret| secret.starts_with('+'),
        |secret| secret.contains(' '),
        |secret| secret.len() == 43,
    ];
    for kind in kinds {
        let planted = secrets.iter().find(|secret| kind(secret)).unwrap();
        for place in [0, line.len() / 2, line.len()] {
            let (before, after) = line.split_at(place);
            let telling = format!("{line}\n{before}{planted}{after}\n{line}");
            let found: Vec<_> = search.leaks(&telling).collect();
            assert_eq!(found, [format!("{before}{planted}{after}")]);
        }
    }
}

#[test]
fn no_line_tells_an_address_a_password_a_cookie_or_a_link() {
    let Some(requests) = requests() else { return };
    let search = Search::of(secrets(requests));
    for (name, mark) in [
        (run::CALLS, r#""route":"login""#),
        (run::FUNCTIONS, r#""route":"confirm_primary_email""#),
        (run::CARGO_LAMBDA, r#""route":"get_user""#),
    ] {
        if name == run::CARGO_LAMBDA && !cfg!(cargo_lambda) {
            continue;
        }
        let log = read(name);
        assert!(log.contains(mark), "{name} is not the log");
        let leaks: Vec<_> = search.leaks(&log).take(10).collect();
        assert!(leaks.is_empty(), "{name}: {leaks:#?}");
    }
}

#[test]
fn every_permission_of_a_role_on_the_table_was_used() {
    if requests().is_none() {
        return;
    }
    let of = |name| -> BTreeSet<Used> {
        let lines = read(name);
        let lines = lines.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let (allowed, used) = (of(run::ALLOWED), of(run::USED));
    assert!(!allowed.is_empty());
    let idle: Vec<_> = allowed.difference(&used).collect();
    assert!(idle.is_empty(), "allowed and never done: {idle:#?}");
}
