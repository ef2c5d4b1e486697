//! SecureString parameters of the Systems Manager.

use std::collections::BTreeMap;

use aws_sdk_ssm::error::ProvideErrorMetadata as _;
use secrecy::SecretString;

use crate::Settings;

/// The parameters could not be read.
#[derive(Debug, thiserror::Error)]
#[error("SSM: {0}")]
pub struct ParameterError(String);

/// The values of those of `names` that exist, decrypted: one `GetParameters`.
pub async fn parameters(
    settings: &Settings,
    names: &[&str],
) -> Result<BTreeMap<String, SecretString>, ParameterError> {
    let client = aws_sdk_ssm::Client::new(&settings.config());
    let output = client
        .get_parameters()
        .set_names(Some(names.iter().map(|name| (*name).to_owned()).collect()))
        .with_decryption(true)
        .send()
        .await
        // The code alone: a message may quote what was sent.
        .map_err(|error| ParameterError(error.code().unwrap_or("no answer").to_owned()))?;
    Ok(output
        .parameters
        .unwrap_or_default()
        .into_iter()
        .filter_map(|parameter| Some((parameter.name?, parameter.value?.into())))
        .collect())
}
