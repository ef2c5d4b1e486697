//! What all AWS clients of Roster are made of. The parts are chosen by hand, because the SDK's defaults
//! cost a third of a second of a small function's first request (ARCHITECTURE.md, "Start-up").
//!
//! **Invariant:** this crate names no service.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Debug;
use std::pin::Pin;
use std::time::Duration;

use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use secrecy::SecretString;

pub use aws_credential_types::Credentials;
pub use aws_smithy_runtime_api::client::http::SharedHttpClient;

/// Where the services beside the table are, and by which credentials they are asked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The AWS region.
    pub region: String,
    /// Another endpoint than AWS's, for all services.
    pub endpoint: Option<String>,
    /// The function's role. For services on this machine, any credentials do.
    pub credentials: Credentials,
}

/// A service did not do what it was asked. Only the code is kept: a message may quote what was sent.
#[derive(Debug, thiserror::Error)]
#[error("{service}: {code}")]
pub struct ServiceError {
    /// Which one.
    pub service: &'static str,
    /// The service's code, or `no answer`.
    pub code: String,
}

/// Parameters that are being read: the values of those that exist, by their names.
pub type Parameters<'a> =
    Pin<Box<dyn Future<Output = Result<BTreeMap<String, SecretString>, ServiceError>> + Send + 'a>>;

/// The function that reads parameters. It is a function pointer, so that only the binaries that name it
/// link its SDK.
pub type ReadParameters = for<'a> fn(&'a Settings, &'a [&'a str]) -> Parameters<'a>;

/// HTTPS by rustls with ring.
pub fn http_client() -> SharedHttpClient {
    Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}

/// Four attempts with short pauses: the SDK's own first pause is a second.
pub fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(4)
        .with_initial_backoff(Duration::from_millis(25))
        .with_max_backoff(Duration::from_millis(500))
}

/// Why a service could not be reached, without the request.
pub fn connector_error<E, R>(error: SdkError<E, R>) -> Option<ConnectorError>
where
    E: Error + Send + Sync + 'static,
    R: Debug + Send + Sync + 'static,
{
    let source = error.into_source().ok()?;
    source.downcast().ok().map(|connector| *connector)
}

/// How long a connection and one attempt may take.
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(3))
        .build()
}

/// How a client waits between attempts.
pub fn sleep() -> TokioSleep {
    TokioSleep::new()
}
