//! Requests to Roster, over HTTP or HTTPS.

use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::uri::Scheme;
use http::{Method, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use crate::{Target, TransferError};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an answer may take. API Gateway gives up after 29 seconds.
const ANSWER: Duration = Duration::from_mins(1);

type Pool<C> = legacy::Client<C, Full<Bytes>>;

/// Where Roster is.
pub(crate) struct Client {
    base: String,
    key: HeaderValue,
    pool: Connections,
}

enum Connections {
    Direct(Pool<HttpsConnector<HttpConnector>>),
    Proxied(Pool<HttpsConnector<Tunnel<HttpConnector>>>),
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Path and query, from `/api` on.
    pub(crate) path: String,
    /// NDJSON, or empty.
    pub(crate) body: Bytes,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A request that has no answer. It may have been carried out all the same.
#[derive(Debug)]
pub(crate) struct Lost {
    /// Why, in words.
    pub(crate) reason: String,
    cause: Cause,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    NotTrusted,
    NotConnected,
    NoAnswer,
}

/// The members of a problem that tell a person what is wrong.
#[derive(Deserialize)]
struct Problem {
    title: Option<String>,
    detail: Option<String>,
}

impl Client {
    pub(crate) fn new(target: &Target) -> Result<Self, TransferError> {
        // Some write the base of the API's paths.
        let base = target.url.trim_end_matches('/').trim_end_matches("/api");
        let base = base.to_owned();
        let uri = parse(&base)?;
        let key = target.key.expose_secret();
        let mut key = HeaderValue::from_str(key).map_err(|_| TransferError::BadKey)?;
        if key.is_empty() {
            return Err(TransferError::BadKey);
        }
        key.set_sensitive(true);
        Ok(Self {
            base,
            key,
            pool: connections(&uri)?,
        })
    }

    /// Where Roster is, as it was said.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) async fn send(&self, call: Call) -> Result<Answer, Lost> {
        let has_body = !call.body.is_empty();
        let mut request = Request::new(Full::new(call.body));
        *request.method_mut() = call.method;
        let uri = format!("{}{}", self.base, call.path).parse();
        *request.uri_mut() = uri.map_err(|error| Lost::of(&error, Cause::NotConnected))?;
        let headers = request.headers_mut();
        headers.insert("x-api-key", self.key.clone());
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static("roster-transfer"));
        if has_body {
            let ndjson = HeaderValue::from_static("application/x-ndjson");
            headers.insert(CONTENT_TYPE, ndjson);
        }
        let answer = tokio::time::timeout(ANSWER, self.exchange(request)).await;
        answer.unwrap_or_else(|_| {
            Err(Lost {
                reason: format!("no answer within {} s", ANSWER.as_secs()),
                cause: Cause::NoAnswer,
            })
        })
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Answer, Lost> {
        let answer = match &self.pool {
            Connections::Direct(pool) => pool.request(request).await,
            Connections::Proxied(pool) => pool.request(request).await,
        };
        let answer: Response<Incoming> = answer.map_err(|error| {
            let cause = if is_about_trust(&error) {
                Cause::NotTrusted
            } else if error.is_connect() {
                Cause::NotConnected
            } else {
                Cause::NoAnswer
            };
            Lost::of(&error, cause)
        })?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await;
        let body = body.map_err(|error| Lost::of(&error, Cause::NoAnswer))?;
        Ok(Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.to_bytes(),
        })
    }

    /// An answer that a repeat would not change, as an error.
    pub(crate) fn refusal(&self, answer: &Answer) -> TransferError {
        let url = self.base.clone();
        match answer.status {
            401 => TransferError::UnknownKey(url),
            403 => TransferError::Forbidden(url),
            404 => TransferError::NoSuchCall(url),
            status => TransferError::Refused {
                url,
                status,
                detail: answer.words(),
            },
        }
    }

    /// The answer is not as Roster's are.
    pub(crate) fn is_not_roster(&self, reason: &'static str) -> TransferError {
        let url = self.base.clone();
        TransferError::NotRoster { url, reason }
    }

    /// What a lost request means where no request was ever answered; none where another attempt may help.
    pub(crate) fn first_contact(&self, lost: &Lost) -> Option<TransferError> {
        let (url, mut reason) = (self.base.clone(), lost.reason.clone());
        if matches!(self.pool, Connections::Proxied(_)) {
            reason.push_str(" (through HTTPS_PROXY)");
        }
        match lost.cause {
            Cause::NotTrusted => Some(TransferError::NotTrusted { url, reason }),
            Cause::NotConnected => Some(TransferError::Unreachable { url, reason }),
            Cause::NoAnswer => None,
        }
    }
}

