//! The file of the lines that were refused.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::TransferError;
use crate::input::{Flaw, Input};
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

/// Where refused lines go.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    /// Whether `--refused` names another file than the usual one. It may be any file.
    is_named: bool,
}

impl Place {
    /// The place that is named, or the usual one: beside the input.
    pub(crate) fn of(input: &Input, named: Option<PathBuf>) -> Result<Self, TransferError> {
        let usual = input.refused_path();
        let is_named = named.as_ref().is_some_and(|path| !is_same(path, &usual));
        let path = named.unwrap_or(usual);
        let journal = input.journal_path();
        if [input.path(), &journal]
            .iter()
            .any(|own| is_same(&path, own))
        {
            return Err(TransferError::RefusedIsInput(path.display().to_string()));
        }
        Ok(Self { path, is_named })
    }

    /// What tells it from other places, in a journal; none for the usual one.
    pub(crate) fn name(&self) -> Option<String> {
        let whole = std::path::absolute(&self.path);
        let whole = whole.as_ref().unwrap_or(&self.path);
        self.is_named.then(|| whole.display().to_string())
    }

    /// Removes the file of a former import. Another one stays, and is told.
    fn clear(&self) -> Result<(), TransferError> {
        let cleared = match std::fs::symlink_metadata(&self.path) {
            Ok(_) if self.is_named && !self.is_ours() => {
                let path = self.path.display().to_string();
                return Err(TransferError::NotRefusedLines(path));
            }
            Ok(_) => std::fs::remove_file(&self.path),
            Err(error) => Err(error),
        };
        match cleared {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(TransferError::file(&self.path, error))
            }
            _ => Ok(()),
        }
    }

    /// Whether it is a file that begins as one of refused lines, or is empty.
    fn is_ours(&self) -> bool {
        // To open another kind of file, such as a pipe, may take for ever.
        let is_file = std::fs::metadata(&self.path).is_ok_and(|it| it.is_file());
        let start = || -> std::io::Result<Vec<u8>> {
            let mut start = Vec::new();
            let mut file = File::open(&self.path)?.take(START.len() as u64);
            file.read_to_end(&mut start)?;
            Ok(start)
        };
        is_file && start().is_ok_and(|start| START.starts_with(&start))
    }
}

/// How a refused line begins.
const START: &[u8] = b"{\"line\":";

/// Whether both are one file, by whatever names.
fn is_same(one: &Path, other: &Path) -> bool {
    let is_one = |one: std::io::Result<PathBuf>, other: std::io::Result<PathBuf>| {
        one.is_ok_and(|one| other.is_ok_and(|other| one == other))
    };
    is_one(std::path::absolute(one), std::path::absolute(other))
        || is_one(one.canonicalize(), other.canonicalize())
        || is_linked(one, other)
}

/// Whether both are names (hard links) of one file.
#[cfg(unix)]
fn is_linked(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let id = |path: &Path| std::fs::metadata(path).map(|it| (it.dev(), it.ino()));
    id(one).is_ok_and(|one| id(other).is_ok_and(|other| one == other))
}

#[cfg(not(unix))]
fn is_linked(_: &Path, _: &Path) -> bool {
    false
}

/// The file. It is there as soon as a line is refused.
pub struct Refused {
    path: PathBuf,
    file: Option<File>,
    length: u64,
}

impl Refused {
    /// Of an import that begins: the file that `--refused` names, or the usual one. What is there of another
    /// import is dropped; a file of another kind is left, and told.
    pub fn begin(input: &Input, named: Option<PathBuf>) -> Result<Self, TransferError> {
        if !input.is_stdin() && input.journal_path().exists() {
            let journal = input.journal_path().display().to_string();
            return Err(TransferError::Unfinished(journal));
        }
        Self::begin_at(Place::of(input, named)?)
    }

    /// Of an import that begins, at this place.
    pub(crate) fn begin_at(place: Place) -> Result<Self, TransferError> {
        place.clear()?;
        Ok(Self {
            path: place.path,
            file: None,
            length: 0,
        })
    }

    /// Of an import that goes on, and has written so many bytes as its journal says. What is behind these is
    /// of lines that will be sent again, and dropped.
    pub(crate) fn go_on_at(
        place: Place,
        length: u64,
        journal: &Path,
    ) -> Result<Self, TransferError> {
        if length == 0 {
            return Self::begin_at(place);
        }
        let is_whole = std::fs::metadata(&place.path).is_ok_and(|it| it.len() >= length);
        if !is_whole || !place.is_ours() {
            return Err(TransferError::RefusedLinesLost {
                refused: place.path.display().to_string(),
                journal: journal.display().to_string(),
            });
        }
        let mut refused = Self {
            path: place.path,
            file: None,
            length,
        };
        let file = refused.create()?;
        let cut = file.set_len(length);
        cut.map_err(|error| TransferError::file(&refused.path, error))?;
        refused.file = Some(file);
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
        let file = private_file().append(true).open(&self.path);
        file.map_err(|error| TransferError::file(&self.path, error))
    }
}

