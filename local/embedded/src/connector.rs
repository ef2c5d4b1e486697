//! How the SDK reaches the embedded store: without a socket.

use std::fmt;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;

use super::Embedded;

impl Embedded {
    /// The HTTP client by which the SDK reaches the store.
    pub fn http_client(&self) -> SharedHttpClient {
        let connector = SharedHttpConnector::new(self.clone());
        http_client_fn(move |_, _| connector.clone())
    }
}

impl fmt::Debug for Embedded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Embedded")
    }
}

impl HttpConnector for Embedded {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let embedded = self.clone();
        HttpConnectorFuture::new(async move { respond(&embedded, &request).await })
    }
}

async fn respond(
    embedded: &Embedded,
    request: &HttpRequest,
) -> Result<HttpResponse, ConnectorError> {
    let target = request.headers().get("x-amz-target").unwrap_or_default();
    let body = request.body().bytes();
    let body = body.ok_or_else(|| ConnectorError::user("a request in parts".into()))?;
    let answer = embedded.answer(target, body).await;
    let status = StatusCode::try_from(answer.status);
    let status = status.map_err(|fault| ConnectorError::other(fault.into(), None))?;
    Ok(HttpResponse::new(status, SdkBody::from(answer.body)))
}
