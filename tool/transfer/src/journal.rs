//! How far an import is, in a file beside its input.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use crate::TransferError;
use crate::error::beside;
use crate::input::Input;
use crate::source::Position;

/// So much of the input's beginning and end is compared.
const COMPARED: u64 = 64 * 1024;
/// How often the journal is brought to the disk. An ended process loses none of it; a power cut may lose
/// this, and what is lost is sent again.
const SYNC: Duration = Duration::from_secs(1);

/// What a journal says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    format: u8,
    /// Where the users go.
    url: String,
    input: Fingerprint,
    /// Which product's form the input has, and with which values it is read; none for Roster's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    form: Option<String>,
    /// The file of refused lines, if it is not the usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
    /// Each line before it has its final outcome.
    pub(crate) position: Position,
    /// What of the file of refused lines is about those.
    pub(crate) refused_bytes: u64,
    /// The outcomes.
    pub(crate) counts: Counts,
}

/// By this another file is not taken for the input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Fingerprint {
    length: u64,
    digest: String,
}

/// How many lines ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) created: u64,
    pub(crate) found: u64,
    pub(crate) refused: u64,
}

impl Counts {
    pub(crate) fn total(self) -> u64 {
        self.created + self.found + self.refused
    }
}

/// The file beside the input.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    url: String,
    input: Fingerprint,
    form: Option<String>,
    refused: Option<String>,
    synced: Instant,
    /// The input. It is locked until the import ends.
    _locked: File,
}

impl Journal {
    const FORMAT: u8 = 1;

    /// The journal of an import of this file, and what it says where the import has begun before.
    pub(crate) fn open(
        input: &Input,
        file: &mut File,
        url: &str,
        refused: Option<String>,
    ) -> Result<(Self, Option<Entry>), TransferError> {
        let error = |error| TransferError::file(input.path(), error);
        // A file system that has no locks is no reason to stop.
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(TransferError::Busy(input.path().display().to_string()));
        }
        let journal = Self {
            path: input.journal_path(),
            url: url.to_owned(),
            input: Fingerprint::of(file).map_err(error)?,
            form: input.form(),
            refused,
            synced: Instant::now(),
            _locked: file.try_clone().map_err(error)?,
        };
        let name = journal.path.display().to_string();
        let text = match std::fs::read(&journal.path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok((journal, None)),
            Err(error) => return Err(TransferError::file(&journal.path, error)),
        };
        let entry: Option<Entry> = serde_json::from_slice(&text).ok();
        let entry = entry.filter(|entry| entry.format == Self::FORMAT);
        let entry = entry.ok_or_else(|| TransferError::BadJournal(name.clone()))?;
        if entry.input != journal.input {
            return Err(TransferError::OtherInput {
                input: input.path().display().to_string(),
                journal: name,
            });
        }
        if entry.form != journal.form {
            return Err(TransferError::OtherForm { journal: name });
        }
        if entry.url != journal.url {
            return Err(TransferError::OtherTarget {
                journal: name,
                url: entry.url,
            });
        }
        if entry.refused != journal.refused {
            let usual = || input.refused_path().display().to_string();
            return Err(TransferError::OtherRefused {
                journal: name,
                refused: entry.refused.unwrap_or_else(usual),
            });
        }
        Ok((journal, Some(entry)))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the next entry goes to the disk, and so must what it speaks of.
    pub(crate) fn is_due(&self) -> bool {
        self.synced.elapsed() >= SYNC
    }

    /// Writes down how far the import is. The file holds the former entry or this one, never a part.
    pub(crate) fn write(
        &mut self,
        position: Position,
        refused_bytes: u64,
        counts: Counts,
        is_synced: bool,
    ) -> Result<(), TransferError> {
        let entry = Entry {
            format: Self::FORMAT,
            url: self.url.clone(),
            input: self.input.clone(),
            form: self.form.clone(),
            refused: self.refused.clone(),
            position,
            refused_bytes,
            counts,
        };
        let new = beside(&self.path, ".new");
        let written = File::create(&new).and_then(|mut file| {
            file.write_all(&serde_json::to_vec(&entry)?)?;
            if is_synced {
                file.sync_all()?;
                self.synced = Instant::now();
            }
            std::fs::rename(&new, &self.path)
        });
        written.map_err(|error| TransferError::file(&self.path, error))
    }

    /// The import is at its end.
    pub(crate) fn remove(self) -> Result<(), TransferError> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(TransferError::file(&self.path, error))
            }
            _ => Ok(()),
        }
    }
}