/// How a file is made that its owner alone may read: it may hold hashes of passwords.
pub fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        input: Input,
    }

    fn input(file: &Path) -> Input {
        Command::parse_from(["import", file.to_str().unwrap()]).input
    }

    fn line() -> RefusedLine {
        RefusedLine::new(1, 422, Map::new(), b"{}")
    }

    /// A folder with an input of this name.
    fn folder() -> (tempfile::TempDir, Input) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("users.ndjson");
        std::fs::write(&file, "{}\n").unwrap();
        (folder, input(&file))
    }

    #[test]
    fn a_file_of_another_kind_is_left_as_it_is_and_told() {
        let (folder, input) = folder();
        let named = folder.path().join("named");
        for text in ["users\n", "{\"user_id\":\"a\"}\n", "{\"lines\":1}", "x"] {
            std::fs::write(&named, text).unwrap();
            let error = Refused::begin(&input, Some(named.clone())).err().unwrap();
            assert!(
                matches!(error, TransferError::NotRefusedLines(_)),
                "{error}"
            );
            assert_eq!(std::fs::read_to_string(&named).unwrap(), text);
        }
        let error = Refused::begin(&input, Some(folder.path().to_owned())).err();
        assert!(matches!(error, Some(TransferError::NotRefusedLines(_))));
        let null = Refused::begin(&input, Some("/dev/null".into())).err();
        assert!(matches!(null, Some(TransferError::NotRefusedLines(_))));
    }

    #[test]
    fn the_file_of_a_former_import_gives_way() {
        let (folder, input) = folder();
        let named = folder.path().join("named");
        let usual = input.refused_path();
        for path in [&named, &usual] {
            let begin = || Refused::begin(&input, Some(path.clone())).unwrap();
            begin().append(&[line()]).unwrap();
            assert!(std::fs::read(path).unwrap().starts_with(START));
            for text in ["", "{\"li"] {
                begin();
                assert!(!path.exists());
                std::fs::write(path, text).unwrap();
            }
            begin();
            assert!(!path.exists());
        }
        // The usual name says what the file is.
        std::fs::write(&usual, "x").unwrap();
        Refused::begin(&input, None).unwrap();
        assert!(!usual.exists());
    }

    #[test]
    fn the_input_is_no_file_for_refused_lines_by_any_of_its_names() {
        let (folder, input) = folder();
        let hard = folder.path().join("hard");
        std::fs::hard_link(input.path(), &hard).unwrap();
        let name = input.path().file_name().unwrap();
        let around = folder
            .path()
            .join("../")
            .join(folder.path().file_name().unwrap());
        for path in [
            input.path().to_owned(),
            around.join(name),
            hard,
            input.journal_path(),
        ] {
            let error = Refused::begin(&input, Some(path)).err().unwrap();
            assert!(matches!(error, TransferError::RefusedIsInput(_)), "{error}");
        }
        assert_eq!(std::fs::read(input.path()).unwrap(), b"{}\n");
    }

    #[test]
    fn an_import_that_goes_on_keeps_what_its_journal_tells_of_and_no_more() {
        let (folder, input) = folder();
        let named = folder.path().join("named");
        let place = || Place::of(&input, Some(named.clone())).unwrap();
        let mut refused = Refused::begin_at(place()).unwrap();
        refused.append(&[line()]).unwrap();
        let length = refused.length();
        refused.append(&[line()]).unwrap();
        let journal = input.journal_path();
        Refused::go_on_at(place(), length, &journal).unwrap();
        assert_eq!(std::fs::metadata(&named).unwrap().len(), length);
        let other = "x".repeat(2 * usize::try_from(length).unwrap());
        for text in [Some("{\"line\":1}"), Some(&other), None] {
            match text {
                Some(text) => std::fs::write(&named, text).unwrap(),
                None => std::fs::remove_file(&named).unwrap(),
            }
            let error = Refused::go_on_at(place(), length, &journal).err().unwrap();
            let is_told = matches!(error, TransferError::RefusedLinesLost { .. });
            assert!(is_told && error.to_string().contains("remove"), "{error}");
            let left = std::fs::read_to_string(&named).ok();
            assert_eq!(left.as_deref(), text);
        }
    }

    #[test]
    fn the_refused_lines_of_an_import_that_is_not_at_its_end_stay() {
        let (_folder, input) = folder();
        std::fs::write(input.journal_path(), "{}").unwrap();
        std::fs::write(input.refused_path(), "{\"line\":1}\n").unwrap();
        let error = Refused::begin(&input, None).err().unwrap();
        assert!(matches!(error, TransferError::Unfinished(_)), "{error}");
        assert!(input.refused_path().exists());
    }
}
