//! DynamoDB on this machine: embedded, or another process that speaks it.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use dynoxide::Database;
use hyper::Uri;
use store::table::{Made, Table, differences, make};
use store::{Credentials, Settings, StoreError};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tracing::error;

use crate::StartError;

/// Where the items are.
#[derive(Clone, Debug)]
pub enum Place {
    /// In this process, gone with it.
    Memory,
    /// In this process, kept in a file.
    File(PathBuf),
    /// Behind a URL, such as DynamoDB Local's.
    Url(String),
}

/// How often expired items are swept away; DynamoDB itself takes up to days. A sweep reads every item.
pub const SWEEP_EVERY: Duration = Duration::from_hours(1);
/// How long a store may take to accept a connection.
const REACH: Duration = Duration::from_secs(3);
/// How a database file starts.
const FILE_HEAD: &[u8] = b"SQLite format 3\0";

/// Serves the embedded store on `listener`, for as long as the runtime lives. Where it sweeps, it
/// goes by this machine's clock: nothing for those who live in another time.
pub fn serve_embedded(
    file: Option<&Path>,
    listener: TcpListener,
    sweeps_every: Option<Duration>,
) -> Result<JoinHandle<()>, StartError> {
    let path = file
        .map(|file| file.display().to_string())
        .unwrap_or_default();
    let database = match file {
        None => Database::memory().map_err(|error| error.to_string()),
        Some(file) => {
            check_file(file).and_then(|()| Database::new(&path).map_err(|error| error.to_string()))
        }
    }
    .map_err(|reason| StartError::Data { path, reason })?;
    let sweeper = database.clone();
    tokio::spawn(async move {
        while let Some(pause) = sweeps_every {
            tokio::time::sleep(pause).await;
            let database = sweeper.clone();
            let swept = tokio::task::spawn_blocking(move || database.sweep_ttl()).await;
            if let Ok(Err(fault)) = swept {
                error!(%fault, "sweep");
            }
        }
    });
    Ok(tokio::spawn(async move {
        let never = std::future::pending();
        if let Err(fault) = dynoxide::server::serve_with_shutdown(listener, database, never).await {
            error!(%fault, "store");
        }
    }))
}

/// Whether `file` is new, empty or a database; the embedded store's own words are for others.
fn check_file(file: &Path) -> Result<(), String> {
    let mut head = Vec::new();
    let read =
        File::open(file).and_then(|file| file.take(FILE_HEAD.len() as u64).read_to_end(&mut head));
    match read {
        Ok(_) if head.is_empty() || head == FILE_HEAD => Ok(()),
        Ok(_) => Err("it is not a database".to_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// Settings for a store on this machine: any credentials do.
pub fn settings(endpoint: String, table: &str) -> Settings {
    Settings {
        region: "eu-west-1".to_owned(),
        endpoint: Some(endpoint),
        table: table.to_owned(),
        credentials: Credentials::new("local", "local", None, None, "local"),
    }
}

/// Makes the template's table unless it is there. One of another layout is refused.
pub async fn prepare(settings: &Settings, table: &Table) -> Result<Made, StartError> {
    let url = settings.endpoint.as_deref().unwrap_or_default();
    let refused = |reason| StartError::Store {
        url: url.to_owned(),
        reason,
    };
    let failed = |error: StoreError| refused(error.to_string());
    reach(url).await.map_err(refused)?;
    let (client, name) = (store::connect(settings), settings.table.as_str());
    let made = make(&client, name, table).await.map_err(failed)?;
    if made == Made::Before {
        let differences = differences(&client, name, table).await.map_err(failed)?;
        if !differences.is_empty() {
            let differences: Vec<_> = differences.into_iter().collect();
            return Err(refused(format!(
                "table {name} has another layout ({}): use another --table or --data file",
                differences.join(", ")
            )));
        }
    }
    Ok(made)
}

/// Whether somebody listens at `url`. The SDK would tell it too, after its retries, and in the
/// words of its innards.
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
