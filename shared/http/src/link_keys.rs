//! The keys of links: read once, by the few functions that may.

use std::future::Future;
use std::pin::Pin;

use domain::link::Keys;
use secrecy::ExposeSecret;
use tokio::sync::OnceCell;

use crate::Misconfigured;
use crate::environment::Environment;

/// Where the keys come from.
#[derive(Debug)]
pub struct LinkKeys {
    keys: OnceCell<Keys>,
    parameters: Option<Parameters>,
}

/// The parameters that hold the keys, and who reads them. A function pointer, so that only
/// binaries that name it link the SDK of the Systems Manager.
#[derive(Debug)]
struct Parameters {
    settings: aws::Settings,
    current: String,
    previous: String,
    read: for<'a> fn(&'a Parameters) -> ReadingKeys<'a>,
}

type ReadingKeys<'a> = Pin<Box<dyn Future<Output = Result<Keys, LinkKeysError>> + Send + 'a>>;

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum LinkKeysError {
    /// The call doesn't say that it needs them.
    #[error("this call needs no link keys")]
    NotNeeded,
    /// The parameter of the current key is not there.
    #[error("the link key's parameter is not there")]
    Missing,
    /// The Systems Manager doesn't answer, or refuses.
    #[error("the parameters can't be read")]
    Parameters(#[from] aws::ParameterError),
    /// A parameter holds no key.
    #[error("a parameter holds no key")]
    Malformed(#[from] domain::link::InvalidKey),
}

impl LinkKeys {
    /// No keys: for calls that need none.
    pub fn none() -> Self {
        Self {
            keys: OnceCell::new(),
            parameters: None,
        }
    }

    /// These keys.
    pub fn fixed(keys: Keys) -> Self {
        Self {
            keys: OnceCell::new_with(Some(keys)),
            parameters: None,
        }
    }

    /// The two SecureString parameters that the environment names.
    pub(crate) fn from_parameters() -> Result<Self, Misconfigured> {
        Ok(Self {
            keys: OnceCell::new(),
            parameters: Some(Parameters {
                settings: Environment::aws()?,
                current: Environment::get("LINK_KEY_PARAMETER")?,
                previous: Environment::get("PREVIOUS_LINK_KEY_PARAMETER")?,
                read: |parameters| Box::pin(read(parameters)),
            }),
        })
    }

    /// The keys. They are read when the function starts; if that failed, the next request tries
    /// again.
    pub async fn get(&self) -> Result<&Keys, LinkKeysError> {
        let read = || async {
            match &self.parameters {
                Some(parameters) => (parameters.read)(parameters).await,
                None => Err(LinkKeysError::NotNeeded),
            }
        };
        self.keys.get_or_try_init(read).await
    }
}

async fn read(parameters: &Parameters) -> Result<Keys, LinkKeysError> {
    let names = [parameters.current.as_str(), parameters.previous.as_str()];
    let values = aws::parameters(&parameters.settings, &names).await?;
    let value = |name: &str| values.get(name).map(ExposeSecret::expose_secret);
    let current = value(&parameters.current).ok_or(LinkKeysError::Missing)?;
    Ok(Keys::parse(current, value(&parameters.previous))?)
}
