//! `import FILE --to-dynamodb-json DIR`: users as the items of a new table, in the files that DynamoDB's
//! import from S3 reads. No table and no credentials take part.
//!
//! That import checks no condition. So what the conditions of a table would refuse is refused here, with the
//! same outcome as if the lines were imported one after the other ([`duplicates`]).

mod duplicates;
mod files;
mod spills;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::{Actor, ChangedBy, Identifier, OperationId, Timestamp, UserId};
use indicatif::{HumanBytes, HumanCount};
use roster_http::{
    Clock, Entropy, Import, Imported, Importer, Line, LineBody, LineOutcome, Problem,
};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use store::{NewTable, Precondition, Write};
use tokio::time::Instant;
use transfer::{Ended, Input, Progress, Record, Refused, RefusedLine, private_file};

use crate::MaintenanceError;
use duplicates::{Contest, Key, Keys};
use files::{ItemFiles, Written};
use spills::{fault, make_folder};

/// The log of changes has this in the place of an API key's id.
const BY: &str = "to-dynamodb-json";
/// The call whose lines are judged, and whose outcome a later import finds.
const CALL: &str = "import_users";

/// A folder for the files.
#[derive(Clone, Debug)]
pub struct ItemFolder {
    path: PathBuf,
}

impl ItemFolder {
    /// The folder, which must be empty or absent.
    pub fn new(path: PathBuf) -> Result<Self, MaintenanceError> {
        let is_empty = std::fs::read_dir(&path).map(|mut entries| entries.next().is_none());
        match is_empty {
            Ok(false) => Err(MaintenanceError::NotEmpty(path.display().to_string())),
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(fault(&path, error)),
            _ => Ok(Self { path }),
        }
    }

    /// The files with the items, and nothing else: the import reads all that is there.
    pub fn items(&self) -> PathBuf {
        self.path.join("items")
    }

    /// What the table is made with.
    pub fn table(&self) -> PathBuf {
        self.path.join("table.json")
    }

    /// How many users, items, files and bytes there are. It is there when all of them are.
    fn manifest(&self) -> PathBuf {
        self.path.join("manifest.json")
    }

    /// What waits for the second reading, until the end.
    fn work(&self) -> PathBuf {
        self.path.join("work")
    }
}

/// Writes the users of a file as items, into a folder. `table` is what the new table is made with (DynamoDB's
/// `TableCreationParameters`); its log of changes keeps events for `kept_for`.
pub fn write_items(
    input: &Input,
    refused: Option<PathBuf>,
    folder: &ItemFolder,
    table: &Value,
    kept_for: Duration,
    clock: Clock,
) -> Result<Ended, MaintenanceError> {
    if input.is_stdin() {
        return Err(MaintenanceError::StandardInput);
    }
    let length = std::fs::metadata(input.path());
    let length = length.map_err(|error| fault(input.path(), error))?.len();
    let (entropy, now) = (Entropy::from_os()?, clock.now());
    let operation = OperationId::random(entropy.bytes());
    let reading = Reading {
        input,
        importer: importer(&operation, &entropy, now),
    };
    let refused = Refused::begin(input, refused)?;
    make_folder(&folder.path)?;
    let made = reading
        .items(folder, length, NewTable::new(now, kept_for), refused)
        .and_then(|made| {
            save(&folder.table(), table)?;
            save(&folder.manifest(), &made.manifest(now))?;
            Ok(made)
        });
    match made {
        Ok(made) => Ok(made.tell(folder)),
        Err(source) => Err(MaintenanceError::NoItems {
            folder: folder.path.display().to_string(),
            source: Box::new(source),
        }),
    }
}

/// How all lines write: now, and each by an operation of this run. A line that names no user gets an id that
/// no other run gives it.
fn importer<'a>(operation: &'a OperationId, entropy: &'a Entropy, now: Timestamp) -> Importer<'a> {
    let write = Write {
        by: ChangedBy {
            actor: Actor::Key(BY.to_owned()),
            call: CALL.into(),
        },
        operation: operation.clone(),
        is_named: false,
        precondition: Precondition::None,
        now,
        // Nothing is sent.
        deadline: Instant::now(),
    };
    Importer::new(write, Some(operation), entropy)
}

