//! API Gateway, as template.yaml describes it.
//!
//! Each request becomes the exact proxy event. A task of its own gives it to the call, as a deployed
//! function does. So everything runs as in production, except the socket between.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming as Body;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use lambda_http::LambdaEvent;
use lambda_http::lambda_runtime::Context as LambdaContext;
use roster_http::{App, Clock, Endpoint, Entropy, Event, Method};
use serde::Deserialize;
use serde_json::Value;
use tokio::net::TcpListener;
use tracing::info;
use uuid::Uuid;

use crate::accept::accept;
use crate::event::{Context, Incoming, proxy_event};
use crate::home;
use crate::hosts::{self, Hosts};
use crate::services::{self, Services};
use crate::template::{Function, GatewayResponse, Limit, Template};
use crate::throttle::Throttle;

/// The values of the template's API keys on this machine.
pub const KEYS: [(&str, &str); 2] = [
    ("AdministratorKey", "local-admin-key"),
    ("ReadOnlyKey", "local-read-only-key"),
];

/// The stage of the sample events.
pub(crate) const SAMPLE_STAGE: &str = "prod";

/// API Gateway's limit on a request's body.
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;
/// Lambda's limit on an event.
const MAX_EVENT_BYTES: usize = 6 * 1024 * 1024;
/// How long requests under way may take after shutdown begins.
const GRACE: Duration = Duration::from_secs(5);

/// The gateway.
pub struct Gateway {
    template: Template,
    routes: Vec<Route>,
    keys: HashMap<&'static str, Key>,
    hosts: Hosts,
    services: Option<Services>,
    clock: Clock,
    entropy: Entropy,
}

struct Route {
    method: Method,
    path: String,
    needs_key: bool,
    throttle: Option<Throttle>,
    timeout: Duration,
    endpoint: &'static Endpoint,
    app: Arc<App>,
}

/// An API key.
struct Key {
    id: &'static str,
    /// Its throttle on all routes together, if the usage plan has one.
    throttle: Option<Throttle>,
}

/// A call's answer as the adapter writes it: the JSON that Lambda gives to API Gateway.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProxyAnswer {
    status_code: u16,
    multi_value_headers: HashMap<String, Vec<String>>,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

/// API Gateway's own answers, by response type.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    AccessDenied,
    Default4xx,
    IntegrationFailure,
    InvalidApiKey,
    MissingAuthenticationToken,
    RequestTooLarge,
    Throttled,
}

impl Refusal {
    fn response_type(self) -> &'static str {
        match self {
            Self::AccessDenied => "ACCESS_DENIED",
            Self::Default4xx => "DEFAULT_4XX",
            Self::IntegrationFailure => "INTEGRATION_FAILURE",
            Self::InvalidApiKey => "INVALID_API_KEY",
            Self::MissingAuthenticationToken => "MISSING_AUTHENTICATION_TOKEN",
            Self::RequestTooLarge => "REQUEST_TOO_LARGE",
            Self::Throttled => "THROTTLED",
        }
    }
}

