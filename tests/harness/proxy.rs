//! The layer between the SDK and the store that can fail as the real store does. The local stores never
//! throttle, have no conflicts and lose no reply.

use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpConnector as _, HttpConnectorFuture, SharedHttpClient,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::policy::Policies;
use super::{free_port, layer, log};

/// How long to wait for a request.
const A_MOMENT: Duration = Duration::from_mins(1);

/// A fault of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Another transaction is in the way. The request is not carried out.
    Conflict,
    /// Another transaction is in the way of one part, and another part's condition seems to fail. The
    /// request is not carried out.
    ConflictAndClaim,
    /// The table is over its capacity. The request is not carried out.
    Throttle,
    /// The same as the reason of a transaction, which the SDK doesn't retry.
    ThrottledPart,
    /// An earlier attempt is under way. The request is not carried out.
    UnderWay,
    /// A proxy in between fails, without an error of the service. The request is not carried out.
    BadGateway,
    /// The request is carried out, and the reply can't be read.
    GarbleReply,
    /// The service fails. The request is not carried out.
    InternalError,
    /// The request is carried out, and the reply is lost.
    DropReply,
    /// The service reads the request and never answers. The request is not carried out.
    Hang,
    /// The request is carried out, and the reply never comes.
    HoldReply,
    /// The request is held until the faults are cleared.
    Pause,
    /// The service refuses the request as one that it doesn't understand. The request is not carried
    /// out.
    Refuse,
}

/// One request that went through.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    /// The DynamoDB action.
    pub(crate) action: String,
    /// The request's bytes.
    pub(crate) sent: usize,
    /// The answer's bytes.
    pub(crate) received: usize,
    /// The answer's `ConsumedCapacity`.
    pub(crate) consumed: Value,
}

#[derive(Default)]
struct State {
    /// The planned faults: from which request on, how many times, and which fault.
    planned: Option<(usize, usize, Fault)>,
    recorded: Vec<Recorded>,
    /// How many requests wait for an answer that never comes, or for the end of the faults.
    held: watch::Sender<usize>,
    /// How often the faults were cleared.
    cleared: watch::Sender<usize>,
}

/// The planned faults, and the requests that went through.
#[derive(Clone)]
pub(crate) struct Faults {
    state: Arc<Mutex<State>>,
    /// What each function is allowed to do.
    policies: Arc<Policies>,
}

impl Faults {
    pub(crate) fn new(policies: Policies) -> Self {
        Self {
            state: Arc::default(),
            policies: Arc::new(policies),
        }
    }

    /// The SDK's client for a store, `inner`, with the faults in front of it.
    pub(crate) fn before(&self, inner: SharedHttpClient) -> SharedHttpClient {
        let faults = self.clone();
        layer::before(inner, move |inner, request| {
            let faults = faults.clone();
            HttpConnectorFuture::new(async move {
                let sent = request.try_clone().unwrap().try_into_http1x().unwrap();
                let body = Bytes::copy_from_slice(request.body().bytes().unwrap());
                let onward = async move |_| {
                    let answer = inner.call(request).await.unwrap();
                    let answer = answer.try_into_http1x().unwrap();
                    let status = answer.status().as_u16();
                    let body = answer.into_body().collect().await.unwrap();
                    (status, body.to_bytes())
                };
                match faults.pass_on(sent.headers(), body, onward).await {
                    Ok(response) => Ok(response.map(SdkBody::from_body_1_x).try_into().unwrap()),
                    Err(lost) => Err(ConnectorError::io(lost.into())),
                }
            })
        })
    }