/// Reads the file twice.
struct Reading<'a> {
    input: &'a Input,
    importer: Importer<'a>,
}

/// What a reading has read. Both must have read the same.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    records: u64,
    digest: [u8; 32],
}

impl Reading<'_> {
    /// Makes the items of all users.
    fn items(
        &self,
        folder: &ItemFolder,
        length: u64,
        table: NewTable,
        refused: Refused,
    ) -> Result<Made, MaintenanceError> {
        let (keys, first) = self.first(Keys::new(folder.work())?)?;
        let mut items = Items {
            contest: keys.contest()?,
            table,
            files: ItemFiles::new(folder.work().join("items"), length)?,
            refused,
            counts: Counts::default(),
        };
        if self.second(&mut items, first.records)? != first {
            let input = self.input.path().display().to_string();
            return Err(MaintenanceError::Changed(input));
        }
        let (counts, refused) = (items.counts, items.refused.path().to_owned());
        let written = items.write(&folder.items())?;
        let work = folder.work();
        std::fs::remove_dir_all(&work).map_err(|error| fault(&work, error))?;
        Ok(Made {
            counts,
            written,
            refused,
        })
    }

    /// Notes the keys of all lines that would be written if they were alone.
    fn first(&self, mut keys: Keys) -> Result<(Keys, Read), MaintenanceError> {
        let read = self.each(Progress::new(None), |record| {
            let Ok(text) = &record.text else {
                return Ok(());
            };
            match self.import(record.line, text) {
                (_, Ok(import)) => keys.add(record.line, &keys_of(&import)),
                (_, Err(_)) => Ok(()),
            }
        })?;
        Ok((keys, read))
    }

    /// Writes or refuses each line.
    fn second(&self, items: &mut Items, records: u64) -> Result<Read, MaintenanceError> {
        self.each(Progress::new(Some(records)), |Record { line, text }| {
            let text = match text {
                Ok(text) => text,
                Err(flaw) => return items.refuse(RefusedLine::of_flaw(line, flaw)),
            };
            let (user_id, import) = self.import(line, &text);
            let outcome = match import {
                Ok(import) => items.take(line, &import)?,
                Err(problem) => Err(problem),
            };
            match outcome {
                Ok(()) => Ok(()),
                Err(problem) => items.refuse(refused_line(line, user_id, problem, &text)),
            }
        })
    }

    fn each(
        &self,
        mut progress: Progress,
        mut take: impl FnMut(Record) -> Result<(), MaintenanceError>,
    ) -> Result<Read, MaintenanceError> {
        let (mut records, mut digest) = (0, Sha256::new());
        for record in self.input.records()? {
            let record = record?;
            digest.update(record.line.to_be_bytes());
            if let Ok(text) = &record.text {
                digest.update(text);
            }
            take(record)?;
            records += 1;
            progress.is_at(records, records);
        }
        let digest = digest.finalize().into();
        Ok(Read { records, digest })
    }

    /// The user of a line, if it is written where it is alone.
    fn import(&self, line: u64, text: &[u8]) -> (Option<UserId>, Result<Import, Problem>) {
        let number = usize::try_from(line).unwrap_or(usize::MAX);
        let (user_id, import) = self.importer.read(&Line::new(number, text));
        let import = import.and_then(|import| {
            import.items()?;
            Ok(import)
        });
        (user_id, import)
    }
}

/// The keys that a user takes: the id, and then each identifier.
fn keys_of(import: &Import) -> Vec<Key> {
    let id = Key::of_id(import.user.id());
    let identifiers = import.user.identifiers().into_keys();
    let identifiers = identifiers.map(|one| Key::of_identifier(&one));
    std::iter::once(id).chain(identifiers).collect()
}

/// What the second reading makes.
struct Items {
    contest: Contest,
    table: NewTable,
    files: ItemFiles,
    refused: Refused,
    counts: Counts,
}

/// How many lines ended how.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    written: u64,
    found: u64,
    refused: u64,
}

