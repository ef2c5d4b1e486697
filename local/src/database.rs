//! DynamoDB on this machine: in this process, or in another one.

use std::path::PathBuf;
use std::time::Duration;

use embedded::Embedded;
use hyper::Uri;
use store::schema::{Made, Schema, differences, make};
use store::{Credentials, Settings, StoreError};
use tokio::net::TcpStream;

use crate::StartError;

/// The place of the items.
#[derive(Clone, Debug)]
pub enum Place {
    /// In this process. They are lost when it ends.
    Memory,
    /// In this process, kept in a file.
    File(PathBuf),
    /// Behind a URL, such as DynamoDB Local's.
    Url(String),
}

/// How often expired items are swept away. A sweep reads every item.
pub const SWEEP_EVERY: Duration = Duration::from_hours(1);
/// How long a store may take to accept a connection.
const REACH: Duration = Duration::from_secs(3);

/// What holds the table.
#[derive(Clone, Debug)]
pub enum Dynamodb {
    /// The embedded store.
    Embedded(Embedded),
    /// Another process, at this URL.
    At(String),
}

impl Dynamodb {
    /// Opens the store of `place`.
    pub async fn open(place: &Place) -> Result<Self, StartError> {
        let file = match place {
            Place::Url(url) => {
                let store = Self::At(url.clone());
                reach(url).await.map_err(|reason| store.refused(reason))?;
                return Ok(store);
            }
            Place::File(file) => Some(file.as_path()),
            Place::Memory => None,
        };
        let embedded = Embedded::open(file).map_err(|reason| StartError::Data {
            path: file
                .map(|file| file.display().to_string())
                .unwrap_or_default(),
            reason,
        })?;
        Ok(Self::Embedded(embedded))
    }

    /// Why the service can't start on it. The text is for a person.
    pub fn refused(&self, reason: String) -> StartError {
        let place = match self {
            Self::At(url) => url.clone(),
            Self::Embedded(embedded) => match embedded.file() {
                Some(file) => {
                    let path = file.display().to_string();
                    return StartError::Data { path, reason };
                }
                None => "in memory".to_owned(),
            },
        };
        StartError::Store { place, reason }
    }

    /// The SDK's settings to reach a table of this name. Any credentials do.
    pub fn settings(&self, table: &str) -> Settings {
        let (endpoint, http_client) = match self {
            Self::Embedded(embedded) => (embedded::ENDPOINT.to_owned(), embedded.http_client()),
            Self::At(url) => (url.clone(), store::http_client()),
        };
        Settings {
            region: "eu-west-1".to_owned(),
            endpoint: Some(endpoint),
            table: table.to_owned(),
            credentials: Credentials::new("local", "local", None, None, "local"),
            http_client,
        }
    }
}

/// Makes the template's table if it is missing. A table of another layout is refused.
pub async fn prepare(
    dynamodb: &Dynamodb,
    settings: &Settings,
    table: &Schema,
) -> Result<Made, StartError> {
    let failed = |error: StoreError| dynamodb.refused(store::with_sources(&error));
    let (client, name) = (store::connect(settings), settings.table.as_str());
    let made = make(&client, name, table).await.map_err(failed)?;
    if made == Made::Before {
        let differences = differences(&client, name, table).await.map_err(failed)?;
        if !differences.is_empty() {
            let differences: Vec<_> = differences.into_iter().collect();
            return Err(dynamodb.refused(format!(
                "table {name} has another layout ({}): use another --table or --data file",
                differences.join(", ")
            )));
        }
    }
    Ok(made)
}

/// Checks that a server listens at `url`. The SDK would find out, too, but only after its retries, and
/// with a message that only its developers understand.
async fn reach(url: &str) -> Result<(), String> {
    let uri: Option<Uri> = url.parse().ok();
    let place = uri.as_ref().and_then(|uri| {
        let default_port = match uri.scheme_str()? {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        let host = uri.host()?.trim_matches(['[', ']']);
        Some((host, uri.port_u16().unwrap_or(default_port)))
    });
    let place = place.ok_or("it needs the form http://HOST:PORT")?;
    match tokio::time::timeout(REACH, TcpStream::connect(place)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("it does not answer".to_owned()),
    }
}
