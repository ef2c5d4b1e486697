//! The DynamoDB client, built by hand: the SDK's own defaults cost a third of a second of a
//! small function's first request (ARCHITECTURE.md, "Start-up").

use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::{Client, Config};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

pub use aws_credential_types::Credentials;

/// Where the table is, and who asks.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The AWS region.
    pub region: String,
    /// Another endpoint than the region's own, such as DynamoDB Local's.
    pub endpoint: Option<String>,
    /// The table's name.
    pub table: String,
    /// The function's role, or anything for a local store.
    pub credentials: Credentials,
}

/// One client per process. It connects at its first request.
pub fn connect(settings: &Settings) -> Client {
    let http = Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let retries = RetryConfig::standard()
        .with_max_attempts(4)
        .with_initial_backoff(Duration::from_millis(25))
        .with_max_backoff(Duration::from_millis(500));
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(3))
        .build();
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(settings.region.clone()))
        .credentials_provider(settings.credentials.clone())
        .http_client(http)
        .sleep_impl(TokioSleep::new())
        .retry_config(retries)
        .timeout_config(timeouts);
    config.set_endpoint_url(settings.endpoint.clone());
    Client::from_conf(config.build())
}
