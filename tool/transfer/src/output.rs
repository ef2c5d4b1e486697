//! Where an export writes.

use std::fs::File;
use std::io::{BufWriter, ErrorKind, Stdout, Write, stdout};
use std::path::{Path, PathBuf};

use indicatif::HumanCount;

use crate::error::beside;
use crate::refused::private_file;
use crate::{Ended, TransferError};

/// Where an export writes users, one in each line: a file that is there only when all are in it, or
/// standard output.
#[derive(Debug)]
pub struct Output(Place);

#[derive(Debug)]
enum Place {
    Standard(BufWriter<Stdout>),
    File {
        file: BufWriter<File>,
        /// Its name until it is whole.
        partial: PathBuf,
        path: PathBuf,
    },
}

impl Output {
    /// A file of this name, readable by its owner alone; without a name, standard output.
    pub fn open(path: Option<PathBuf>) -> Result<Self, TransferError> {
        let Some(path) = path else {
            return Ok(Self(Place::Standard(BufWriter::new(stdout()))));
        };
        let partial = beside(&path, ".partial");
        // What an export left behind that was killed may be readable by others.
        match std::fs::remove_file(&partial) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(TransferError::file(&partial, error));
            }
            _ => {}
        }
        let file = private_file().write(true).truncate(true).open(&partial);
        let file = file.map_err(|error| TransferError::file(&partial, error))?;
        Ok(Self(Place::File {
            file: BufWriter::new(file),
            partial,
            path,
        }))
    }

    fn fault(&self, error: std::io::Error) -> TransferError {
        match &self.0 {
            Place::Standard(_) => TransferError::file(Path::new("standard output"), error),
            Place::File { path, .. } => TransferError::file(path, error),
        }
    }

    /// Writes a user: the text of a JSON object.
    pub fn write(&mut self, user: &[u8]) -> Result<(), TransferError> {
        let out: &mut dyn Write = match &mut self.0 {
            Place::Standard(out) => out,
            Place::File { file, .. } => file,
        };
        // A line break between JSON's tokens counts as little as a space.
        let line: Vec<u8> = user
            .iter()
            .map(|byte| if *byte == b'\n' { b' ' } else { *byte })
            .collect();
        let written = out.write_all(&line).and_then(|()| out.write_all(b"\n"));
        written.map_err(|error| self.fault(error))
    }

    /// All users are written.
    fn finish(&mut self) -> Result<(), TransferError> {
        let finished = match &mut self.0 {
            Place::Standard(out) => out.flush(),
            Place::File {
                file,
                partial,
                path,
            } => file
                .flush()
                .and_then(|()| file.get_ref().sync_all())
                .and_then(|()| std::fs::rename(partial, path)),
        };
        finished.map_err(|error| self.fault(error))
    }

    /// Not all users are written: a part must not be taken for all of them.
    fn give_up(&mut self) {
        match &mut self.0 {
            // What was fetched may as well be seen.
            Place::Standard(out) => drop(out.flush()),
            Place::File { partial, .. } => drop(std::fs::remove_file(partial)),
        }
    }

    /// Ends the export: the file gets its name if all users were written. Says how many those are.
    pub fn end<E: From<TransferError>>(
        mut self,
        ran: Result<bool, E>,
        written: u64,
    ) -> Result<Ended, E> {
        let ended = match ran {
            Ok(true) => self.finish().map(|()| Ended::Whole).map_err(E::from),
            Ok(false) => Ok(Ended::Interrupted),
            Err(error) => Err(error),
        };
        if !matches!(ended, Ok(Ended::Whole)) {
            self.give_up();
        }
        let written = HumanCount(written);
        match (&ended, &self.0) {
            (Ok(Ended::Whole), Place::File { path, .. }) => {
                println!("{written} users in {}", path.display());
            }
            (Ok(Ended::Whole), Place::Standard(_)) => eprintln!("{written} users"),
            (Ok(_), Place::File { path, .. }) => {
                println!("stopped: {} was not written", path.display());
            }
            (Ok(_), Place::Standard(_)) => eprintln!("stopped after {written} users"),
            (Err(_), _) => {}
        }
        ended
    }
}
