//! The file of the lines that were refused.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::TransferError;
use crate::input::Flaw;
use crate::source::MAX_LINE;

/// A line that was refused, as it goes into the file.
#[derive(Debug, Serialize)]
pub struct RefusedLine {
    /// Its number in the input, from one.
    pub(crate) line: u64,
    pub(crate) status: u16,
    /// What the service says of it.
    pub(crate) problem: Map<String, Value>,
    #[serde(flatten)]
    pub(crate) text: LineText,
}

/// What the line is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LineText {
    /// JSON, as it was sent.
    User(Box<RawValue>),
    /// JSON as another product wrote it, which was not sent.
    Record(Box<RawValue>),
    /// No JSON.
    Text(String),
    /// Too long to be kept: how many bytes a line may have.
    LongerThan(usize),
}

impl RefusedLine {
    /// A line that was looked at, and what is said of it.
    pub fn new(line: u64, status: u16, problem: Map<String, Value>, text: &[u8]) -> Self {
        Self {
            line,
            status,
            problem,
            text: LineText::of(text),
        }
    }

    /// A line that was not even looked at.
    pub fn of_flaw(line: u64, flaw: Flaw) -> Self {
        let detail = ("detail".to_owned(), flaw.detail().into());
        Self {
            line,
            status: flaw.status(),
            problem: Map::from_iter([detail]),
            text: flaw.into(),
        }
    }
}

impl From<Flaw> for LineText {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::TooLong => Self::LongerThan(MAX_LINE),
            Flaw::NotJson(text) | Flaw::BadRow { row: text, .. } => Self::text(&text),
            Flaw::NotCarried { record, .. } => match serde_json::from_slice(&record) {
                Ok(record) => Self::Record(record),
                Err(_) => Self::text(&record),
            },
        }
    }
}

impl LineText {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        match serde_json::from_slice(bytes) {
            Ok(user) => Self::User(user),
            Err(_) => Self::text(bytes),
        }
    }

    fn text(bytes: &[u8]) -> Self {
        Self::Text(String::from_utf8_lossy(bytes).into_owned())
    }
}

/// The file. It is there as soon as a line is refused.
pub struct Refused {
    path: PathBuf,
    file: Option<File>,
    length: u64,
}

impl Refused {
    /// Of an import that begins. What is there of another one is dropped.
    pub fn begin(path: PathBuf) -> Result<Self, TransferError> {
        Self::open(path, 0)
    }

    /// Of an import that begins, or one that goes on and has written so many bytes. What is there of
    /// another import, or of lines that will be sent again, is dropped.
    pub(crate) fn open(path: PathBuf, length: u64) -> Result<Self, TransferError> {
        let mut refused = Self {
            path,
            file: None,
            length,
        };
        if length > 0 {
            let file = refused.create()?;
            let error = |error| TransferError::file(&refused.path, error);
            file.set_len(length).map_err(error)?;
            refused.file = Some(file);
        } else {
            match std::fs::remove_file(&refused.path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(TransferError::file(&refused.path, error));
                }
                _ => {}
            }
        }
        Ok(refused)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How much was written.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Adds lines.
    pub fn append(&mut self, lines: &[RefusedLine]) -> Result<(), TransferError> {
        if lines.is_empty() {
            return Ok(());
        }
        let mut text = Vec::new();
        for line in lines {
            let line = serde_json::to_vec(line);
            text.extend(line.expect("texts and JSON can be written as JSON"));
            text.push(b'\n');
        }
        let mut file = match self.file.take() {
            Some(file) => file,
            None => self.create()?,
        };
        let written = file.write_all(&text);
        written.map_err(|error| TransferError::file(&self.path, error))?;
        self.length += text.len() as u64;
        self.file = Some(file);
        Ok(())
    }

    /// Brings it to the disk.
    pub fn sync(&self) -> Result<(), TransferError> {
        let synced = self.file.as_ref().map_or(Ok(()), File::sync_data);
        synced.map_err(|error| TransferError::file(&self.path, error))
    }

    /// A line may hold a password's hash, so the file is its owner's alone.
    fn create(&self) -> Result<File, TransferError> {
        let file = private().append(true).open(&self.path);
        file.map_err(|error| TransferError::file(&self.path, error))
    }
}

/// How a file is made that its owner alone may read.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
