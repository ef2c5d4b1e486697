//! The embedded store for other programs on this machine: cargo-lambda's functions, the AWS CLI.
//!
//! Pages in a browser get no answer, because they could read users. A page of another site is
//! recognised by its `Origin`. A page whose site points its own name at this machine is recognised by
//! its `Host`.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use embedded::{AuthMaterial, Embedded};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderName, HeaderValue, ORIGIN};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tracing::warn;

use crate::accept::accept;
use crate::hosts::{self, Hosts};

/// The header that names the operation.
const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
/// DynamoDB's limit on a request's body.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// Serves programs on `listener`, for as long as the runtime lives. Requests must be for a name of this
/// machine or for one of `names`.
pub fn serve(embedded: &Embedded, listener: TcpListener, names: impl IntoIterator<Item = String>) {
    let mut hosts = Hosts::of_this_machine();
    hosts.allow(names);
    let (embedded, hosts) = (embedded.clone(), Arc::new(hosts));
    tokio::spawn(async move {
        loop {
            let (stream, _) = accept(&listener).await;
            let (embedded, hosts) = (embedded.clone(), Arc::clone(&hosts));
            let service = hyper::service::service_fn(move |request| {
                let (embedded, hosts) = (embedded.clone(), Arc::clone(&hosts));
                async move { Ok::<_, Infallible>(respond(&embedded, &hosts, request).await) }
            });
            tokio::spawn(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service),
            );
        }
    });
}

async fn respond(
    embedded: &Embedded,
    hosts: &Hosts,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let is_ours = hosts::named(&head.headers).is_some_and(|host| hosts.have(&host));
    if !is_ours {
        warn!(status = 421, "another name at the store");
        return hosts::misdirected();
    }
    if head.headers.contains_key(ORIGIN) {
        warn!(status = 403, "a page at the store");
        let body =
            r#"{"__type":"AccessDeniedException","message":"Pages are not answered (Origin)."}"#;
        return response(StatusCode::FORBIDDEN, body.to_owned());
    }
    if head.method != Method::POST {
        return response(StatusCode::NOT_FOUND, String::new());
    }
    let text = |name: HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok());
    let target = text(TARGET).unwrap_or_default();
    let signed = AuthMaterial {
        authorization: text(AUTHORIZATION),
        query: head.uri.query().unwrap_or_default(),
        has_date_header: head.headers.contains_key("x-amz-date") || head.headers.contains_key(DATE),
    };
    let answer = match embedded.refusal(target, signed) {
        Some(refusal) => refusal,
        None => match Limited::new(body, MAX_BODY_BYTES).collect().await {
            Ok(body) => embedded.answer(target, &body.to_bytes()).await,
            Err(_) => return response(StatusCode::PAYLOAD_TOO_LARGE, String::new()),
        },
    };
    let status = StatusCode::from_u16(answer.status);
    response(
        status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        answer.body,
    )
}

fn response(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let media_type = HeaderValue::from_static("application/x-amz-json-1.0");
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}
