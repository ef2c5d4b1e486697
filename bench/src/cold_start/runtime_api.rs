//! Lambda's Runtime API, as far as one invocation needs it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use roster_http::Clock;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{JoinHandle, block_in_place};

use crate::Failure;
use crate::cpu_share::CpuShare;

/// How long the function may take, by what it is told.
const MOST: Duration = Duration::from_secs(30);

/// What the function said to the Runtime API.
pub(crate) enum Report {
    /// It asked for its first event: init is over.
    Next {
        /// When it asked.
        asked: Instant,
        /// When the event was sent, after the CPU was limited.
        sent: Instant,
    },
    /// It answered the event.
    Answer {
        /// When.
        at: Instant,
        /// What API Gateway would get.
        body: Bytes,
    },
    /// It failed, in init or with the event.
    Error(Bytes),
}

/// A Runtime API for one process.
pub(crate) struct RuntimeApi {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// What the function said.
    pub(crate) reports: UnboundedReceiver<Report>,
    server: JoinHandle<()>,
}

struct Shared {
    event: Bytes,
    share: Option<Arc<CpuShare>>,
    moment: f64,
    invoked: AtomicBool,
    reports: UnboundedSender<Report>,
}

impl RuntimeApi {
    /// Serves `event`, once. Before that, the CPU is limited to `share`, whose period is at
    /// `moment` then.
    pub(crate) async fn serve(
        event: Bytes,
        share: Option<Arc<CpuShare>>,
        moment: f64,
    ) -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (sender, reports) = unbounded_channel();
        let shared = Arc::new(Shared {
            event,
            share,
            moment,
            invoked: AtomicBool::new(false),
            reports: sender,
        });
        let routes = Router::new()
            .route("/runtime/invocation/next", get(next))
            .route("/runtime/invocation/{id}/response", post(response))
            .route("/runtime/invocation/{id}/error", post(error))
            .route("/runtime/init/error", post(error))
            .with_state(shared);
        let server = tokio::spawn(async move {
            // It ends only with the task.
            let _ = axum::serve(listener, Router::new().nest("/2018-06-01", routes)).await;
        });
        Ok(Self {
            address,
            reports,
            server,
        })
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let asked = Instant::now();
    if shared.invoked.swap(true, Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
    if let Some(share) = &shared.share {
        block_in_place(|| share.limit(shared.moment));
    }
    let deadline = Clock::System.now().as_unix().unsigned_abs() + MOST.as_secs();
    let sent = Instant::now();
    // Nobody listens any more only when the run has failed already; so below.
    let _ = shared.reports.send(Report::Next { asked, sent });
    let headers = [
        ("lambda-runtime-aws-request-id", "cold-start".to_owned()),
        ("lambda-runtime-deadline-ms", format!("{deadline}000")),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:eu-west-1:000000000000:function:cold-start".to_owned(),
        ),
        ("content-type", "application/json".to_owned()),
    ];
    (headers, shared.event.clone())
}

async fn response(State(shared): State<Arc<Shared>>, body: Bytes) -> StatusCode {
    let at = Instant::now();
    let _ = shared.reports.send(Report::Answer { at, body });
    StatusCode::ACCEPTED
}

async fn error(State(shared): State<Arc<Shared>>, body: Bytes) -> StatusCode {
    let _ = shared.reports.send(Report::Error(body));
    StatusCode::ACCEPTED
}
