//! The files that a whole run of the tests leaves: every log, every request, and the secrets that no
//! log may contain.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use aho_corasick::AhoCorasick;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The log of the calls and consumers that ran in the tests' own process.
pub const CALLS: &str = "calls.log";
/// The logs of the functions that ran as processes of their own.
pub const FUNCTIONS: &str = "functions.log";
/// The log of cargo-lambda and the functions that it ran.
pub const CARGO_LAMBDA: &str = "cargo-lambda-watch.log";
/// A [`Sent`] in each line.
pub const REQUESTS: &str = "requests.jsonl";
/// In each line how many answers of the embedded store were compared with dynoxide's own server's.
pub const COMPARED: &str = "compared.txt";

/// A [`Used`] in each line, no two the same: what functions have done.
pub const USED: &str = "used.jsonl";
/// A [`Used`] in each line: what functions may do to the table.
pub const ALLOWED: &str = "allowed.jsonl";

/// Words that are in a log only together with a secret or a person's address.
const TELLTALES: [&str; 9] = [
    "@",
    "$argon2id$",
    "$2b$",
    "__Host-device",
    "csrftoken",
    "linknonce",
    "local-admin-key",
    "local-read-only-key",
    "sessionid",
];
/// The length of a MAC, a hash or a session's secret as text.
const LENGTH_OF_A_MAC: usize = 43;
/// Shorter texts could mean something else.
const SHORTEST_PASSWORD: usize = 12;
const SHORTEST_NUMBER: usize = 8;

/// A file of the run; `tmp` is cargo's directory for what tests write.
pub fn file(tmp: &str, name: &str) -> PathBuf {
    Path::new(tmp).join("run").join(name)
}

/// A request that got an answer.
#[derive(Debug, Serialize, Deserialize)]
pub struct Sent {
    /// API Gateway's id of the request.
    pub id: String,
    /// The answer's status.
    pub status: u16,
    /// The secrets that no log may contain.
    pub secrets: BTreeSet<String>,
}

/// Something that a function's role allows, and that the function did.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Used {
    /// It has done something to the table or to an index of it.
    Action {
        /// The function's logical id.
        function: String,
        /// The action, as a policy names it.
        action: String,
        /// The index; the table itself without one.
        index: Option<String>,
    },
    /// It has touched a kind of partition.
    Partition {
        /// The function's logical id.
        function: String,
        /// The kind, as a policy names it, such as `USER#*`.
        kind: String,
    },
}

/// The secrets in the parts of a request or an answer: addresses, numbers, passwords, and what proves a
/// session or a link.
pub fn secrets<'a>(
    path: &str,
    headers: impl Iterator<Item = (&'a str, &'a [u8])>,
    body: &[u8],
) -> BTreeSet<String> {
    let mut secrets: BTreeSet<String> = path.split('/').filter_map(mac_of).collect();
    for (name, value) in headers {
        if matches!(name, "cookie" | "set-cookie" | "x-csrftoken") {
            let value = String::from_utf8_lossy(value);
            let words = value.split([';', '=', ' ']);
            secrets.extend(words.filter_map(mac_of));
        }
    }
    if let Ok(body) = serde_json::from_slice(body) {
        collect("", &body, &mut secrets);
    }
    let form = String::from_utf8_lossy(body);
    let password = form.strip_prefix("password=").unwrap_or_default();
    collect("password", &password.replace('+', " ").into(), &mut secrets);
    secrets
}

/// The MAC at the end of a token, a cookie or a nonce. Nothing else has this length.
fn mac_of(word: &str) -> Option<String> {
    let start = word.len().checked_sub(LENGTH_OF_A_MAC)?;
    let mac = word.get(start..)?;
    let is_base64url = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
    mac.bytes().all(is_base64url).then(|| mac.to_owned())
}

fn collect(name: &str, value: &Value, secrets: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                collect(name, value, secrets);
            }
        }
        Value::Array(values) => {
            for value in values {
                collect(name, value, secrets);
            }
        }
        Value::String(text) => {
            let text = text.trim();
            let is_address = text.len() > 2 && text.contains('@');
            let is_password = name.contains("password") && text.len() >= SHORTEST_PASSWORD;
            let is_number = text.starts_with('+') && text.len() >= SHORTEST_NUMBER;
            if is_address || is_password || is_number {
                secrets.insert(text.to_owned());
            }
        }
        _ => {}
    }
}

/// Finds secrets in logs.
#[derive(Debug)]
pub struct Search(AhoCorasick);

impl Search {
    /// Searches for these secrets, and for words that appear only with secrets.
    ///
    /// # Panics
    ///
    /// Where there are more secrets than fit into memory.
    pub fn of(secrets: impl IntoIterator<Item = String>) -> Self {
        let telltales = TELLTALES.map(str::to_owned);
        let all = telltales.into_iter().chain(secrets);
        Self(AhoCorasick::new(all).expect("the secrets of a run fit into memory"))
    }

    /// The lines that contain one.
    pub fn leaks<'a>(&self, log: &'a str) -> impl Iterator<Item = &'a str> {
        log.lines().filter(|line| self.0.is_match(*line))
    }
}