impl Fingerprint {
    /// Leaves the file at its beginning.
    fn of(file: &mut File) -> std::io::Result<Self> {
        let length = file.metadata()?.len();
        let mut hash = Sha256::new();
        for start in [0, length.saturating_sub(COMPARED)] {
            file.seek(SeekFrom::Start(start))?;
            let mut part = Vec::new();
            Read::by_ref(file).take(COMPARED).read_to_end(&mut part)?;
            hash.update(part);
        }
        file.rewind()?;
        let digest = format!("{:x}", Bytes::copy_from_slice(&hash.finalize()));
        Ok(Self { length, digest })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::source::Form;

    const URL: &str = "https://api.example.com/v1";
    const POSITION: Position = Position {
        form: Form::Lines,
        offset: 3,
        line: 1,
    };
    const COUNTS: Counts = Counts {
        created: 1,
        found: 0,
        refused: 0,
    };

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        input: Input,
    }

    type Opened = Result<(Journal, Option<Entry>), TransferError>;

    fn open(input: &Path, url: &str) -> Opened {
        open_as(input, &[], url, None)
    }

    fn open_as(input: &Path, form: &[&str], url: &str, refused: Option<&str>) -> Opened {
        let arguments = [&["import", input.to_str().unwrap()], form].concat();
        let input = Command::parse_from(arguments).input;
        let mut file = input.open().unwrap();
        Journal::open(&input, &mut file, url, refused.map(str::to_owned))
    }

    /// Why an import that has begun in its own way can't go on in another. In its own it can.
    fn refusal<Way: Copy>(own: Way, other: Way, open: impl Fn(Way) -> Opened) -> TransferError {
        let (mut journal, _) = open(own).unwrap();
        journal.write(POSITION, 0, COUNTS, false).unwrap();
        drop(journal);
        let error = open(other).unwrap_err();
        let (journal, entry) = open(own).unwrap();
        assert_eq!(entry.unwrap().position, POSITION);
        journal.remove().unwrap();
        error
    }

    #[test]
    fn it_says_how_far_the_same_import_is() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("users.ndjson");
        std::fs::write(&input, "{}\n{}\n").unwrap();
        for is_synced in [false, true] {
            let (mut journal, before) = open(&input, URL).unwrap();
            assert_eq!(before, None);
            journal.write(POSITION, 7, COUNTS, is_synced).unwrap();
            drop(journal);
            let (journal, entry) = open(&input, URL).unwrap();
            let entry = entry.unwrap();
            let said = (entry.position, entry.refused_bytes, entry.counts);
            assert_eq!(said, (POSITION, 7, COUNTS));
            journal.remove().unwrap();
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn it_is_not_taken_for_another_form() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("users.json");
        std::fs::write(&input, "{}\n{}\n").unwrap();
        let [auth0, clerk] = [["--from", "auth0"], ["--from", "clerk"]];
        for (form, other) in [(&[][..], &auth0[..]), (&auth0, &clerk)] {
            let error = refusal(form, other, |form| open_as(&input, form, URL, None));
            assert!(matches!(error, TransferError::OtherForm { .. }), "{error}");
        }
    }

    #[test]
    fn it_names_the_file_of_refused_lines() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("users.json");
        std::fs::write(&input, "{}\n{}\n").unwrap();
        for (own, other, named) in [
            (None, Some("/b"), "users.json.refused.ndjson"),
            (Some("/a"), Some("/b"), "/a"),
            (Some("/a"), None, "/a"),
        ] {
            let error = refusal(own, other, |refused| open_as(&input, &[], URL, refused));
            let is_told = matches!(error, TransferError::OtherRefused { .. });
            assert!(is_told && error.to_string().contains(named), "{error}");
        }
    }

    #[test]
    fn it_is_not_taken_for_another_file_or_service() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("users.ndjson");
        let large = "x".repeat(300_000);
        std::fs::write(&input, &large).unwrap();
        let (mut journal, _) = open(&input, URL).unwrap();
        journal.write(POSITION, 0, COUNTS, false).unwrap();
        let busy = open(&input, URL).unwrap_err();
        assert!(matches!(busy, TransferError::Busy(_)), "{busy}");
        drop(journal);
        let other = open(&input, "https://api.example.com/v2").unwrap_err();
        assert!(other.to_string().contains(URL), "{other}");
        for changed in [
            format!("{large}x"),
            format!("y{}", &large[1..]),
            format!("{}y", &large[1..]),
        ] {
            std::fs::write(&input, changed).unwrap();
            let error = open(&input, URL).unwrap_err();
            let is_told = matches!(error, TransferError::OtherInput { .. });
            assert!(is_told && error.to_string().contains("remove"), "{error}");
        }
        std::fs::write(beside(&input, ".progress"), "{}").unwrap();
        let error = open(&input, URL).unwrap_err();
        assert!(matches!(error, TransferError::BadJournal(_)), "{error}");
    }
}
