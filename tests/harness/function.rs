//! A deployed binary as a process of its own. The test controls its Runtime API.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use local::calls::{PACKAGES, logical_id};
use processes::{Report, RuntimeApi};
use serde_json::Value;
use tests::run;
use tokio::process::{Child, Command};
use tokio::sync::oneshot;

use super::{Roster, cargo, log, root};

/// How long a function may take to start, and to answer.
const A_MOMENT: Duration = Duration::from_mins(1);
/// How long an event may take, as the function is told.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A function: a process between Lambda's Runtime API and the services of a Roster.
pub(crate) struct Function {
    name: &'static str,
    process: Child,
    api: RuntimeApi,
    /// Sends the event that the function has asked for.
    event: Option<oneshot::Sender<Bytes>>,
}

impl Function {
    /// Starts the binary `name` and waits for the end of its init. Its requests to the store go through
    /// the faults of `roster`.
    pub(crate) async fn start(roster: &Roster, name: &'static str) -> Self {
        Self::start_with(roster, name, &[]).await
    }

    /// The same, with other values for some environment variables.
    pub(crate) async fn start_with(
        roster: &Roster,
        name: &'static str,
        variables: &[(&str, &str)],
    ) -> Self {
        let binary = tokio::task::spawn_blocking(move || built(name))
            .await
            .unwrap();
        let api = RuntimeApi::serve(TIMEOUT).await.unwrap();
        let log = File::options()
            .create(true)
            .append(true)
            .open(log::file(run::FUNCTIONS))
            .unwrap();
        let process = Command::new(binary)
            .env_clear()
            .envs(local_env())
            .envs(roster.function_environment())
            .env("AWS_ENDPOINT_URL_DYNAMODB", roster.faulty_store_url())
            .env("AWS_ACCESS_KEY_ID", logical_id(name))
            .env("AWS_LAMBDA_RUNTIME_API", api.address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut function = Self {
            name,
            process,
            api,
            event: None,
        };
        function.wait_until_ready().await;
        function
    }

    /// Gives the function an event.
    pub(crate) fn send(&mut self, event: Value) {
        let event = Bytes::from(event.to_string());
        self.event.take().unwrap().send(event).unwrap();
    }

    /// The function's answer to an event.
    pub(crate) async fn invoke(&mut self, event: Value) -> Value {
        self.send(event);
        let (answer, taken) = self.answer().await;
        taken.send(()).unwrap();
        self.wait_until_ready().await;
        answer
    }

    async fn wait_until_ready(&mut self) {
        match self.report().await {
            Report::Ready { event, .. } => self.event = Some(event),
            report => panic!("{}: {report:?}", self.name),
        }
    }

    /// The function's answer. The function doesn't know that it was received until a value is sent.
    pub(crate) async fn answer(&mut self) -> (Value, oneshot::Sender<()>) {
        match self.report().await {
            Report::Answered { body, taken, .. } => {
                (serde_json::from_slice(&body).unwrap_or_default(), taken)
            }
            report => panic!("{}: {report:?}", self.name),
        }
    }

    /// Ends the process at once, at any point (`SIGKILL`).
    pub(crate) async fn kill(mut self) {
        self.process.kill().await.unwrap();
    }

    async fn report(&mut self) -> Report {
        let report = tokio::time::timeout(A_MOMENT, self.api.reports.recv()).await;
        report
            .unwrap_or_else(|_| panic!("{} is silent", self.name))
            .unwrap()
    }
}

/// The binary, built as cargo-lambda builds it: on its own.
fn built(name: &str) -> PathBuf {
    static ALL: OnceLock<()> = OnceLock::new();
    ALL.get_or_init(|| {
        for package in &PACKAGES {
            let status = cargo(&["build", "--quiet", "--package", package.name, "--bins"]).status();
            assert!(status.unwrap().success(), "{} can't be built", package.name);
        }
    });
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    target.join("debug").join(name)
}

/// The variables in local.env.
fn local_env() -> Vec<(String, String)> {
    let text = std::fs::read_to_string(root().join("local.env")).unwrap();
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs
        .filter(|(name, _)| !name.starts_with('#'))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
