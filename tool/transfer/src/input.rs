//! The users of a file, in Roster's form whatever form the file has.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek as _, SeekFrom, stdin};
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;

use crate::TransferError;
use crate::error::beside;
use crate::from::{Columns, Conversion, ConversionArguments, Unconverted};
use crate::source::{Form, Position, RawRecord, Source, SourceError};

/// A file of users, and what form it has.
#[derive(Args, Clone, Debug)]
pub struct Input {
    /// The file; `-` for standard input, an import from it can't be resumed.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    conversion: ConversionArguments,
    /// The moment of the whole run: what depends on it is the same at each reading.
    #[arg(skip = Timestamp::now())]
    pub(crate) now: Timestamp,
}

/// A user of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its line or element in the file, from one.
    pub line: u64,
    /// What the import takes for it: JSON in one line; or why it can't be imported.
    pub text: Result<Vec<u8>, Flaw>,
}

/// Why a user can't be imported, before the service is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It is longer than a request may be.
    TooLong,
    /// It is no JSON, or none in one line. The text is as the file has it.
    NotJson(Vec<u8>),
    /// Another product's user whom Roster can't have.
    NotCarried {
        /// Why.
        reason: String,
        /// The user as JSON, as the product has written it.
        record: Vec<u8>,
    },
    /// A row that is no row of the table. The text is as the file has it.
    BadRow {
        /// Why.
        reason: String,
        /// The row.
        row: Vec<u8>,
    },
}

impl Flaw {
    /// The status that the service would give.
    pub fn status(&self) -> u16 {
        match self {
            Self::TooLong => 413,
            Self::NotJson(_) | Self::BadRow { .. } => 400,
            Self::NotCarried { .. } => 422,
        }
    }

    /// How many bytes it holds.
    pub(crate) fn length(&self) -> usize {
        match self {
            Self::TooLong => 0,
            Self::NotJson(text)
            | Self::NotCarried { record: text, .. }
            | Self::BadRow { row: text, .. } => text.len(),
        }
    }

    /// The reason, for a person.
    pub fn detail(&self) -> &str {
        match self {
            Self::TooLong => "The line is too long for a request.",
            Self::NotJson(_) => "The line is not JSON.",
            Self::NotCarried { reason, .. } | Self::BadRow { reason, .. } => reason,
        }
    }
}

impl Input {
    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.file
    }

    /// Where lines of it go that are refused, unless `--refused` names another file.
    pub(crate) fn refused_path(&self) -> PathBuf {
        if self.is_stdin() {
            return PathBuf::from("stdin.refused.ndjson");
        }
        beside(&self.file, ".refused.ndjson")
    }

    /// Where it is written down how far an import of it is.
    pub(crate) fn journal_path(&self) -> PathBuf {
        beside(&self.file, ".progress")
    }

    /// Whether it is standard input.
    pub fn is_stdin(&self) -> bool {
        self.file == Path::new("-")
    }

    /// The file's users, from the first one. They are read as they are asked for, and no two are held at
    /// the same time.
    pub fn records(&self) -> Result<Records, TransferError> {
        if self.is_stdin() {
            let path = Path::new("standard input");
            return Records::new(path, stdin(), self.conversion());
        }
        Records::new(&self.file, self.open()?, self.conversion())
    }

    /// The file.
    pub(crate) fn open(&self) -> Result<File, TransferError> {
        let file = File::open(&self.file).and_then(|file| {
            let is_folder = file.metadata()?.is_dir();
            let file = (!is_folder).then_some(file);
            file.ok_or_else(|| ErrorKind::IsADirectory.into())
        });
        file.map_err(|error| self.fault(error))
    }

    /// The users of the file behind a position, or all of them. The file is at its beginning.
    pub(crate) fn records_behind(
        &self,
        mut file: File,
        position: Option<Position>,
    ) -> Result<Records, TransferError> {
        let again = file.try_clone().map_err(|error| self.fault(error))?;
        // The names of a table's columns are at the beginning.
        let mut records = Records::new(&self.file, again, self.conversion())?;
        if let Some(position) = position {
            let start = SeekFrom::Start(position.offset);
            file.seek(start).map_err(|error| self.fault(error))?;
            records.source = Source::at(reader(file), records.conversion.layout(), position);
        }
        Ok(records)
    }

    /// What tells this form from others, in a journal; none for Roster's own.
    pub(crate) fn form(&self) -> Option<String> {
        self.conversion().form()
    }

    fn conversion(&self) -> Conversion {
        Conversion::new(&self.conversion, self.now)
    }

    fn fault(&self, error: io::Error) -> TransferError {
        TransferError::file(&self.file, error)
    }
}

type Reader = BufReader<Box<dyn Read + Send>>;

fn reader(input: impl Read + Send + 'static) -> Reader {
    BufReader::with_capacity(64 * 1024, Box::new(input))
}

/// The users of a file, one by one. After an error there are no more.
pub struct Records {
    path: PathBuf,
    source: Source<Reader>,
    /// Of a table.
    columns: Option<Columns>,
    conversion: Conversion,
    is_over: bool,
}

impl Records {
    fn new(
        path: &Path,
        input: impl Read + Send + 'static,
        conversion: Conversion,
    ) -> Result<Self, TransferError> {
        let fault = |error| fault(path, error);
        let mut source = Source::new(reader(input), conversion.layout()).map_err(fault)?;
        let mut columns = None;
        if source.position().form == Form::Rows
            && let Some(first) = source.record().map_err(fault)?
        {
            let named = first.text.ok().and_then(|row| Columns::of(&row));
            let path = || path.display().to_string();
            columns = Some(named.ok_or_else(|| TransferError::NoColumns { path: path() })?);
        }
        Ok(Self {
            path: path.to_owned(),
            source,
            columns,
            conversion,
            is_over: false,
        })
    }

    /// How far the file is read.
    pub(crate) fn position(&self) -> Position {
        self.source.position()
    }

    fn read(&mut self) -> Result<Option<Record>, SourceError> {
        let Some(RawRecord { line, text }) = self.source.record()? else {
            return Ok(None);
        };
        let line_of = |text: Vec<u8>| match &self.columns {
            Some(columns) => self.conversion.convert(columns.members(&text)?),
            None => self.conversion.convert_text(text),
        };
        let text = match text.map_err(Unconverted::Flaw).and_then(line_of) {
            Ok(text) => Ok(text),
            Err(Unconverted::Flaw(flaw)) => Err(flaw),
            Err(Unconverted::NoSignerKey) => return Err(SourceError::NoSignerKey(line)),
        };
        Ok(Some(Record { line, text }))
    }

    /// Lines of Roster's own form.
    #[cfg(test)]
    pub(crate) fn of_text(text: &[u8]) -> Self {
        let text = std::io::Cursor::new(text.to_vec());
        Self::new(Path::new("text"), text, Conversion::default()).unwrap()
    }
}

impl Iterator for Records {
    type Item = Result<Record, TransferError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let next = self.read().map_err(|error| fault(&self.path, error));
        self.is_over = !matches!(next, Ok(Some(_)));
        next.transpose()
    }
}

fn fault(path: &Path, error: SourceError) -> TransferError {
    let name = || path.display().to_string();
    match error {
        SourceError::Io(error) => TransferError::file(path, error),
        SourceError::Broken(offset) => TransferError::BrokenArray {
            path: name(),
            offset,
        },
        SourceError::NoMember(member) => TransferError::NoUsers {
            path: name(),
            member,
        },
        SourceError::NoSignerKey(user) => TransferError::NoSignerKey { path: name(), user },
    }
}
