//! A deployed binary as a process of its own, with a Runtime API that its test holds in its hands.

use std::convert::Infallible;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Collected, Full};
use hyper::body::Incoming;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use local::calls::PACKAGES;
use roster_http::Clock;
use serde_json::Value;
use tests::run;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, mpsc, oneshot};

use super::{Roster, cargo, free_port, log, policy, root};

/// How long a function may take to start, and to answer.
const A_MOMENT: Duration = Duration::from_mins(1);

/// A function: a process between Lambda's Runtime API and the services of a Roster.
pub(crate) struct Function {
    name: &'static str,
    process: Child,
    events: mpsc::UnboundedSender<Value>,
    reports: mpsc::UnboundedReceiver<Report>,
}

/// What the function said to the Runtime API.
#[derive(Debug)]
enum Report {
    /// It asked for an event.
    Ready,
    /// It answered, and waits for word that the answer was taken.
    Answered(Value, oneshot::Sender<()>),
    /// It failed.
    Failed(Value),
}

/// What the Runtime API works with.
struct RuntimeApi {
    events: Mutex<mpsc::UnboundedReceiver<Value>>,
    reports: mpsc::UnboundedSender<Report>,
}

impl Function {
    /// Starts the binary `name` and waits for the end of its init. Its requests to the store meet
    /// the faults of `roster`.
    pub(crate) async fn start(roster: &Roster, name: &'static str) -> Self {
        Self::start_with(roster, name, &[]).await
    }

    /// The same with other values for some variables of its environment.
    pub(crate) async fn start_with(
        roster: &Roster,
        name: &'static str,
        variables: &[(&str, &str)],
    ) -> Self {
        let binary = tokio::task::spawn_blocking(move || built(name))
            .await
            .unwrap();
        let (events, to_come) = mpsc::unbounded_channel();
        let (sender, reports) = mpsc::unbounded_channel();
        let address = serve(RuntimeApi {
            events: Mutex::new(to_come),
            reports: sender,
        })
        .await;
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
            .env("AWS_ACCESS_KEY_ID", policy::logical_id(name))
            .env("AWS_LAMBDA_RUNTIME_API", address)
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
            events,
            reports,
        };
        let report = function.report().await;
        assert!(matches!(report, Report::Ready), "{name}: {report:?}");
        function
    }

    /// Gives the function an event.
    pub(crate) fn send(&self, event: Value) {
        self.events.send(event).unwrap();
    }

    /// What the function answers to an event.
    pub(crate) async fn invoke(&mut self, event: Value) -> Value {
        self.send(event);
        let (answer, taken) = self.answer().await;
        taken.send(()).unwrap();
        let report = self.report().await;
        assert!(matches!(report, Report::Ready), "{}: {report:?}", self.name);
        answer
    }

    /// The function's answer, which nobody has taken until it is said so.
    pub(crate) async fn answer(&mut self) -> (Value, oneshot::Sender<()>) {
        match self.report().await {
            Report::Answered(answer, taken) => (answer, taken),
            Report::Ready => panic!("{} asks for another event", self.name),
            Report::Failed(fault) => panic!("{}: {fault}", self.name),
        }
    }

    /// Ends the process at once, wherever it is (`SIGKILL`).
    pub(crate) async fn kill(mut self) {
        self.process.kill().await.unwrap();
    }

    async fn report(&mut self) -> Report {
        let report = tokio::time::timeout(A_MOMENT, self.reports.recv()).await;
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

/// What local.env says.
fn local_env() -> Vec<(String, String)> {
    let text = std::fs::read_to_string(root().join("local.env")).unwrap();
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs
        .filter(|(name, _)| !name.starts_with('#'))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Serves the Runtime API for one process; where.
async fn serve(api: RuntimeApi) -> String {
    let listener = free_port().await;
    let address = listener.local_addr().unwrap().to_string();
    let api = Arc::new(api);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let api = Arc::clone(&api);
            let service = hyper::service::service_fn(move |request| {
                let api = Arc::clone(&api);
                async move { Ok::<_, Infallible>(api.answer(request).await) }
            });
            tokio::spawn(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service),
            );
        }
    });
    address
}

impl RuntimeApi {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        if head.method == Method::GET {
            // Nobody listens any more only when the test is over; so below.
            let _ = self.reports.send(Report::Ready);
            let event = self.events.lock().await.recv().await;
            return next(event).await;
        }
        let body = body.collect().await.map(Collected::to_bytes);
        let body = serde_json::from_slice(&body.unwrap_or_default()).unwrap_or_default();
        if !head.uri.path().ends_with("/response") {
            let _ = self.reports.send(Report::Failed(body));
            return std::future::pending().await;
        }
        let (taken, is_taken) = oneshot::channel();
        let _ = self.reports.send(Report::Answered(body, taken));
        match is_taken.await {
            Ok(()) => Response::builder()
                .status(202)
                .body(Full::default())
                .unwrap(),
            Err(_) => std::future::pending().await,
        }
    }
}

/// The event as Lambda gives it; a function that nobody has one for waits.
async fn next(event: Option<Value>) -> Response<Full<Bytes>> {
    let Some(event) = event else {
        return std::future::pending().await;
    };
    let deadline = Clock::System.now().as_unix() + 10;
    Response::builder()
        .header(
            "lambda-runtime-aws-request-id",
            "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
        )
        .header("lambda-runtime-deadline-ms", format!("{deadline}000"))
        .header(
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:eu-west-1:000000000000:function:roster",
        )
        .header("content-type", "application/json")
        .body(Full::from(event.to_string()))
        .unwrap()
}
