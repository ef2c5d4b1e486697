//! What API Gateway says about a request, before the request is checked.

use lambda_http::RequestExt as _;
use lambda_http::request::RequestContext;

/// What is known of a request before it is checked: enough to show a problem.
pub(crate) struct Origin {
    /// The request path, without the stage.
    pub(crate) path: String,
    /// API Gateway's request id.
    pub(crate) trace_id: String,
    /// Lambda's request id, as its own log lines have it.
    pub(crate) request_id: String,
    /// The path that the client sees, stage or base path included, without a last slash.
    pub(crate) public_path: String,
    /// The id of the API key, where API Gateway asked for one.
    pub(crate) key_id: Option<String>,
    /// The key's value. It goes into operation ids, so that they can't be guessed without it.
    pub(super) key: String,
    /// The IP address that connected to API Gateway.
    pub(super) source_ip: String,
}

impl Origin {
    pub(crate) fn of(event: &lambda_http::Request) -> Self {
        let context = match event.request_context_ref() {
            Some(RequestContext::ApiGatewayV1(context)) => Some(context),
            _ => None,
        };
        Self {
            path: event.raw_http_path().to_owned(),
            trace_id: context
                .and_then(|context| context.request_id.clone())
                .unwrap_or_default(),
            request_id: event
                .lambda_context_ref()
                .map(|context| context.request_id.clone())
                .unwrap_or_default(),
            public_path: context
                .and_then(|context| context.path.clone())
                .map(|path| path.trim_end_matches('/').to_owned())
                .unwrap_or_default(),
            key: context
                .and_then(|context| context.identity.api_key.clone())
                .unwrap_or_default(),
            key_id: context.and_then(|context| context.identity.api_key_id.clone()),
            source_ip: context
                .and_then(|context| context.identity.source_ip.clone())
                .unwrap_or_default(),
        }
    }
}
