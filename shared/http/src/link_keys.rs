//! The keys of links. The few functions that may read them do so once.

use domain::link::Keys;
use sdk::ReadParameters;
use secrecy::ExposeSecret;
use tokio::sync::OnceCell;

use crate::Misconfigured;
use crate::environment::Environment;
use crate::serve::MAX_CONNECT;

/// The source of the keys.
#[derive(Debug)]
pub struct LinkKeys {
    keys: OnceCell<Keys>,
    parameters: Option<Parameters>,
}

/// The parameters that hold the keys, and the function that reads them.
#[derive(Debug)]
struct Parameters {
    settings: sdk::Settings,
    current: String,
    previous: String,
    read: ReadParameters,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum LinkKeysError {
    /// The call's endpoint doesn't name them as a need.
    #[error("this call needs no link keys")]
    NotNeeded,
    /// The parameter of the current key is not there.
    #[error("the link key's parameter is not there")]
    Missing,
    /// The Systems Manager doesn't answer, or refuses.
    #[error("the parameters can't be read")]
    Parameters(#[from] sdk::ServiceError),
    /// A parameter holds no key.
    #[error("a parameter holds no key")]
    Malformed(#[from] domain::link::InvalidKey),
}

impl LinkKeys {
    /// For calls that need no keys.
    pub fn none() -> Self {
        Self {
            keys: OnceCell::new(),
            parameters: None,
        }
    }

    /// Keys that are known already.
    pub fn fixed(keys: Keys) -> Self {
        Self {
            keys: OnceCell::new_with(Some(keys)),
            parameters: None,
        }
    }

    /// The two SecureString parameters that the environment names.
    pub fn from_parameters(read: ReadParameters) -> Result<Self, Misconfigured> {
        Ok(Self {
            keys: OnceCell::new(),
            parameters: Some(Parameters {
                settings: Environment::services()?,
                current: Environment::get("LINK_KEY_PARAMETER")?,
                previous: Environment::get("PREVIOUS_LINK_KEY_PARAMETER")?,
                read,
            }),
        })
    }

    /// The keys. They are read while the function starts. If that fails, the next request reads them
    /// again.
    pub async fn get(&self) -> Result<&Keys, LinkKeysError> {
        let read = || async {
            match &self.parameters {
                Some(parameters) => read(parameters).await,
                None => Err(LinkKeysError::NotNeeded),
            }
        };
        self.keys.get_or_try_init(read).await
    }

    /// Reads the keys while the function starts. If that fails, the first request reads them again and
    /// reports the fault.
    pub async fn read_ahead(&self) {
        let _ = tokio::time::timeout(MAX_CONNECT, self.get()).await;
    }
}

async fn read(parameters: &Parameters) -> Result<Keys, LinkKeysError> {
    let names = [parameters.current.as_str(), parameters.previous.as_str()];
    let values = (parameters.read)(&parameters.settings, &names).await?;
    let value = |name: &str| values.get(name).map(ExposeSecret::expose_secret);
    let current = value(&parameters.current).ok_or(LinkKeysError::Missing)?;
    Ok(Keys::parse(current, value(&parameters.previous))?)
}
