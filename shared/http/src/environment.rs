//! The environment that template.yaml and Lambda set.

use sdk::Credentials;

/// Why a function can't start.
#[derive(Debug, thiserror::Error)]
pub enum Misconfigured {
    /// An environment variable is missing.
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    /// An environment variable has a value that is not valid.
    #[error("the environment variable {0} is malformed")]
    Malformed(&'static str),
    /// The operating system gives no random bytes.
    #[error("the operating system gives no random bytes")]
    NoRandomness,
}

/// The environment that template.yaml and Lambda set.
#[derive(Debug)]
pub struct Environment;

impl Environment {
    /// A variable that has a value.
    pub fn get(name: &'static str) -> Result<String, Misconfigured> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that reads the environment"
        )]
        std::env::var(name)
            .ok()
            .filter(|value| !value.is_empty())
            .ok_or(Misconfigured::Missing(name))
    }

    pub(crate) fn credentials() -> Result<Credentials, Misconfigured> {
        Ok(Credentials::new(
            Self::get("AWS_ACCESS_KEY_ID")?,
            Self::get("AWS_SECRET_ACCESS_KEY")?,
            Self::get("AWS_SESSION_TOKEN").ok(),
            None,
            "environment",
        ))
    }

    /// Where the services beside the table are.
    pub fn services() -> Result<sdk::Settings, Misconfigured> {
        Ok(sdk::Settings {
            region: Self::get("AWS_REGION")?,
            endpoint: Self::get("AWS_ENDPOINT_URL").ok(),
            credentials: Self::credentials()?,
        })
    }
}
