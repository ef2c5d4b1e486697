//! One process, from its start to its first answer.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use processes::{Report, RuntimeApi};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::task::block_in_place;
use tokio::time::timeout;

use crate::Failure;
use crate::cpu_share::CpuShare;

/// How long a run may take. The function is told the same limit.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The settings of all runs.
pub(crate) struct Setting {
    /// API Gateway's event.
    pub(crate) event: Bytes,
    /// The store behind TLS.
    pub(crate) endpoint: String,
    /// The table's name.
    pub(crate) table: String,
    /// The file with the certificates that the function trusts. That of the store is among them.
    pub(crate) roots: PathBuf,
    /// The CPU after init; `None` for all of the machine.
    pub(crate) share: Option<Arc<CpuShare>>,
    /// A text that the body of the right answer contains.
    pub(crate) expected: String,
}

/// How long one run took, without the work of the harness between init and the request.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    /// From the start to asking for the event.
    pub(crate) init: Duration,
    /// From the event to the answer.
    pub(crate) request: Duration,
}

impl Setting {
    /// Runs `binary` until it answers. It gets the event at `moment` of the CPU's period.
    pub(crate) async fn run(&self, binary: &Path, moment: f64) -> Result<Run, Failure> {
        let mut api = RuntimeApi::serve(TIMEOUT).await?;
        // A shell waits in the cgroup and then becomes the function. Moving a running process into the
        // cgroup would hold up the threads that it starts.
        let mut process = Command::new("/bin/sh")
            .args(["-c", "read -r _ && exec \"$0\""])
            .arg(binary)
            .env_clear()
            .envs([
                ("AWS_LAMBDA_RUNTIME_API", api.address.to_string().as_str()),
                ("AWS_LAMBDA_FUNCTION_NAME", "cold-start"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
                ("AWS_REGION", "eu-west-1"),
                ("AWS_ACCESS_KEY_ID", "local"),
                ("AWS_SECRET_ACCESS_KEY", "local"),
                ("AWS_SESSION_TOKEN", "local"),
                ("AWS_ENDPOINT_URL_DYNAMODB", &self.endpoint),
                ("TABLE_NAME", &self.table),
                ("ADMINISTRATOR_KEY_IDS", "AdministratorKey"),
                ("READ_ONLY_KEY_IDS", "ReadOnlyKey"),
            ])
            .env("SSL_CERT_FILE", &self.roots)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        if let (Some(share), Some(id)) = (&self.share, process.id()) {
            share.take(id)?;
        }
        let mut go = process.stdin.take().ok_or("the shell has no input")?;
        let start = Instant::now();
        go.write_all(b"\n").await?;
        let run = timeout(TIMEOUT, self.watch(&mut api, start, moment))
            .await
            .map_err(|_| "no answer in time")?;
        process.kill().await?;
        run
    }

    /// Limits the CPU, and then gives the function its event.
    async fn watch(
        &self,
        api: &mut RuntimeApi,
        start: Instant,
        moment: f64,
    ) -> Result<Run, Failure> {
        let mut next = None;
        loop {
            match (api.reports.recv().await, next) {
                (Some(Report::Ready { at, event }), None) => {
                    if let Some(share) = &self.share {
                        block_in_place(|| share.limit(moment));
                    }
                    next = Some((at, Instant::now()));
                    // If the receiver is gone, the process has ended, which is noticed below.
                    let _ = event.send(self.event.clone());
                }
                (Some(Report::Answered { at, body, .. }), Some((asked, sent))) => {
                    self.check(&body)?;
                    return Ok(Run {
                        init: asked - start,
                        request: at - sent,
                    });
                }
                (Some(Report::Failed(body)), _) => {
                    return Err(String::from_utf8_lossy(&body).into());
                }
                _ => return Err("the function broke the Runtime API's order".into()),
            }
        }
    }

    fn check(&self, answer: &[u8]) -> Result<(), Failure> {
        let answer: Value = serde_json::from_slice(answer)?;
        let is_right = answer["statusCode"] == 200
            && answer["body"]
                .as_str()
                .is_some_and(|body| body.contains(&self.expected));
        if is_right {
            Ok(())
        } else {
            Err(format!("wrong answer: {answer}").into())
        }
    }
}
