//! The keys of links: read once, by the few functions that may.

use std::future::Future;
use std::pin::Pin;

use domain::link::Keys;
use secrecy::ExposeSecret;
use tokio::sync::OnceCell;

use crate::Problem;
use crate::app::{Environment, Misconfigured};

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

type ReadingKeys<'a> = Pin<Box<dyn Future<Output = Result<Keys, String>> + Send + 'a>>;

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
    pub async fn get(&self) -> Result<&Keys, Problem> {
        let read = || async {
            match &self.parameters {
                Some(parameters) => (parameters.read)(parameters).await,
                None => Err("this call has no link keys".to_owned()),
            }
        };
        self.keys
            .get_or_try_init(read)
            .await
            .map_err(Problem::Unavailable)
    }
}

async fn read(parameters: &Parameters) -> Result<Keys, String> {
    let names = [parameters.current.as_str(), parameters.previous.as_str()];
    let values = aws::parameters(&parameters.settings, &names)
        .await
        .map_err(|error| error.to_string())?;
    let value = |name: &str| values.get(name).map(ExposeSecret::expose_secret);
    let current = value(&parameters.current).ok_or("the link key's parameter is not there")?;
    Keys::parse(current, value(&parameters.previous)).map_err(|error| error.to_string())
}
