//! DynamoDB in this process: dynoxide, and what it lacks where it serves for good.
//!
//! **Invariant:** every request comes through [`Embedded::answer`], whoever asks: the SDK by a
//! connector of its own, other programs by a port, the stream's reader. So what one of them is
//! refused, all are refused, and every write is known when it happens.
//!
//! It is a crate of its own so that it is optimised in every profile.

mod connector;
mod disk;
mod operation;
mod records;
mod tokens;

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use dynoxide::auth_material::AuthMaterial;
use dynoxide::{Database, auth_material};
use tokio::sync::watch;
use tracing::error;

use disk::Disk;
use operation::Operation;
pub use records::Record;
use records::Records;
use tokens::Tokens;

/// How a database file starts.
const FILE_HEAD: &[u8] = b"SQLite format 3\0";
/// Where the SDK is told that the store is. Nothing listens there.
pub const ENDPOINT: &str = "http://embedded.invalid";

/// The store of this process. Clones are the same store.
#[derive(Clone)]
pub struct Embedded(Arc<Inner>);

struct Inner {
    engine: Engine,
    records: Records,
    /// Where the database is in a file.
    disk: Option<Disk>,
    /// Counts the requests that may have written.
    written: watch::Sender<u64>,
}

/// What carries requests out.
struct Engine {
    database: Database,
    tokens: Tokens,
}

/// SQLite can't do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Fault(#[from] rusqlite::Error);

/// What is answered to a request: DynamoDB's JSON.
pub struct Answer {
    /// HTTP's.
    pub status: u16,
    /// The operation's result, or an error with its `__type`.
    pub body: String,
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
        let disk = file.map(Disk::below).transpose();
        let disk = disk.map_err(|fault| fault.to_string())?;
        if disk.is_some() {
            // Of all that it sets, only `synchronous=NORMAL` isn't so from the start.
            let set = database.disable_bulk_loading();
            set.map_err(|fault| fault.to_string())?;
        }
        Ok(Self(Arc::new(Inner {
            engine: Engine {
                database,
                tokens: Tokens::default(),
            },
            records,
            disk,
            written: watch::Sender::new(0),
        })))
    }

    /// Answers a request as DynamoDB does. `target` is its `X-Amz-Target`: protocol and operation.
    ///
    /// A write to a file is answered when the disk has it. Where a disk has failed, reads go on.
    pub async fn answer(&self, target: &str, body: &[u8]) -> Answer {
        let Some(operation) = Operation::of(target) else {
            return operation::unknown();
        };
        let Inner { engine, disk, .. } = &*self.0;
        if operation.reads() {
            return operation.run(engine, body);
        }
        if disk.as_ref().is_some_and(Disk::is_broken) {
            return operation::failed();
        }
        let answer = operation.run(engine, body);
        if let Some(disk) = disk
            && !disk.keep().await
        {
            return operation::failed();
        }
        self.0.written.send_modify(|count| *count += 1);
        answer
    }

    /// Changes with every write.
    pub fn writes(&self) -> watch::Receiver<u64> {
        self.0.written.subscribe()
    }

    /// What DynamoDB refuses a request for before it looks at the body: an operation that there is
    /// none of, or no signature. No signature is checked.
    pub fn refusal(&self, target: &str, signed: AuthMaterial<'_>) -> Option<Answer> {
        if Operation::of(target).is_none() {
            return Some(operation::unknown());
        }
        let body = auth_material::validate(signed)?;
        Some(Answer { status: 400, body })
    }

    /// The number of the record up to which a table's stream was consumed, as
    /// [`Self::remove_records`] was told; 0 at its start.
    pub fn position(&self, table: &str) -> Result<i64, Fault> {
        Ok(self.0.records.position(table)?)
    }

    /// The next records of a table's stream after the one of a number.
    pub fn records_after(
        &self,
        table: &str,
        number: i64,
        at_most: usize,
    ) -> Result<Vec<Record>, Fault> {
        Ok(self.0.records.after(table, number, at_most)?)
    }

    /// Keeps up to which record a table's stream was consumed, and removes those before it. It
    /// blocks.
    pub fn remove_records(&self, table: &str, consumed: i64) -> Result<(), Fault> {
        Ok(self.0.records.remove(table, consumed)?)
    }

    /// Deletes expired items every `pause`, for as long as the runtime lives; DynamoDB itself takes
    /// up to days. It goes by this machine's clock: nothing for those who live in another time.
    pub fn sweep_every(&self, pause: Duration) {
        let embedded = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(pause).await;
                let database = embedded.0.engine.database.clone();
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
