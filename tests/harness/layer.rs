//! A layer between the SDK and a store.

use std::fmt;

use aws_smithy_runtime_api::client::http::{
    HttpClient as _, HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector,
    http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

/// The SDK's client for a store, `inner`, with a layer that passes requests on or doesn't.
pub(crate) fn before<Layer>(inner: SharedHttpClient, layer: Layer) -> SharedHttpClient
where
    Layer: Fn(SharedHttpConnector, HttpRequest) -> HttpConnectorFuture,
    Layer: Clone + Send + Sync + 'static,
{
    http_client_fn(move |settings, components| {
        SharedHttpConnector::new(Layered {
            inner: inner.http_connector(settings, components),
            layer: layer.clone(),
        })
    })
}

struct Layered<Layer> {
    inner: SharedHttpConnector,
    layer: Layer,
}

impl<Layer> fmt::Debug for Layered<Layer> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Layered")
    }
}

impl<Layer> HttpConnector for Layered<Layer>
where
    Layer: Fn(SharedHttpConnector, HttpRequest) -> HttpConnectorFuture + Send + Sync,
{
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        (self.layer)(self.inner.clone(), request)
    }
}