impl Gateway {
    /// A gateway with the template's routes, each to the call that the template names. `app` makes what
    /// a function works with. The gateway's own time and ids come from `clock` and `entropy`.
    pub fn new(
        template: Template,
        clock: Clock,
        entropy: Entropy,
        app: impl Fn(&Function) -> Arc<App>,
        endpoints: &'static [&'static Endpoint],
    ) -> Result<Self, String> {
        let mut routes = Vec::new();
        for function in &template.functions {
            let endpoint = endpoints
                .iter()
                .find(|endpoint| endpoint.name == function.name)
                .ok_or(format!(
                    "{}: there is no call {}",
                    function.logical_id, function.name
                ))?;
            let app = app(function);
            for route in &function.routes {
                routes.push(Route {
                    method: route.method.clone(),
                    path: route.path.clone(),
                    needs_key: route.needs_key,
                    throttle: Some(throttle(route.limit.unwrap_or(template.limit))),
                    timeout: function.timeout,
                    endpoint,
                    app: Arc::clone(&app),
                });
            }
        }
        let mut keys = HashMap::new();
        for (id, value) in KEYS {
            if template.key_ids.iter().any(|known| known == id) {
                let throttle = template.key_limit.map(throttle);
                keys.insert(value, Key { id, throttle });
            }
        }
        Ok(Self {
            hosts: Hosts::of(&template),
            services: None,
            template,
            routes,
            keys,
            clock,
            entropy,
        })
    }

    /// Also answers below `/_local/`, by the services beside the API. They need no API key.
    pub fn with_services(mut self, services: Services) -> Self {
        self.services = Some(services);
        self
    }

    /// Also answers to these host names.
    pub fn with_hosts(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.hosts.allow(names);
        self
    }

    /// Turns all throttles off.
    pub fn without_throttle(mut self) -> Self {
        self.routes
            .iter_mut()
            .for_each(|route| route.throttle = None);
        self.keys.values_mut().for_each(|key| key.throttle = None);
        self
    }

    /// Serves until `shutdown` resolves, then lets requests under way end.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let gateway = Arc::new(self);
        let connections = GracefulShutdown::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let (stream, peer) = tokio::select! {
                () = &mut shutdown => break,
                accepted = accept(&listener) => accepted,
            };
            let gateway = Arc::clone(&gateway);
            let service = hyper::service::service_fn(move |request| {
                let gateway = Arc::clone(&gateway);
                async move { Ok::<_, Infallible>(gateway.answer(peer, request).await) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            let connection = connections.watch(connection);
            tokio::spawn(async move {
                // A client that closes the connection is no fault of the service.
                let _ = connection.await;
            });
        }
        drop(listener);
        let _ = tokio::time::timeout(GRACE, connections.shutdown()).await;
    }

    async fn answer(&self, peer: SocketAddr, request: Request<Body>) -> Response<Full<Bytes>> {
        let host = hosts::named(request.headers());
        if host.as_ref().is_some_and(|host| !self.hosts.have(host)) {
            info!(status = 421, "another name");
            return hosts::misdirected();
        }
        if let Some(services) = &self.services
            && host.is_some()
        {
            if request.uri().path().starts_with(Services::PATH) {
                return services.answer(request, self.clock.now()).await;
            }
            if home::is_asked_for(&request) {
                return services::home(&self.routes(), request.headers());
            }
        }
        let request_id = request_id(&self.entropy);
        let mut response = match self.pass_on(peer.ip(), request, &request_id).await {
            Ok(response) => response,
            Err((refusal, route)) => {
                let response = &self.template.gateway_responses[refusal.response_type()];
                info!(
                    trace_id = request_id,
                    route,
                    status = response.status,
                    gateway_response = refusal.response_type()
                );
                own_answer(response, &request_id)
            }
        };
        if let Ok(request_id) = HeaderValue::try_from(request_id) {
            response
                .headers_mut()
                .insert("x-amzn-requestid", request_id);
        }
        response
    }

    /// The checks in API Gateway's order: the resource policy, the route, the key, the throttle, the
    /// function.
    async fn pass_on(
        &self,
        source_ip: IpAddr,
        request: Request<Body>,
        request_id: &str,
    ) -> Result<Response<Full<Bytes>>, (Refusal, &str)> {
        let (head, body) = request.into_parts();
        if !self
            .template
            .restriction
            .lets_in(source_ip, head.uri.path())
        {
            return Err((Refusal::AccessDenied, ""));
        }
        if hosts::named(&head.headers).is_none() {
            return Err((Refusal::Default4xx, ""));
        }
        let path = head.uri.path();
        let (route, path_parameters) = self
            .route(&head.method, path)
            .ok_or((Refusal::MissingAuthenticationToken, ""))?;
        let refuse = |refusal| (refusal, route.path.as_str());
        let api_key = if route.needs_key {
            let (value, key) = self
                .key(&head.headers)
                .ok_or(refuse(Refusal::InvalidApiKey))?;
            if !admits(key.throttle.as_ref()) {
                return Err(refuse(Refusal::Throttled));
            }
            Some((key.id, value))
        } else {
            None
        };
        if !admits(route.throttle.as_ref()) {
            return Err(refuse(Refusal::Throttled));
        }
        let body = Limited::new(body, MAX_BODY_BYTES)
            .collect()
            .await
            .map_err(|fault| match fault.downcast::<LengthLimitError>() {
                Ok(_) => refuse(Refusal::RequestTooLarge),
                Err(_) => refuse(Refusal::Default4xx),
            })?
            .to_bytes();
        let incoming = Incoming {
            method: head.method.as_str(),
            path,
            query: head.uri.query().unwrap_or_default(),
            headers: head
                .headers
                .iter()
                .map(|(name, value)| {
                    let value = String::from_utf8_lossy(value.as_bytes());
                    (train_case(name), value.into_owned())
                })
                .collect(),
            body: &body,
            source_ip,
        };
        let event = proxy_event(
            &incoming,
            &Context {
                resource_path: &route.path,
                path_parameters,
                api_key,
                stage: &self.template.stage,
                base: "",
                request_id,
                time: i64::try_from(since_epoch().as_millis()).unwrap_or_default(),
                has_binary_body: self.template.has_binary_bodies,
            },
        );
        let event = event.to_string();
        if event.len() > MAX_EVENT_BYTES {
            return Err(refuse(Refusal::RequestTooLarge));
        }
        self.invoke(route, &event, request_id)
            .await
            .ok_or(refuse(Refusal::IntegrationFailure))
    }

    /// The API key of a request and its value, if the template has the key.
    fn key(&self, headers: &HeaderMap) -> Option<(&'static str, &Key)> {
        let key = headers.get("x-api-key")?.to_str().ok()?;
        self.keys
            .get_key_value(key)
            .map(|(value, key)| (*value, key))
    }

    /// The routes, for a page.
    fn routes(&self) -> Vec<home::Route<'_>> {
        let routes = self.routes.iter();
        routes
            .map(|route| home::Route {
                summary: route.endpoint.summary,
                method: route.method.as_str(),
                path: &route.path,
                needs_key: route.needs_key,
            })
            .collect()
    }

    /// The route of a path, and the path's parameters. A last slash makes no difference. A literal
    /// segment wins over a parameter.
    fn route(&self, method: &Method, path: &str) -> Option<(&Route, Vec<(String, String)>)> {
        let path = path.strip_suffix('/').unwrap_or(path);
        let segments: Vec<&str> = path.split('/').collect();
        self.routes
            .iter()
            .filter(|route| route.method == method)
            .filter_map(|route| Some((route, parameters(&route.path, &segments)?)))
            .min_by_key(|(_, parameters)| parameters.len())
    }

    /// Runs the call. A panic or a time-out is an error of the function, and gives `None`.
    async fn invoke(
        &self,
        route: &Route,
        event: &str,
        request_id: &str,
    ) -> Option<Response<Full<Bytes>>> {
        let event: Event = serde_json::from_str(event).ok()?;
        let mut context = LambdaContext::default();
        request_id.clone_into(&mut context.request_id);
        context.deadline =
            u64::try_from((since_epoch() + route.timeout).as_millis()).unwrap_or_default();
        let (app, endpoint) = (Arc::clone(&route.app), route.endpoint);
        let call = tokio::spawn(async move {
            let event = LambdaEvent::new(event, context);
            serde_json::to_value(roster_http::invoke(&app, endpoint, event).await)
        });
        let answer = tokio::time::timeout(route.timeout, call)
            .await
            .ok()?
            .ok()?
            .ok()?;
        proxy_answer(answer)
    }
}

