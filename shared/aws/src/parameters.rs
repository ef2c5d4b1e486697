//! SecureString parameters of the Systems Manager.

use aws_sdk_ssm::error::ProvideErrorMetadata as _;
use sdk::{Parameters, ServiceError, Settings};

/// The decrypted values of those of `names` that exist: one `GetParameters`.
pub fn parameters<'a>(settings: &'a Settings, names: &'a [&'a str]) -> Parameters<'a> {
    Box::pin(async move {
        let client = aws_sdk_ssm::Client::new(&crate::config(settings));
        let output = client
            .get_parameters()
            .set_names(Some(names.iter().map(|name| (*name).to_owned()).collect()))
            .with_decryption(true)
            .send()
            .await
            .map_err(|error| ServiceError {
                service: "SSM",
                code: error.code().unwrap_or("no answer").to_owned(),
            })?;
        Ok(output
            .parameters
            .unwrap_or_default()
            .into_iter()
            .filter_map(|parameter| Some((parameter.name?, parameter.value?.into())))
            .collect())
    })
}
