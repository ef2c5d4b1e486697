//! One invocation: from API Gateway's event to its answer.

use lambda_http::Body;
use lambda_http::http::{self, HeaderName, HeaderValue, header};
use store::Usage;
use tokio::time::Instant;
use tracing::{Instrument as _, error, info, info_span};

use crate::problem::Cause;
use crate::request::{Concerned, Origin};
use crate::response::json;
use crate::{Access, App, Endpoint, Failure, Problem, ProblemBody, Request, Response};

/// Headers of every answer: browsers don't store it, don't guess another media type than it says, and
/// reach this host only by HTTPS for two years. Other hosts of the domain may belong to other services,
/// so the last one doesn't include subdomains.
const FOR_EVERY_ANSWER: [(HeaderName, &str); 3] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=63072000"),
];

/// Answers one request. Every outcome becomes an answer; the runtime reports a panic.
pub async fn call(
    app: &App,
    endpoint: &Endpoint,
    event: lambda_http::Request,
) -> http::Response<Body> {
    let started = Instant::now();
    let origin = Origin::of(&event);
    // What a call logs by itself is found by the same trace id.
    let span = info_span!("call", trace_id = origin.trace_id, route = endpoint.name);
    let concerned = Concerned::default();
    let answered = async {
        let request = Request::new(app, endpoint, &origin, &concerned, event)?;
        // Without this, Lambda would end the function before it could answer.
        tokio::time::timeout_at(request.deadline(), (endpoint.handler)(app, request))
            .await
            .unwrap_or_else(|_| Err(Problem::Unavailable(Cause::OutOfTime).into()))
    };
    let (outcome, usage) = store::metered(answered.instrument(span)).await;
    let mut refused = None;
    let response = outcome.unwrap_or_else(|failure| {
        refused = Some(failure.problem.name());
        refuse(failure, endpoint, &origin)
    });
    let handed_out = response.handed_out();
    let mut response = http::Response::from(response);
    for (name, value) in FOR_EVERY_ANSWER {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    log(
        endpoint,
        &origin,
        response.status().as_u16(),
        refused.as_deref(),
        handed_out,
        // Readers ask for many users, and change none.
        concerned
            .user_id()
            .filter(|_| endpoint.access != Access::Read),
        usage,
        started,
    );
    response
}

fn refuse(failure: Failure, endpoint: &Endpoint, origin: &Origin) -> Response {
    let problem = failure.problem.for_access(endpoint.access);
    if let Some(cause) = problem.cause() {
        let fault = store::with_sources(cause);
        error!(trace_id = origin.trace_id, route = endpoint.name, fault);
    }
    let response = Response::refusal(&problem);
    if let Some(page) = failure.page {
        return response.with_page(page);
    }
    let body = ProblemBody::of(&problem, &origin.path, &origin.trace_id);
    let body = json(&body).expect("texts, numbers and maps of texts are JSON");
    response
        .with(header::CONTENT_TYPE, "application/problem+json")
        .with_body(body)
}

/// One line for each request: no path, no query, no personal data. A write and a sign-in name their user
/// by the opaque id. Where the answer hands something out, the line names it and the id of the API key.
#[expect(clippy::too_many_arguments, reason = "each is a field of the line")]
fn log(
    endpoint: &Endpoint,
    origin: &Origin,
    status: u16,
    refused: Option<&str>,
    handed_out: Option<&str>,
    user_id: Option<&str>,
    usage: Usage,
    started: Instant,
) {
    info!(
        trace_id = origin.trace_id,
        request_id = origin.request_id,
        route = endpoint.name,
        status,
        refused,
        microseconds = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        requests = usage.requests,
        read_units = usage.capacity.read,
        write_units = usage.capacity.write,
        index_write_units = usage.capacity.index_write,
        handed_out,
        user_id,
        key_id = handed_out.and(origin.key_id.as_deref()),
    );
}
