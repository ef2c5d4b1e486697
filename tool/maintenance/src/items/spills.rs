//! Records that wait on disk, in parts that are small enough to be looked at in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{DirBuilder, File};
use std::io::{self, BufReader, Chain, Cursor, Read, Write as _};
use std::path::{Path, PathBuf};

use transfer::{TransferError, private_file};

use crate::MaintenanceError;

/// So many bytes wait in memory, of all parts together, before they go to the disk.
const MAX_BUFFERED: usize = 16 * 1024 * 1024;

/// Records in parts, each a file in one folder.
#[derive(Debug)]
pub(super) struct Spills {
    folder: PathBuf,
    buffers: BTreeMap<u32, Vec<u8>>,
    buffered: usize,
    /// The parts that have a file.
    on_disk: BTreeSet<u32>,
}

impl Spills {
    /// In a folder that is made.
    pub(super) fn new(folder: PathBuf) -> Result<Self, MaintenanceError> {
        make_folder(&folder)?;
        Ok(Self {
            folder,
            buffers: BTreeMap::new(),
            buffered: 0,
            on_disk: BTreeSet::new(),
        })
    }

    /// Appends a record to a part: its fields, one after the other.
    pub(super) fn push(&mut self, part: u32, fields: &[&[u8]]) -> Result<(), MaintenanceError> {
        let buffer = self.buffers.entry(part).or_default();
        for field in fields {
            buffer.extend_from_slice(field);
            self.buffered += field.len();
        }
        if self.buffered < MAX_BUFFERED {
            return Ok(());
        }
        self.buffered = 0;
        for (part, buffer) in std::mem::take(&mut self.buffers) {
            let path = self.path(part);
            let file = private_file().append(true).open(&path);
            let written = file.and_then(|mut file| file.write_all(&buffer));
            written.map_err(|error| fault(&path, error))?;
            self.on_disk.insert(part);
        }
        Ok(())
    }

    /// The records of a part, in the order in which they came. Afterwards it has none.
    pub(super) fn take(&mut self, part: u32) -> Result<Part, MaintenanceError> {
        let path = self.path(part);
        let buffer = self.buffers.remove(&part).unwrap_or_default();
        self.buffered -= buffer.len();
        let mut length = buffer.len() as u64;
        let mut file: Box<dyn Read> = Box::new(io::empty());
        let is_on_disk = self.on_disk.remove(&part);
        if is_on_disk {
            let opened = File::open(&path).and_then(|opened| Ok((opened.metadata()?, opened)));
            let (metadata, opened) = opened.map_err(|error| fault(&path, error))?;
            length += metadata.len();
            file = Box::new(BufReader::with_capacity(64 * 1024, opened));
        }
        Ok(Part {
            path,
            is_on_disk,
            length,
            left: length,
            records: file.chain(Cursor::new(buffer)),
        })
    }

    fn path(&self, part: u32) -> PathBuf {
        self.folder.join(part.to_string())
    }
}

/// The records of a part. The file is removed once they have been read.
pub(super) struct Part {
    path: PathBuf,
    is_on_disk: bool,
    length: u64,
    left: u64,
    records: Chain<Box<dyn Read>, Cursor<Vec<u8>>>,
}

impl Part {
    /// How many bytes its records have.
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// The next record, where all records have so many bytes; or the start of one.
    pub(super) fn next<const N: usize>(&mut self) -> Result<Option<[u8; N]>, MaintenanceError> {
        if self.left == 0 {
            return Ok(None);
        }
        let mut record = [0; N];
        self.read(&mut record)?;
        Ok(Some(record))
    }

    /// Reads the rest of a record.
    pub(super) fn read(&mut self, bytes: &mut [u8]) -> Result<(), MaintenanceError> {
        let read = self.records.read_exact(bytes);
        read.map_err(|error| fault(&self.path, error))?;
        self.left -= bytes.len() as u64;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if self.is_on_disk {
            // The folder is removed at the end, with what may be left in it.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// A folder that its owner alone may open.
pub(super) fn make_folder(path: &Path) -> Result<(), MaintenanceError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| fault(path, error))
}

/// A fault of a file.
pub(super) fn fault(path: &Path, source: io::Error) -> MaintenanceError {
    let path = path.display().to_string();
    TransferError::File { path, source }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_in_their_order_from_disk_and_memory() {
        let folder = tempfile::tempdir().unwrap();
        let mut spills = Spills::new(folder.path().join("spills")).unwrap();
        let large = vec![0; MAX_BUFFERED - 8];
        spills.push(7, &[b"a", b"b"]).unwrap();
        spills.push(8, &[&large]).unwrap();
        spills.push(7, &[b"cd"]).unwrap();
        spills.push(7, &[b"efgh"]).unwrap();
        let mut part = spills.take(7).unwrap();
        assert_eq!(part.length(), 8);
        let records = std::iter::from_fn(|| part.next::<2>().unwrap());
        let records: Vec<_> = records.collect();
        assert_eq!(records, [*b"ab", *b"cd", *b"ef", *b"gh"]);
        drop(part);
        assert_eq!(spills.take(7).unwrap().length(), 0);
        assert_eq!(spills.take(8).unwrap().length(), large.len() as u64);
        assert_eq!(spills.take(9).unwrap().length(), 0);
    }
}
