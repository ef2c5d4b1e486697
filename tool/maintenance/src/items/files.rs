//! Items in the files that DynamoDB's import from S3 reads.

use std::io::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use store::{DynamodbJson, Item};
use transfer::private_file;

use super::spills::{Spills, fault, make_folder};
use crate::MaintenanceError;

/// What a file has at most before it is compressed: it is shuffled in memory.
const MAX_FILE: u64 = 64 * 1024 * 1024;
/// What is read of a user becomes about so many times as many bytes of items.
const GROWTH: u64 = 5;
const MAX_PARTS: u64 = 256;
/// What a line has room for at once. Few items need as much.
const MAX_LINE: usize = 1024 * 1024;

/// A line of a file.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(rename = "Item")]
    item: DynamodbJson<'a>,
}

/// Items on their way into files.
///
/// Each item goes to a part by a hash of its key, and each file has the items of one part in the order of
/// their hashes. So in no stretch of a file do items of one partition of the table, or of an index, come
/// together, in whatever order the users came.
pub(super) struct ItemFiles {
    spills: Spills,
    parts: u64,
    /// How many items there are.
    items: u64,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) files: u64,
    pub(super) items: u64,
    /// Of all files, as they are.
    pub(super) bytes: u64,
    /// Of all files, before they were compressed: what AWS charges for.
    pub(super) uncompressed_bytes: u64,
}

impl ItemFiles {
    /// Items that wait in this folder, of users whom an input of so many bytes has.
    pub(super) fn new(folder: PathBuf, input: u64) -> Result<Self, MaintenanceError> {
        Ok(Self {
            spills: Spills::new(folder)?,
            parts: (input * GROWTH / MAX_FILE).clamp(1, MAX_PARTS),
            items: 0,
        })
    }

    /// Adds an item.
    pub(super) fn add(&mut self, item: &Item) -> Result<(), MaintenanceError> {
        let hash = hash_of_key(item);
        let mut line = serde_json::to_vec(&Line {
            item: DynamodbJson(item),
        })
        .expect("every type of an item's values can be written");
        line.push(b'\n');
        let length = u32::try_from(line.len()).expect("an item is smaller than 400 KB");
        let part = u32::try_from(hash % self.parts).expect("there are few parts");
        self.items += 1;
        self.spills
            .push(part, &[&hash.to_be_bytes(), &length.to_be_bytes(), &line])
    }

    /// Writes all files into a folder that is made.
    pub(super) fn write(mut self, folder: &Path) -> Result<Written, MaintenanceError> {
        make_folder(folder)?;
        let mut written = Written {
            items: self.items,
            ..Written::default()
        };
        let mut file = Shuffled::default();
        for part in 0..self.parts {
            let part = u32::try_from(part).expect("there are few parts");
            let mut part = self.spills.take(part)?;
            // Files of one size are read in the same time.
            let files = part.length().div_ceil(MAX_FILE).max(1);
            let full = part.length().div_ceil(files);
            // Grown by doubling, it would take up to twice as much. The last line goes past what is full.
            let room = usize::try_from(full).unwrap_or(usize::MAX);
            file.lines.reserve_exact(room.saturating_add(MAX_LINE));
            while let Some(hash) = part.next()? {
                let mut length = [0; 4];
                part.read(&mut length)?;
                let length = u32::from_be_bytes(length) as usize;
                let line = file.room(u64::from_be_bytes(hash), length);
                part.read(line)?;
                if file.lines.len() as u64 >= full {
                    file.write(folder, &mut written)?;
                }
            }
            file.write(folder, &mut written)?;
        }
        Ok(written)
    }
}

/// The lines of one file.
#[derive(Default)]
struct Shuffled {
    lines: Vec<u8>,
    /// Where each line is, by its hash.
    places: Vec<(u64, Range<usize>)>,
}

impl Shuffled {
    /// Where the next line goes.
    fn room(&mut self, hash: u64, length: usize) -> &mut [u8] {
        let start = self.lines.len();
        self.lines.resize(start + length, 0);
        self.places.push((hash, start..start + length));
        &mut self.lines[start..]
    }

    /// Writes the file, and has no lines then.
    fn write(&mut self, folder: &Path, written: &mut Written) -> Result<(), MaintenanceError> {
        if self.lines.is_empty() {
            return Ok(());
        }
        self.places.sort_unstable_by_key(|(hash, _)| *hash);
        let path = folder.join(format!("{:05}.json.gz", written.files));
        let bytes = self.compress(&path).map_err(|error| fault(&path, error))?;
        written.files += 1;
        written.bytes += bytes;
        written.uncompressed_bytes += self.lines.len() as u64;
        self.lines.clear();
        self.places.clear();
        Ok(())
    }

    fn compress(&self, path: &Path) -> std::io::Result<u64> {
        let file = private_file().write(true).truncate(true).open(path)?;
        let mut encoder = GzEncoder::new(file, Compression::default());
        for (_, place) in &self.places {
            encoder.write_all(&self.lines[place.clone()])?;
        }
        let file = encoder.finish()?;
        file.sync_all()?;
        Ok(file.metadata()?.len())
    }
}

fn hash_of_key(item: &Item) -> u64 {
    let mut hash = Sha256::new();
    for name in ["PK", "SK"] {
        let text = item.get(name).and_then(|value| value.as_s().ok());
        hash.update(text.map_or("", String::as_str));
        hash.update([0]);
    }
    let hash = hash.finalize();
    u64::from_be_bytes(*hash.first_chunk().expect("a SHA-256 has 32 bytes"))
}
