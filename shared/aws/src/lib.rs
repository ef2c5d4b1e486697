//! The AWS services beside the table: e-mail (SES), SMS (SNS), parameters (SSM).
//!
//! **Invariant:** this crate alone names their SDKs. It knows addresses and texts, no users.

mod courier;
mod parameters;

use aws_types::SdkConfig;
use aws_types::region::Region;
use sdk::Credentials;

pub use courier::{Courier, Mail, SendError};
pub use parameters::{ParameterError, parameters};

/// Where the services are, and who asks.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The AWS region.
    pub region: String,
    /// Another endpoint than the services' own, for all of them.
    pub endpoint: Option<String>,
    /// The function's role, or anything for services of this machine.
    pub credentials: Credentials,
}

impl Settings {
    fn config(&self) -> SdkConfig {
        let mut config = SdkConfig::builder()
            .behavior_version(aws_sdk_ssm::config::BehaviorVersion::v2026_01_12())
            .region(Region::new(self.region.clone()))
            .credentials_provider(aws_sdk_ssm::config::SharedCredentialsProvider::new(
                self.credentials.clone(),
            ))
            .http_client(sdk::http_client())
            .sleep_impl(aws_sdk_ssm::config::SharedAsyncSleep::new(sdk::sleep()))
            .retry_config(sdk::retries())
            .timeout_config(sdk::timeouts());
        config.set_endpoint_url(self.endpoint.clone());
        config.build()
    }
}