    /// Starts a proxy for programs in front of the service at `url`, and returns its URL.
    pub(crate) async fn between(&self, url: &str) -> String {
        let listener = free_port().await;
        let own = format!("http://{}", listener.local_addr().unwrap());
        let (faults, url, client) = (self.clone(), url.to_owned(), reqwest::Client::new());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (faults, url, client) = (faults.clone(), url.clone(), client.clone());
                let service = hyper::service::service_fn(move |request: Request<Incoming>| {
                    let (faults, url, client) = (faults.clone(), url.clone(), client.clone());
                    async move {
                        let (head, body) = request.into_parts();
                        let body = body.collect().await.map_err(|_| LostReply)?.to_bytes();
                        let onward = async |body| {
                            let mut onward = client.post(url).body::<Bytes>(body);
                            for (name, value) in &head.headers {
                                if name != "host" {
                                    onward = onward.header(name, value);
                                }
                            }
                            let answer = onward.send().await.unwrap();
                            (answer.status().as_u16(), answer.bytes().await.unwrap())
                        };
                        faults.pass_on(&head.headers, body, onward).await
                    }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        own
    }

    /// From the request number `at` on (0 is the next one), `times` requests meet `fault`.
    pub(crate) fn plan(&self, at: usize, times: usize, fault: Fault) {
        let mut state = self.state.lock().unwrap();
        state.recorded.clear();
        state.held.send_replace(0);
        state.planned = Some((at, times, fault));
    }

    /// Removes all faults. Returns the requests that went through since the last call of this or of
    /// `plan`.
    pub(crate) fn clear(&self) -> Vec<Recorded> {
        let mut state = self.state.lock().unwrap();
        state.planned = None;
        state.cleared.send_modify(|cleared| *cleared += 1);
        std::mem::take(&mut state.recorded)
    }

    /// Waits until a request is held and its sender waits for the answer.
    pub(crate) async fn wait_for_a_held_request(&self) {
        let mut held = self.state.lock().unwrap().held.subscribe();
        let is_held = tokio::time::timeout(A_MOMENT, held.wait_for(|held| *held > 0));
        is_held.await.expect("no request is held").unwrap();
    }

    /// Never answers.
    async fn hold(&self) -> ! {
        self.state
            .lock()
            .unwrap()
            .held
            .send_modify(|held| *held += 1);
        std::future::pending().await
    }

    /// Waits until the faults are cleared.
    async fn pause(&self) {
        let mut cleared = self.state.lock().unwrap().cleared.subscribe();
        self.state
            .lock()
            .unwrap()
            .held
            .send_modify(|held| *held += 1);
        cleared.changed().await.unwrap();
    }

    fn next(&self, action: &str, sent: usize) -> Option<Fault> {
        let mut state = self.state.lock().unwrap();
        let number = state.recorded.len();
        state.recorded.push(Recorded {
            action: action.to_owned(),
            sent,
            received: 0,
            consumed: Value::Null,
        });
        let (at, times, fault) = state.planned?;
        (at..at.saturating_add(times))
            .contains(&number)
            .then_some(fault)
    }

    async fn pass_on(
        &self,
        headers: &HeaderMap,
        body: Bytes,
        onward: impl AsyncFnOnce(Bytes) -> (u16, Bytes),
    ) -> Result<Response<Full<Bytes>>, LostReply> {
        let target = headers["x-amz-target"].to_str().unwrap();
        let action = target.rsplit('.').next().unwrap_or_default();
        let fault = self.next(action, body.len());
        match self.policies.judge(headers, action, &body) {
            Ok(used) => log::used(used),
            Err(refusal) => {
                eprintln!("{refusal}");
                return Ok(answer(400, access_denied(&refusal)));
            }
        }
        if fault == Some(Fault::Pause) {
            self.pause().await;
        }
        let refusal = match fault {
            Some(Fault::Conflict) => conflict(action, &body),
            Some(Fault::ConflictAndClaim) => cancelled(
                action,
                &body,
                &["TransactionConflict", "ConditionalCheckFailed"],
            ),
            Some(Fault::ThrottledPart) => cancelled(action, &body, &["ThrottlingError"]),
            Some(Fault::UnderWay) if action == "TransactWriteItems" => {
                Some((400, error("TransactionInProgressException")))
            }
            Some(Fault::BadGateway) => Some((502, Value::Null)),
            Some(Fault::Throttle) => Some((400, error("ThrottlingException"))),
            Some(Fault::InternalError) => Some((500, error("InternalServerError"))),
            Some(Fault::Refuse) => Some((400, error("ValidationException"))),
            Some(Fault::Hang) => self.hold().await,
            Some(
                Fault::UnderWay
                | Fault::GarbleReply
                | Fault::DropReply
                | Fault::HoldReply
                | Fault::Pause,
            )
            | None => None,
        };
        if let Some((status, body)) = refusal {
            return Ok(answer(status, body.to_string().into()));
        }
        let (status, body) = onward(body).await;
        match fault {
            Some(Fault::DropReply) => return Err(LostReply),
            Some(Fault::HoldReply) => self.hold().await,
            Some(Fault::GarbleReply) => return Ok(answer(200, body.slice(..body.len() - 1))),
            _ => {}
        }
        if let Ok(parsed) = serde_json::from_slice::<Value>(&body)
            && let Some(last) = self.state.lock().unwrap().recorded.last_mut()
        {
            last.consumed = parsed["ConsumedCapacity"].clone();
            last.received = body.len();
        }
        Ok(answer(status, body))
    }
}

/// Ends the connection without an answer.
#[derive(Debug)]
struct LostReply;

impl fmt::Display for LostReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the reply got lost")
    }
}

impl std::error::Error for LostReply {}

impl From<Infallible> for LostReply {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

fn answer(status: u16, body: Bytes) -> Response<Full<Bytes>> {
    Response::builder()
        .status(status)
        .header("content-type", "application/x-amz-json-1.0")
        .body(Full::new(body))
        .unwrap()
}

fn access_denied(refusal: &str) -> Bytes {
    let kind = "com.amazon.coral.service#AccessDeniedException";
    let body = json!({ "__type": kind, "Message": refusal });
    body.to_string().into()
}

fn error(name: &str) -> Value {
    json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{name}"), "message": "planned" })
}

/// A conflict in the form of each action. A read never has one.
fn conflict(action: &str, body: &[u8]) -> Option<(u16, Value)> {
    match action {
        "UpdateItem" => Some((400, error("TransactionConflictException"))),
        action => cancelled(action, body, &["TransactionConflict"]),
    }
}

/// A cancelled transaction whose first parts have these reasons.
fn cancelled(action: &str, body: &[u8], codes: &[&str]) -> Option<(u16, Value)> {
    if action != "TransactWriteItems" {
        return None;
    }
    let request: Value = serde_json::from_slice(body).unwrap();
    let parts = request["TransactItems"].as_array().unwrap().len();
    let reason = |part| json!({ "Code": codes.get(part).unwrap_or(&"None") });
    let mut cancelled = error("TransactionCanceledException");
    cancelled["CancellationReasons"] = (0..parts).map(reason).collect();
    Some((400, cancelled))
}
