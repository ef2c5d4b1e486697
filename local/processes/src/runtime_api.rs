//! Lambda's Runtime API for one process. Its owner sees each request of the function and decides when
//! to answer.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Collected, Full};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A request of the function. The function gets no answer until the owner sends one through the sender,
/// and none at all where the sender is dropped.
#[derive(Debug)]
pub enum Report {
    /// It asked for an event: its init, or the event before, has ended.
    Ready {
        /// When.
        at: Instant,
        /// Sends the event.
        event: oneshot::Sender<Bytes>,
    },
    /// It answered its event.
    Answered {
        /// When.
        at: Instant,
        /// The answer that the caller of the function would get.
        body: Bytes,
        /// Confirms to the function that the answer arrived.
        taken: oneshot::Sender<()>,
    },
    /// It failed, in its init or with its event.
    Failed(Bytes),
}

/// A running Runtime API. It ends when this value is dropped.
#[derive(Debug)]
pub struct RuntimeApi {
    /// Where it listens: the function's `AWS_LAMBDA_RUNTIME_API`.
    pub address: SocketAddr,
    /// The requests of the function.
    pub reports: UnboundedReceiver<Report>,
    server: JoinHandle<()>,
}

struct Server {
    reports: UnboundedSender<Report>,
    /// How long an event may take, as the function is told.
    timeout: Duration,
}

impl RuntimeApi {
    /// Serves one process. `timeout` is what the function is told as the limit of an event.
    pub async fn serve(timeout: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (sender, reports) = unbounded_channel();
        let server = Arc::new(Server {
            reports: sender,
            timeout,
        });
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Small answers must not wait to be sent together.
                let _ = stream.set_nodelay(true);
                let server = Arc::clone(&server);
                let service = hyper::service::service_fn(move |request| {
                    let server = Arc::clone(&server);
                    async move { Ok::<_, Infallible>(server.answer(request).await) }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
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

impl Server {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let at = Instant::now();
        let (head, body) = request.into_parts();
        if head.method == Method::GET {
            let (event, to_come) = oneshot::channel();
            self.report(Report::Ready { at, event });
            return match to_come.await {
                Ok(event) => self.next(event),
                Err(_) => std::future::pending().await,
            };
        }
        let body = body.collect().await.map(Collected::to_bytes);
        let (at, body) = (Instant::now(), body.unwrap_or_default());
        if !head.uri.path().ends_with("/response") {
            self.report(Report::Failed(body));
            return accepted();
        }
        let (taken, is_taken) = oneshot::channel();
        self.report(Report::Answered { at, body, taken });
        match is_taken.await {
            Ok(()) => accepted(),
            Err(_) => std::future::pending().await,
        }
    }

    fn report(&self, report: Report) {
        // If the receiver was dropped, the owner no longer needs reports.
        let _ = self.reports.send(report);
    }

    /// The event, in the form in which Lambda gives it.
    fn next(&self, event: Bytes) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::from(event));
        for (name, value) in [
            (
                "lambda-runtime-aws-request-id",
                "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
            ),
            ("lambda-runtime-deadline-ms", &self.deadline()),
            (
                "lambda-runtime-invoked-function-arn",
                "arn:aws:lambda:eu-west-1:000000000000:function:roster",
            ),
            ("content-type", "application/json"),
        ] {
            let value = value.parse().expect("digits and constants are good values");
            response.headers_mut().insert(name, value);
        }
        response
    }

    #[expect(clippy::disallowed_methods, reason = "Lambda has a clock of its own")]
    fn deadline(&self) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        (now.unwrap_or_default() + self.timeout)
            .as_millis()
            .to_string()
    }
}

fn accepted() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::ACCEPTED;
    response
}
