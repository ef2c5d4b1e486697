//! What every AWS client of Roster is built from, by hand: the SDK's own defaults cost a third of
//! a second of a small function's first request (ARCHITECTURE.md, "Start-up").
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

/// Where services beside the table are, and who asks them.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The AWS region.
    pub region: String,
    /// Another endpoint than the services' own, for all of them.
    pub endpoint: Option<String>,
    /// The function's role, or anything for services of this machine.
    pub credentials: Credentials,
}

/// A service did not do what it was asked. The code alone: a message may quote what was sent.
#[derive(Debug, thiserror::Error)]
#[error("{service}: {code}")]
pub struct ServiceError {
    /// Which one.
    pub service: &'static str,
    /// The service's code, or `no answer`.
    pub code: String,
}

/// Parameters being read: the values of those that exist, by their names.
pub type Parameters<'a> =
    Pin<Box<dyn Future<Output = Result<BTreeMap<String, SecretString>, ServiceError>> + Send + 'a>>;

/// Who reads parameters of these names. A function pointer: only a binary that names the reader links
/// the SDK behind it.
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
