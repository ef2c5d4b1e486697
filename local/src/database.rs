//! DynamoDB on this machine: embedded, or another process that speaks it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use dynoxide::Database;
use store::table::{Made, Table, make};
use store::{Credentials, Settings};
use tokio::net::TcpListener;
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

/// How often expired items are swept away; DynamoDB itself takes up to days.
const SWEEP_EVERY: Duration = Duration::from_mins(1);

/// Serves the embedded store on `listener`, for as long as the runtime lives.
pub fn serve_embedded(
    file: Option<&Path>,
    listener: TcpListener,
) -> Result<JoinHandle<()>, StartError> {
    let path = || {
        file.map(|file| file.display().to_string())
            .unwrap_or_default()
    };
    let database = match file {
        None => Database::memory(),
        Some(_) => Database::new(&path()),
    }
    .map_err(|error| StartError::Data {
        path: path(),
        reason: error.to_string(),
    })?;
    let sweeper = database.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(SWEEP_EVERY).await;
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

/// Settings for a store on this machine: any credentials do.
pub fn settings(endpoint: String, table: &str) -> Settings {
    Settings {
        region: "eu-west-1".to_owned(),
        endpoint: Some(endpoint),
        table: table.to_owned(),
        credentials: Credentials::new("local", "local", None, None, "local"),
    }
}

/// Makes the template's table unless it is there.
pub async fn prepare(settings: &Settings, table: &Table) -> Result<Made, StartError> {
    make(&store::connect(settings), &settings.table, table)
        .await
        .map_err(|error| StartError::Store {
            url: settings.endpoint.clone().unwrap_or_default(),
            reason: error.to_string(),
        })
}
