//! DynamoDB in this process: dynoxide, and what it lacks for a store that runs for long.
//!
//! **Invariant:** every request goes through [`Embedded::answer`]: those of the SDK, which come by a
//! connector, and those of other programs, which come by a port. So all callers are refused the same,
//! and every write is known when it happens. This crate also does the work that no request does: it
//! removes expired items and records of the stream.
//!
//! It is a crate of its own so that it is optimised in every profile.

mod connector;
mod disk;
mod operation;
mod records;
mod tokens;

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use dynoxide::auth_material::AuthMaterial;
use dynoxide::{Database, auth_material};
use tokio::sync::{Mutex, watch};
use tracing::error;

use disk::Disk;
use operation::Operation;
pub use records::Record;
use records::Records;
use tokens::Tokens;

/// How a database file starts.
const FILE_HEAD: &[u8] = b"SQLite format 3\0";
/// The endpoint that the SDK is given. No server listens there.
pub const ENDPOINT: &str = "http://embedded.invalid";

/// The store of this process. Clones are the same store.
#[derive(Clone)]
pub struct Embedded(Arc<Inner>);

struct Inner {
    engine: Engine,
    records: Records,
    /// The database file, if there is one.
    file: Option<PathBuf>,
    disk: Option<Disk>,
    /// Counts the requests that may have written.
    written: watch::Sender<u64>,
}

/// The parts that carry out requests.
struct Engine {
    database: Database,
    tokens: Tokens,
    /// Held while a request uses the database: dynoxide has one connection, and SQLite one writer at a
    /// time. Without it, requests would block threads, which could do no other work meanwhile. The sweep
    /// and the reads of the stream don't take it, so its holder may still block for a moment.
    turn: Mutex<()>,
}

/// SQLite could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Fault(#[from] rusqlite::Error);

/// The answer to a request: DynamoDB's JSON.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The operation's result, or an error with its `__type`.
    pub body: String,
}

impl Embedded {
    /// The store in `file`, which is made where it is missing; in memory without one.
    ///
    /// It refuses a file that is no database, one of a newer dynoxide, and one that can't be written.
    /// The text of the refusal is for a person. A process may open a file once.
    pub fn open(file: Option<&Path>) -> Result<Self, String> {
        // SQLite could read a relative path as a URI.
        let file = file.map(std::path::absolute).transpose();
        let file = file.map_err(|fault| fault.to_string())?;
        let place = match &file {
            Some(file) => {
                check_file(file)?;
                let place = file.to_str().ok_or("its name is no UTF-8")?;
                place.to_owned()
            }
            None => new_memory(),
        };
        let database = Database::new(&place).map_err(|fault| fault.to_string())?;
        let records = Records::open(&place).map_err(|fault| fault.to_string())?;
        let disk = file.as_deref().map(Disk::below).transpose();
        let disk = disk.map_err(|fault| fault.to_string())?;
        if disk.is_some() {
            // Of the settings that this changes, only `synchronous=NORMAL` differs from the defaults.
            let set = database.disable_bulk_loading();
            set.map_err(|fault| fault.to_string())?;
        }
        Ok(Self(Arc::new(Inner {
            engine: Engine {
                database,
                tokens: Tokens::default(),
                turn: Mutex::default(),
            },
            records,
            file,
            disk,
            written: watch::Sender::new(0),
        })))
    }

    /// The file of the database; `None` where it is in memory.
    pub fn file(&self) -> Option<&Path> {
        self.0.file.as_deref()
    }

    /// Answers a request as DynamoDB does. `target` is its `X-Amz-Target`: protocol and operation.
    ///
    /// A write to a file is answered when it is on the disk. After the disk has failed once, all
    /// requests fail, because what they read might be lost at a restart.
    ///
    /// Requests take turns. So poll the future to its end or drop it: one that is left alone may hold up
    /// all others. A request that is dropped before its turn has done nothing.
    pub async fn answer(&self, target: &str, body: &[u8]) -> Answer {
        let Some(operation) = Operation::of(target) else {
            return operation::unknown();
        };
        let Inner { engine, disk, .. } = &*self.0;
        let is_broken = || disk.as_ref().is_some_and(Disk::is_broken);
        if is_broken() {
            return operation::failed();
        }
        let answer = operation.run(engine, body).await;
        if operation.reads() {
            // The disk may have failed while this request waited for its turn.
            return if is_broken() {
                operation::failed()
            } else {
                answer
            };
        }
        // This comes before the wait, because the caller may give up the wait.
        self.0.written.send_modify(|count| *count += 1);
        match disk {
            Some(disk) if !disk.keep().await => operation::failed(),
            _ => answer,
        }
    }

    /// Changes with every write.
    pub fn writes(&self) -> watch::Receiver<u64> {
        self.0.written.subscribe()
    }

    /// The refusal that DynamoDB gives before it looks at the body: the operation doesn't exist, or the
    /// signature is missing. Signatures are not verified.
    pub fn refusal(&self, target: &str, signed: AuthMaterial<'_>) -> Option<Answer> {
        if Operation::of(target).is_none() {
            return Some(operation::unknown());
        }
        let body = auth_material::validate(signed)?;
        Some(Answer { status: 400, body })
    }

    /// The number of the last record of a table's stream that was consumed, as it was given to
    /// [`Self::remove_records`]; 0 at the start.
    pub fn position(&self, table: &str) -> Result<i64, Fault> {
        Ok(self.0.records.position(table)?)
    }

