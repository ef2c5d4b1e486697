//! The AWS services beside the table: e-mail (SES) and SMS (SNS) with the feature `mail`, parameters
//! (SSM) with the feature `parameters`.
//!
//! **Invariant:** only this crate names their SDKs. It knows addresses and texts, and no users.

#[cfg(feature = "mail")]
mod courier;
#[cfg(feature = "mail")]
mod error;
#[cfg(feature = "parameters")]
mod parameters;

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::SharedAsyncSleep;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_types::SdkConfig;
use aws_types::region::Region;

#[cfg(feature = "mail")]
pub use courier::{Courier, Mail, SendError};
#[cfg(feature = "mail")]
pub use error::Cause;
#[cfg(feature = "parameters")]
pub use parameters::parameters;
pub use sdk::Settings;

/// What a client of any of the services is made from.
fn config(settings: &Settings) -> SdkConfig {
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(settings.region.clone()))
        .credentials_provider(SharedCredentialsProvider::new(settings.credentials.clone()))
        .http_client(sdk::http_client())
        .sleep_impl(SharedAsyncSleep::new(sdk::sleep()))
        .retry_config(sdk::retries())
        .timeout_config(sdk::timeouts());
    config.set_endpoint_url(settings.endpoint.clone());
    config.build()
}
