//! The services that are compared, each spoken to by its own API.

use std::fmt::{self, Display, Formatter};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use hyper::header::HeaderValue;
use processes::{Call, Failure};
use serde_json::Value;
use tokio::process::Command;

use crate::work::Task;
use crate::{django, management, pocketbase, roster};

/// Where the services' programs are.
pub(crate) struct Programs {
    /// The repository.
    pub(crate) root: PathBuf,
    /// `PocketBase`'s own command.
    pub(crate) pocketbase: PathBuf,
    /// The folder of python and gunicorn.
    pub(crate) django: PathBuf,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Service {
    /// This repository's directory.
    Roster,
    /// Users as records, with passwords in an auth collection.
    #[value(name = "pocketbase")]
    PocketBase,
    /// Django with allauth.
    Django,
}

impl Service {
    /// All of them, Roster first.
    pub(crate) const ALL: [Self; 3] = [Self::Roster, Self::PocketBase, Self::Django];

    /// Fails where the service's program is missing, or builds it.
    pub(crate) async fn install(self, programs: &Programs) -> Result<(), Failure> {
        match self {
            Self::Roster => roster::build(programs).await,
            Self::PocketBase => is_there(&programs.pocketbase),
            Self::Django => is_there(&programs.django.join("gunicorn")),
        }
    }

    /// Makes the data file in an empty directory.
    pub(crate) async fn prepare(self, programs: &Programs, data: &Path) -> Result<(), Failure> {
        match self {
            // It makes its table when it starts.
            Self::Roster => Ok(()),
            Self::PocketBase => pocketbase::prepare(programs, data).await,
            Self::Django => django::prepare(programs, data).await,
        }
    }

    /// Starts the service on a data file.
    pub(crate) fn command(self, programs: &Programs, data: &Path, address: SocketAddr) -> Command {
        match self {
            Self::Roster => roster::command(programs, data, address),
            Self::PocketBase => pocketbase::command(programs, data, address),
            Self::Django => django::command(programs, data, address),
        }
    }

    /// What a service without users answers once it runs.
    pub(crate) fn probe(self) -> Call {
        match self {
            Self::Roster => management::probe(roster::NOBODY),
            Self::PocketBase => pocketbase::probe(),
            Self::Django => management::probe(django::NOBODY),
        }
    }

    /// What lets a back end in; made anew, with what else a new data file needs.
    pub(crate) async fn credential(self, address: SocketAddr) -> Result<HeaderValue, Failure> {
        match self {
            Self::Roster | Self::Django => Ok(management::credential()),
            Self::PocketBase => pocketbase::set_up(address).await,
        }
    }

    /// A piece of work as this service is asked for it.
    pub(crate) fn call(self, task: &Task<'_>, credential: &HeaderValue) -> Call {
        match self {
            Self::Roster => management::call(task, credential, roster::LOGIN),
            Self::PocketBase => pocketbase::call(task, credential),
            Self::Django => management::call(task, credential, django::LOGIN),
        }
    }

    /// The id in the answer to a created user.
    pub(crate) fn id_of(self, user: &Value) -> Option<String> {
        let id = match self {
            // A batch answers with a list, the user first.
            Self::PocketBase => user.pointer("/0/body/id").unwrap_or(&user["id"]),
            Self::Roster | Self::Django => &user["user_id"],
        };
        id.as_str()
            .map(str::to_owned)
            .or_else(|| id.as_u64().map(|number| number.to_string()))
    }
}

impl Display for Service {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Roster => "Roster",
            Self::PocketBase => "PocketBase",
            Self::Django => "Django",
        })
    }
}

fn is_there(program: &Path) -> Result<(), Failure> {
    if program.is_file() {
        return Ok(());
    }
    let program = program.display();
    Err(format!("{program} is missing: bench/README.md says how to install it").into())
}

/// Runs a command to its end.
pub(crate) async fn finish(mut command: Command) -> Result<(), Failure> {
    let output = command.kill_on_drop(true).output().await?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{:?}: {said}", command.as_std()).into())
}