    /// The next records of a table's stream, after the record with this number.
    pub fn records_after(
        &self,
        table: &str,
        number: i64,
        at_most: usize,
    ) -> Result<Vec<Record>, Fault> {
        Ok(self.0.records.after(table, number, at_most)?)
    }

    /// Stores the number of the last record that was consumed, and removes the records before it, in
    /// steps between which requests may come. Each step blocks the thread.
    pub async fn remove_records(&self, table: &str, consumed: i64) -> Result<(), Fault> {
        let Inner {
            engine, records, ..
        } = &*self.0;
        loop {
            let turn = engine.turn.lock().await;
            if records.remove_some(table, consumed)? {
                return Ok(());
            }
            drop(turn);
            tokio::task::yield_now().await;
        }
    }

    /// Deletes expired items every `pause`, for as long as the runtime lives; DynamoDB itself takes up
    /// to days. It uses this machine's clock, so it is not for services with another clock.
    pub fn sweep_every(&self, pause: Duration) {
        let embedded = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(pause).await;
                if embedded.0.disk.as_ref().is_some_and(Disk::is_broken) {
                    return;
                }
                let database = embedded.0.engine.database.clone();
                let swept = tokio::task::spawn_blocking(move || database.sweep_ttl()).await;
                if let Ok(Err(fault)) = &swept {
                    error!(%fault, "sweep");
                }
                // A sweep that failed may have deleted some items.
                if !matches!(swept, Ok(Ok(0))) {
                    embedded.0.written.send_modify(|count| *count += 1);
                }
            }
        });
    }
}

/// Whether `file` is new, empty or a database. It is checked here, because the embedded store's own
/// messages are not written for people.
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

/// A database in memory that this process can open twice, which `:memory:` does not allow. It may grow
/// to 1 GiB (<https://sqlite.org/c3ref/c_config_covering_index_scan.html>,
/// `SQLITE_CONFIG_MEMDB_MAXSIZE`).
fn new_memory() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("file:/roster-{}-{number}?vfs=memdb", process::id())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(operation: &str) -> (String, Vec<u8>) {
        let key = json!({ "id": { "S": "a" } });
        let mut body = match operation {
            "CreateTable" => json!({
                "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
                "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
                "BillingMode": "PAY_PER_REQUEST",
            }),
            "PutItem" => json!({ "Item": key }),
            _ => json!({ "Key": key }),
        };
        body["TableName"] = "table".into();
        let target = format!("DynamoDB_20120810.{operation}");
        (target, body.to_string().into_bytes())
    }

    async fn status(embedded: &Embedded, operation: &str) -> u16 {
        let (target, body) = request(operation);
        embedded.answer(&target, &body).await.status
    }

    /// A store in a file that is reached through a symbolic link.
    async fn linked(directory: &Path) -> Embedded {
        let link = directory.join("link.db");
        std::os::unix::fs::symlink(directory.join("file.db"), &link).unwrap();
        let embedded = Embedded::open(Some(&link)).unwrap();
        assert_eq!(status(&embedded, "CreateTable").await, 200);
        embedded
    }

    /// A store whose disk fails at the next write.
    async fn failing(directory: &Path) -> Embedded {
        let inner = Arc::into_inner(linked(directory).await.0).unwrap();
        // `/dev/null` can't be synced.
        let disk = Some(Disk::of(File::open("/dev/null").unwrap()));
        Embedded(Arc::new(Inner { disk, ..inner }))
    }

    #[tokio::test]
    async fn a_write_to_a_file_is_on_the_disk_when_it_is_answered() {
        let directory = tempfile::tempdir().unwrap();
        let embedded = linked(directory.path()).await;
        let kept = async || embedded.0.disk.as_ref().unwrap().kept().await;
        assert_eq!(kept().await, 1);
        assert_eq!(status(&embedded, "PutItem").await, 200);
        assert_eq!(kept().await, 2);
        assert_eq!(status(&embedded, "GetItem").await, 200);
        assert_eq!(kept().await, 2, "a read waits for nothing");
        assert!(directory.path().join("file.db-wal").exists());
    }

    #[tokio::test]
    async fn after_the_disk_has_failed_nothing_is_answered() {
        let directory = tempfile::tempdir().unwrap();
        let embedded = failing(directory.path()).await;
        assert_eq!(status(&embedded, "GetItem").await, 200);
        let writes = embedded.writes();
        assert_eq!(status(&embedded, "PutItem").await, 500);
        assert!(writes.has_changed().unwrap(), "it happened all the same");
        assert_eq!(status(&embedded, "GetItem").await, 500);
    }

    #[tokio::test]
    async fn a_read_that_waits_for_its_turn_while_the_disk_fails_is_not_answered() {
        let directory = tempfile::tempdir().unwrap();
        let embedded = failing(directory.path()).await;
        let turn = embedded.0.engine.turn.lock().await;
        let fail = async {
            assert!(!embedded.0.disk.as_ref().unwrap().keep().await);
            drop(turn);
        };
        let (status, ()) = tokio::join!(status(&embedded, "GetItem"), fail);
        assert_eq!(status, 500);
    }

    #[tokio::test]
    async fn a_name_that_looks_like_a_uri_is_a_files() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file:x?mode=memory");
        let embedded = Embedded::open(Some(&file)).unwrap();
        assert_eq!(status(&embedded, "CreateTable").await, 200);
        assert!(file.exists());
    }
}