impl Items {
    /// Takes a user, if no line before has taken one of the keys.
    fn take(
        &mut self,
        line: u64,
        import: &Import,
    ) -> Result<Result<(), Problem>, MaintenanceError> {
        let keys = keys_of(import);
        let holders = self.contest.holders(line, &keys)?;
        let present = holders.first().and_then(Option::as_ref);
        let identifiers = import.user.identifiers().into_keys();
        let taken: Vec<Identifier> = identifiers
            .zip(holders.iter().skip(1))
            .filter_map(|(one, holder)| holder.is_some().then_some(one))
            .collect();
        let outcome = import.outcome(present.map(Some), &taken);
        let is_written = matches!(outcome, Ok(Imported::Created));
        let own = import.user.import_digest().filter(|_| is_written);
        self.contest.hand_on(line, &keys, own)?;
        match outcome {
            Ok(Imported::Created) => match self.table.add(import) {
                Ok(items) => {
                    self.counts.written += 1;
                    for item in &items {
                        self.files.add(item)?;
                    }
                }
                Err(error) => return Ok(Err(error.into())),
            },
            Ok(Imported::Found) => self.counts.found += 1,
            Err(error) => return Ok(Err(error.into())),
        }
        Ok(Ok(()))
    }

    fn refuse(&mut self, line: RefusedLine) -> Result<(), MaintenanceError> {
        self.counts.refused += 1;
        Ok(self.refused.append(&[line])?)
    }

    /// Writes all files.
    fn write(mut self, folder: &Path) -> Result<Written, MaintenanceError> {
        for item in self.table.counters() {
            self.files.add(&item)?;
        }
        self.refused.sync()?;
        self.files.write(folder)
    }
}

/// A line that is refused, in the words of the call.
fn refused_line(line: u64, user_id: Option<UserId>, problem: Problem, text: &[u8]) -> RefusedLine {
    let outcome = LineOutcome {
        line: usize::try_from(line).unwrap_or(usize::MAX),
        user_id,
        outcome: Err(problem),
    };
    let said = serde_json::to_value(LineBody::of(&outcome));
    let mut said = match said {
        Ok(Value::Object(said)) => said,
        _ => Map::new(),
    };
    said.remove("line");
    said.remove("status");
    RefusedLine::new(line, outcome.status(), said, text)
}

/// Writes a file that is there whole, or not at all.
fn save(path: &Path, content: &Value) -> Result<(), MaintenanceError> {
    let new = path.with_extension("new");
    let saved = private_file()
        .write(true)
        .truncate(true)
        .open(&new)
        .and_then(|mut file| {
            writeln!(file, "{content:#}")?;
            file.sync_all()?;
            std::fs::rename(&new, path)
        });
    saved.map_err(|error| fault(path, error))
}

/// What was made.
struct Made {
    counts: Counts,
    written: Written,
    /// Where the refused lines are.
    refused: PathBuf,
}

impl Made {
    fn manifest(&self, now: Timestamp) -> Value {
        let written = self.written;
        json!({
            "users": self.counts.written,
            "items": written.items,
            "files": written.files,
            "bytes": written.bytes,
            "uncompressed_bytes": written.uncompressed_bytes,
            "made_at": now.as_unix(),
        })
    }

    fn tell(&self, folder: &ItemFolder) -> Ended {
        let (counts, written) = (self.counts, self.written);
        let total = counts.written + counts.found + counts.refused;
        let [total, users, found, refusals] =
            [total, counts.written, counts.found, counts.refused].map(HumanCount);
        println!(
            "{total} users: {users} written, {found} the same as one before, {refusals} refused"
        );
        let [items, files] = [written.items, written.files].map(HumanCount);
        let [bytes, uncompressed] = [written.bytes, written.uncompressed_bytes].map(HumanBytes);
        let place = folder.items();
        println!(
            "{items} items in {files} files in {}: {bytes}, {uncompressed} before they were compressed",
            place.display()
        );
        if counts.refused == 0 {
            return Ended::Whole;
        }
        println!(
            "refused lines, maybe with password hashes: {}",
            self.refused.display()
        );
        Ended::WithRefusals
    }
}
