//! DynamoDB in this process.
//!
//! Every request comes through [`Embedded::answer`], whoever asks: the SDK by a connector of its own
//! (`connector`), other programs by a port (`port`), the stream's reader. So what one of them is
//! refused, all are refused, and every write is known when it happens.

mod connector;
mod operation;
mod port;
mod records;

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dynoxide::Database;
use tokio::sync::watch;
use tracing::error;

use operation::Operation;
use records::Records;
pub(crate) use records::{Consumed, Position};

/// How a database file starts.
const FILE_HEAD: &[u8] = b"SQLite format 3\0";
/// Where the SDK is told that the store is. Nothing listens there.
pub(crate) const ENDPOINT: &str = "http://embedded.invalid";

/// The store of this process. Clones are the same store.
#[derive(Clone)]
pub struct Embedded(Arc<Inner>);

struct Inner {
    database: Database,
    records: Records,
    /// Counts the requests that may have written.
    written: watch::Sender<u64>,
}

/// What is answered to a request: DynamoDB's JSON.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Embedded {
    /// The store in `file`, which is made where it is missing; in memory without one.
    ///
    /// Refused are a file that is no database, one of a newer dynoxide, and one that can't be
    /// written, each in words for a person.
    pub fn open(file: Option<&Path>) -> Result<Self, String> {
        let place = match file {
            Some(file) => {
                check_file(file)?;
                file.display().to_string()
            }
            None => new_memory(),
        };
        let database = Database::new(&place).map_err(|fault| fault.to_string())?;
        let records = Records::open(&place).map_err(|fault| fault.to_string())?;
        Ok(Self(Arc::new(Inner {
            database,
            records,
            written: watch::Sender::new(0),
        })))
    }

    /// Answers a request as DynamoDB does. `target` is its `X-Amz-Target`: protocol and operation.
    ///
    /// It blocks until the answer is there; after a write to a file, that is when the disk has it.
    pub(crate) fn answer(&self, target: &str, body: &[u8]) -> Answer {
        let Some(operation) = Operation::of(target) else {
            return operation::unknown();
        };
        let answer = operation.run(&self.0.database, body);
        if operation.writes() {
            self.0.written.send_modify(|count| *count += 1);
        }
        answer
    }

    /// Changes with every write.
    pub(crate) fn writes(&self) -> watch::Receiver<u64> {
        self.0.written.subscribe()
    }

    /// The records of the table's stream.
    pub(crate) fn records(&self) -> &Records {
        &self.0.records
    }

    /// Deletes expired items every `pause`, for as long as the runtime lives; DynamoDB itself takes
    /// up to days. It goes by this machine's clock: nothing for those who live in another time.
    pub fn sweep_every(&self, pause: Duration) {
        let embedded = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(pause).await;
                let database = embedded.0.database.clone();
                match tokio::task::spawn_blocking(move || database.sweep_ttl()).await {
                    Ok(Ok(0)) | Err(_) => {}
                    Ok(Ok(_)) => embedded.0.written.send_modify(|count| *count += 1),
                    Ok(Err(fault)) => error!(%fault, "sweep"),
                }
            }
        });
    }
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

/// A database in memory that this process can open twice, which `:memory:` can't
/// (<https://sqlite.org/inmemorydb.html>).
fn new_memory() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("file:/roster-{}-{number}?vfs=memdb", process::id())
}
