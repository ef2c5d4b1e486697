//! What every AWS client of Roster is built from, by hand: the SDK's own defaults cost a third of
//! a second of a small function's first request (ARCHITECTURE.md, "Start-up").
//!
//! **Invariant:** this crate names no service.

use std::time::Duration;

use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

pub use aws_credential_types::Credentials;
pub use aws_smithy_runtime_api::client::http::SharedHttpClient;

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
