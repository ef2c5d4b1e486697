//! `list_users` as it is deployed, on one core: it sorts a directory.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use bytes::Bytes;
use processes::{Failure, Report, RuntimeApi, peak_memory};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::time::timeout;

const NAME: &str = "list_users";
/// What template.yaml gives it: one core comes with so much memory.
pub(crate) const MEMORY_MB: u32 = 1769;
const TIMEOUT: Duration = Duration::from_secs(28);
const SIZE: usize = 100;

/// The function's process.
pub(crate) struct Function {
    process: Child,
    api: RuntimeApi,
    event: Bytes,
}

/// An answer of the function.
pub(crate) struct Sorted {
    pub(crate) took: Duration,
    /// The most memory that the process has held up to now, in KiB.
    pub(crate) peak_kib: u32,
}

/// Builds the function as it is deployed, but for the processor that it is for.
pub(crate) async fn build(root: &Path) -> Result<(), Failure> {
    processes::build(root, &["--release", "-p", "management", "--bin", NAME]).await
}

impl Function {
    /// Starts the function on the first core alone. `store` is the URL of the table `roster`.
    pub(crate) async fn start(root: &Path, store: &str) -> Result<Self, Failure> {
        let api = RuntimeApi::serve(TIMEOUT).await?;
        let process = Command::new("taskset")
            .args(["--cpu-list", "0"])
            .arg(root.join("target/release").join(NAME))
            .env_clear()
            .envs([
                ("AWS_LAMBDA_RUNTIME_API", api.address.to_string().as_str()),
                ("AWS_LAMBDA_FUNCTION_NAME", NAME),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &MEMORY_MB.to_string()),
                ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
                ("AWS_REGION", "eu-west-1"),
                ("AWS_ACCESS_KEY_ID", "local"),
                ("AWS_SECRET_ACCESS_KEY", "local"),
                ("AWS_ENDPOINT_URL_DYNAMODB", store),
                ("TABLE_NAME", "roster"),
                ("ADMINISTRATOR_KEY_IDS", "AdministratorKey"),
                ("READ_ONLY_KEY_IDS", "ReadOnlyKey"),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("taskset: {error}"))?;
        let event = event(&root.join("events").join(NAME).with_extension("json"))?;
        Ok(Self {
            process,
            api,
            event,
        })
    }

    /// Lets it answer one event.
    pub(crate) async fn sort(&mut self) -> Result<Sorted, Failure> {
        let answered = timeout(TIMEOUT * 2, self.answer()).await;
        let (took, body) = answered.map_err(|_| "no answer in time")??;
        check(&body)?;
        let id = self.process.id().ok_or("the function has ended")?;
        let peak_kib = peak_memory(id).ok_or("the function has ended")?;
        Ok(Sorted { took, peak_kib })
    }

    async fn answer(&mut self) -> Result<(Duration, Bytes), Failure> {
        let mut sent = Instant::now();
        loop {
            match self.api.reports.recv().await {
                Some(Report::Ready { event, .. }) => {
                    sent = Instant::now();
                    // If the receiver is gone, the process has ended, and no answer comes.
                    let _ = event.send(self.event.clone());
                }
                Some(Report::Answered { at, body, taken }) => {
                    let _ = taken.send(());
                    return Ok((at - sent, body));
                }
                Some(Report::Failed(body)) => {
                    return Err(String::from_utf8_lossy(&body).into());
                }
                None => return Err("the function broke the Runtime API's order".into()),
            }
        }
    }
}

/// API Gateway's event for a page of all users by their given names.
fn event(file: &Path) -> Result<Bytes, Failure> {
    let mut event: Value = serde_json::from_slice(&std::fs::read(file)?)?;
    let size = SIZE.to_string();
    event["queryStringParameters"] = json!({ "sort": "given_name:1", "size": size });
    event["multiValueQueryStringParameters"] = json!({ "sort": ["given_name:1"], "size": [size] });
    Ok(event.to_string().into())
}

/// Whether the answer has a page of users in the order of their given names.
fn check(answer: &[u8]) -> Result<(), Failure> {
    let answer: Value = serde_json::from_slice(answer)?;
    let body = answer["body"].as_str().unwrap_or_default();
    let users: Vec<Value> = serde_json::from_str(body).unwrap_or_default();
    let names: Vec<_> = users
        .iter()
        .map(|user| user["claims"]["given_name"].as_str())
        .collect();
    if answer["statusCode"] == 200 && names.len() == SIZE && names.is_sorted() {
        return Ok(());
    }
    Err(format!("wrong answer: {answer}").into())
}