impl Answer {
    /// Whether a later repeat may be answered otherwise.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self.status, 429 | 500 | 502 | 503 | 504)
    }

    /// How long the service asks to wait: a day at most.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let value = self.headers.get(RETRY_AFTER)?.to_str().ok()?;
        let seconds: u64 = value.trim().parse().ok()?;
        Some(Duration::from_secs(seconds).min(Duration::from_hours(24)))
    }

    /// What a problem says.
    pub(crate) fn words(&self) -> String {
        let problem: Option<Problem> = serde_json::from_slice(&self.body).ok();
        let words = problem.and_then(|problem| problem.detail.or(problem.title));
        words.unwrap_or_default()
    }
}

impl Lost {
    /// The chain of causes says it; the last of them, most clearly.
    fn of(error: &dyn Error, cause: Cause) -> Self {
        let mut last = error;
        while let Some(source) = last.source() {
            last = source;
        }
        let reason = last.to_string();
        Self { reason, cause }
    }
}

fn parse(url: &str) -> Result<Uri, TransferError> {
    let bad = |reason| TransferError::BadUrl {
        url: url.to_owned(),
        reason,
    };
    let uri: Uri = url.parse().map_err(|_| bad("it is no URL"))?;
    let host = uri.host().ok_or(bad("it needs https:// and a host"))?;
    if uri.query().is_some() || uri.authority().is_some_and(|it| it.as_str().contains('@')) {
        return Err(bad("it may have neither a query nor a user's name"));
    }
    match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTPS => Ok(uri),
        Some(scheme) if *scheme == Scheme::HTTP && is_this_machine(host) => Ok(uri),
        Some(scheme) if *scheme == Scheme::HTTP => Err(bad(
            "without https:// others could read the key and the users; http:// is for this machine alone",
        )),
        _ => Err(bad("it needs https:// and a host")),
    }
}

fn is_this_machine(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    let address = host.parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// Connections to this URL. What goes over HTTPS may go through a proxy (`HTTPS_PROXY`, `NO_PROXY`).
fn connections(uri: &Uri) -> Result<Connections, TransferError> {
    let is_https = uri.scheme() == Some(&Scheme::HTTPS);
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has what these versions need");
    let config = if is_https {
        let config = config.with_native_roots();
        config.map_err(|error| TransferError::NoAuthorities(error.to_string()))?
    } else {
        config.with_root_certificates(RootCertStore::empty())
    };
    let tls = HttpsConnectorBuilder::new()
        .with_tls_config(config.with_no_client_auth())
        .https_or_http()
        .enable_http1();
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT));
    let mut pool = legacy::Client::builder(TokioExecutor::new());
    pool.pool_timer(TokioTimer::new());
    let proxy = Matcher::from_env().intercept(uri);
    Ok(match proxy.filter(|_| is_https) {
        Some(proxy) => Connections::Proxied(pool.build(tls.wrap_connector(tunnel(&proxy, tcp)))),
        None => Connections::Direct(pool.build(tls.wrap_connector(tcp))),
    })
}

fn tunnel(proxy: &Intercept, tcp: HttpConnector) -> Tunnel<HttpConnector> {
    let tunnel = Tunnel::new(proxy.uri().clone(), tcp);
    match proxy.basic_auth() {
        Some(name) => tunnel.with_auth(name.clone()),
        None => tunnel,
    }
}

/// Whether the certificate of the service was refused.
fn is_about_trust(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref() {
            return matches!(error, rustls::Error::InvalidCertificate(_));
        }
        // An error of I/O does not name the one that it carries as its source.
        let io = error.downcast_ref::<std::io::Error>();
        cause = match io.and_then(std::io::Error::get_ref) {
            Some(carried) => Some(carried),
            None => error.source(),
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_https_is_for_this_machine_alone() {
        for url in [
            "https://api.example.com/v1",
            "http://127.0.0.1:9080",
            "http://localhost:9080",
            "http://[::1]:9080/v1",
        ] {
            assert!(parse(url).is_ok(), "{url}");
        }
        for url in [
            "http://api.example.com",
            "http://127.0.0.1.example.com",
            "ftp://127.0.0.1",
            "127.0.0.1:9080",
            "/api",
            "",
            "https://api.example.com?a=b",
            "https://me@api.example.com",
        ] {
            let said = parse(url).unwrap_err().to_string();
            assert!(said.starts_with("--url "), "{said}");
        }
    }

    #[test]
    fn a_wait_is_read_in_seconds() {
        let answer = |value: &'static str| Answer {
            status: 429,
            headers: HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]),
            body: Bytes::new(),
        };
        assert_eq!(answer("2").retry_after(), Some(Duration::from_secs(2)));
        let day = Some(Duration::from_hours(24));
        assert_eq!(answer("18446744073709551615").retry_after(), day);
        assert_eq!(answer("-1").retry_after(), None);
        let date = answer("Wed, 21 Oct 2015 07:28:00 GMT");
        assert_eq!(date.retry_after(), None);
    }
}