fn admits(throttle: Option<&Throttle>) -> bool {
    throttle.is_none_or(Throttle::admits)
}

fn throttle(limit: Limit) -> Throttle {
    Throttle::new(limit.rate, limit.burst)
}

fn proxy_answer(answer: Value) -> Option<Response<Full<Bytes>>> {
    let answer: ProxyAnswer = serde_json::from_value(answer).ok()?;
    let body = match answer.body {
        None => Bytes::new(),
        Some(body) if answer.is_base64_encoded => STANDARD.decode(body).ok()?.into(),
        Some(body) => body.into(),
    };
    let mut response = Response::builder().status(answer.status_code);
    let names_type = |name: &String| name.eq_ignore_ascii_case(CONTENT_TYPE.as_str());
    if !answer.multi_value_headers.keys().any(names_type) {
        response = response.header(CONTENT_TYPE, "application/json");
    }
    for (name, values) in answer.multi_value_headers {
        for value in values {
            response = response.header(&name, value);
        }
    }
    response.body(Full::new(body)).ok()
}

fn own_answer(response: &GatewayResponse, request_id: &str) -> Response<Full<Bytes>> {
    let body = response.body.replace("$context.requestId", request_id);
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = hyper::StatusCode::from_u16(response.status).unwrap_or_default();
    for (name, value) in &response.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer
}

