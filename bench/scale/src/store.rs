//! The stores that hold a directory.

use std::ffi::OsString;
use std::fmt::{self, Display, Formatter};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use hyper::StatusCode;
use processes::{Call, DynamodbLocal, Failure, Running, free_address};
use tokio::process::Command;

/// A kind of store.
pub(crate) enum Store {
    /// Roster's own, in a file.
    Embedded,
    /// DynamoDB Local, a process for each directory.
    DynamodbLocal(DynamodbLocal),
}

/// Where the items of one directory are.
pub(crate) enum Place {
    /// In a file; other programs reach them at this address.
    File { file: PathBuf, address: SocketAddr },
    /// In another process.
    Process(Running),
}

impl Display for Store {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Embedded => "embedded store",
            Self::DynamodbLocal(_) => "DynamoDB Local",
        })
    }
}

impl Store {
    /// An empty one for a directory whose files are in `folder`.
    pub(crate) async fn place(&self, folder: &Path) -> Result<Place, Failure> {
        match self {
            Self::Embedded => Ok(Place::File {
                file: folder.join("users.db"),
                address: free_address()?,
            }),
            Self::DynamodbLocal(local) => {
                let command = |address: SocketAddr| Command::from(local.command(address.port()));
                let mut process = Running::start(command, &folder.join("dynamodb.log"))?;
                // A request without a signature.
                let call = || Call::get("/").expecting(StatusCode::BAD_REQUEST);
                process.first_answer(call).await?;
                Ok(Place::Process(process))
            }
        }
    }
}

impl Place {
    /// What Roster is told of it.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        match self {
            Self::File { file, address } => vec![
                "--data".into(),
                file.into(),
                "--dynamodb-port".into(),
                address.port().to_string().into(),
            ],
            Self::Process(_) => vec!["--dynamodb".into(), self.url().into()],
        }
    }

    /// Where programs that speak DynamoDB's protocol find it.
    pub(crate) fn url(&self) -> String {
        let address = match self {
            Self::File { address, .. } => address,
            Self::Process(process) => &process.address,
        };
        format!("http://{address}")
    }
}
