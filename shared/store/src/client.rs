//! The DynamoDB client.

use std::time::Duration;

use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Builder, ProvideCredentials as _, Region, StalledStreamProtectionConfig,
};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::{Client, Config};
use aws_types::SdkConfig;

pub use sdk::{Credentials, SharedHttpClient, http_client};

/// Where the table is, and by which credentials it is asked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The AWS region.
    pub region: String,
    /// Another endpoint than the region's own, such as DynamoDB Local's.
    pub endpoint: Option<String>,
    /// The table's name.
    pub table: String,
    /// The function's role. For a local store, any credentials do.
    pub credentials: Credentials,
    /// How the table is reached: [`http_client`], except for a store in the same process.
    pub http_client: SharedHttpClient,
}

/// One client per process. It connects at its first request.
pub fn connect(settings: &Settings) -> Client {
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(settings.region.clone()))
        .credentials_provider(settings.credentials.clone())
        .http_client(settings.http_client.clone())
        .sleep_impl(sdk::sleep())
        .retry_config(sdk::retries())
        .timeout_config(sdk::timeouts())
        // This protection is for bodies that are streamed. Here the time-out of an attempt covers its
        // whole answer.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    config.set_endpoint_url(settings.endpoint.clone());
    Client::from_conf(config.build())
}

/// A client for a program on a person's machine: its credentials renew themselves, and an attempt has the
/// time that a megabyte takes over a slow line.
///
/// # Errors
///
/// Why there are no credentials.
pub async fn connect_by(config: &SdkConfig) -> Result<Client, BoxError> {
    let credentials = config.credentials_provider();
    let credentials = credentials.ok_or("no provider of credentials is configured")?;
    credentials.provide_credentials().await?;
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .operation_attempt_timeout(Duration::from_mins(1));
    let config = Builder::from(config)
        .sleep_impl(sdk::sleep())
        .retry_config(sdk::retries())
        .timeout_config(timeouts.build());
    Ok(Client::from_conf(config.build()))
}

/// The same client with other credentials. Both share their connections.
pub fn as_another(client: &Client, credentials: Credentials) -> Client {
    let config = client.config().to_builder();
    Client::from_conf(config.credentials_provider(credentials).build())
}