fn parameters(route: &str, segments: &[&str]) -> Option<Vec<(String, String)>> {
    let wanted: Vec<&str> = route.split('/').collect();
    if wanted.len() != segments.len() {
        return None;
    }
    let mut parameters = Vec::new();
    for (wanted, segment) in wanted.into_iter().zip(segments) {
        match wanted
            .strip_prefix('{')
            .and_then(|name| name.strip_suffix('}'))
        {
            Some(name) if !segment.is_empty() => {
                parameters.push((name.to_owned(), (*segment).to_owned()));
            }
            None if wanted == *segment => {}
            _ => return None,
        }
    }
    Some(parameters)
}

/// `content-type` as `Content-Type`. API Gateway shows names so, as HTTP/1.1 clients send them.
fn train_case(name: &HeaderName) -> String {
    name.as_str()
        .split('-')
        .map(|word| {
            let (first, rest) = word.split_at(word.len().min(1));
            first.to_ascii_uppercase() + rest
        })
        .collect::<Vec<_>>()
        .join("-")
}

/// A UUID, which is the form of API Gateway's request ids.
fn request_id(entropy: &Entropy) -> String {
    Uuid::from_bytes(entropy.bytes()).to_string()
}

#[expect(
    clippy::disallowed_methods,
    reason = "API Gateway has a clock of its own"
)]
fn since_epoch() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_answer_may_set_several_cookies() {
        let answer = proxy_answer(json!({
            "statusCode": 200,
            "multiValueHeaders": { "set-cookie": ["a=1; Path=/", "b=2"], "x-one": ["1"] },
            "body": "{}",
        }));
        let answer = answer.unwrap();
        let cookies: Vec<_> = answer.headers().get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["a=1; Path=/", "b=2"]);
        assert_eq!(answer.headers()["x-one"], "1");
    }

    #[test]
    fn an_answer_that_names_no_media_type_says_that_it_is_json_as_from_api_gateway() {
        for (named, wanted) in [
            (json!({}), "application/json"),
            (json!({ "content-type": ["text/plain"] }), "text/plain"),
            (json!({ "Content-Type": ["text/html"] }), "text/html"),
        ] {
            let answer = json!({ "statusCode": 204, "multiValueHeaders": named });
            let answer = proxy_answer(answer).unwrap();
            let media_types: Vec<_> = answer.headers().get_all("content-type").iter().collect();
            assert_eq!(media_types, [wanted]);
        }
    }
}
