//! Which lines may be written where ids and identifiers occur more than once: those that would be if the
//! lines were imported one after the other.
//!
//! A line is written if no line before it *that is written* has its id or one of its identifiers. So whether
//! a line is, depends on those before it, and theirs on others. This is found with bounded memory by two
//! readings of the file. The first notes each key (an id or an identifier) with its line on disk, by the
//! key's hash; so all lines of a key come together, and each line learns which line has the key next. The
//! second goes through the lines in their order, and who has a key is handed on from line to line: a message
//! to a later line waits on disk, with those to the lines around it, until that line's turn.

use std::collections::HashMap;
use std::path::PathBuf;

use domain::import::ImportDigest;
use domain::{Identifier, Kind, UserId};
use sha2::{Digest as _, Sha256};

use super::spills::{Part, Spills};
use crate::MaintenanceError;

/// What is kept in memory.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// Bytes of the keys that are looked at together.
    keys: u64,
    /// Keys of the lines whose messages are in memory at the same time.
    stretch: usize,
}

const BOUNDS: Bounds = Bounds {
    keys: 8 * 1024 * 1024,
    stretch: 128 * 1024,
};

/// Stands for an id or an identifier: 128 bits of its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; Key::LENGTH]);

impl Key {
    const LENGTH: usize = 16;

    /// Of a user's id.
    pub(super) fn of_id(id: &UserId) -> Self {
        Self::hashed(b"id", id.as_str())
    }

    /// Of an identifier.
    pub(super) fn of_identifier(identifier: &Identifier) -> Self {
        let kind: &[u8] = match identifier.kind {
            Kind::Email => b"email",
            Kind::Phone => b"phone",
            Kind::Username => b"username",
        };
        Self::hashed(kind, &identifier.canonical)
    }

    fn hashed(kind: &[u8], text: &str) -> Self {
        let hash = Sha256::new_with_prefix(kind)
            .chain_update([0])
            .chain_update(text)
            .finalize();
        Self(*hash.first_chunk().expect("a SHA-256 has 32 bytes"))
    }
}

/// Who has a key: the digest of the line that has it.
type Holder = [u8; HOLDER];
const HOLDER: usize = 22;

/// The first reading: the keys of all lines.
pub(super) struct Keys {
    folder: PathBuf,
    bounds: Bounds,
    noted: Spills,
    stretches: Stretches,
    /// How many keys the last stretch has.
    in_last: usize,
}

/// Each stretch of lines whose keys fit into memory together, by its first line.
#[derive(Debug, Default)]
struct Stretches(Vec<u64>);

impl Stretches {
    fn of(&self, line: u64) -> u32 {
        let after = self.0.partition_point(|first| *first <= line);
        u32::try_from(after).expect("there are fewer stretches than lines")
    }
}

impl Keys {
    /// Notes keys in this folder.
    pub(super) fn new(folder: PathBuf) -> Result<Self, MaintenanceError> {
        Self::bounded(folder, BOUNDS)
    }

    fn bounded(folder: PathBuf, bounds: Bounds) -> Result<Self, MaintenanceError> {
        Ok(Self {
            noted: Spills::new(folder.join("keys"))?,
            folder,
            bounds,
            stretches: Stretches::default(),
            in_last: 0,
        })
    }

    /// Notes the keys of a line. The lines come in their order.
    pub(super) fn add(&mut self, line: u64, keys: &[Key]) -> Result<(), MaintenanceError> {
        if self.in_last >= self.bounds.stretch {
            self.stretches.0.push(line);
            self.in_last = 0;
        }
        self.in_last += keys.len();
        for key in keys {
            self.noted
                .push(u32::from(key.0[0]), &[&key.0, &line.to_be_bytes()])?;
        }
        Ok(())
    }

    /// The second reading.
    pub(super) fn contest(self) -> Result<Contest, MaintenanceError> {
        let mut links = Links {
            folder: self.folder.join("split"),
            bounds: self.bounds,
            found: Spills::new(self.folder.join("links"))?,
            stretches: self.stretches,
        };
        links.find_in(self.noted, 1)?;
        Ok(Contest {
            links: links.found,
            messages: Spills::new(self.folder.join("messages"))?,
            stretches: links.stretches,
            present: None,
            next: HashMap::new(),
            holders: HashMap::new(),
        })
    }
}

/// From each line of a key to the next one.
struct Links {
    folder: PathBuf,
    bounds: Bounds,
    found: Spills,
    stretches: Stretches,
}

impl Links {
    /// Of keys that are in parts by one of their bytes. `depth` bytes are the same for all keys of a part.
    fn find_in(&mut self, mut noted: Spills, depth: usize) -> Result<(), MaintenanceError> {
        for part in 0..=u8::MAX {
            let part = noted.take(u32::from(part))?;
            if part.length() <= self.bounds.keys || depth == Key::LENGTH {
                self.find(part)?;
            } else {
                let split = self.split(part, depth)?;
                self.find_in(split, depth + 1)?;
            }
        }
        Ok(())
    }

    /// The lines of a key stay in their order.
    fn split(&self, mut part: Part, depth: usize) -> Result<Spills, MaintenanceError> {
        let mut split = Spills::new(self.folder.join(depth.to_string()))?;
        while let Some(record) = part.next::<{ Key::LENGTH + 8 }>()? {
            split.push(u32::from(record[depth]), &[&record])?;
        }
        Ok(split)
    }

    fn find(&mut self, mut part: Part) -> Result<(), MaintenanceError> {
        let mut last: HashMap<Key, u64> = HashMap::new();
        while let Some(record) = part.next::<{ Key::LENGTH + 8 }>()? {
            let (key, line) = record.split_at(Key::LENGTH);
            let key = Key(key.try_into().expect("a key has 16 bytes"));
            let line = u64::from_be_bytes(line.try_into().expect("a line has 8 bytes"));
            if let Some(before) = last.insert(key, line) {
                let fields: [&[u8]; 3] = [&before.to_be_bytes(), &key.0, &line.to_be_bytes()];
                self.found.push(self.stretches.of(before), &fields)?;
            }
        }
        Ok(())
    }
}

/// The second reading: who has the keys of each line by then.
pub(super) struct Contest {
    links: Spills,
    messages: Spills,
    stretches: Stretches,
    present: Option<u32>,
    /// Which line has a key after this one.
    next: HashMap<(u64, Key), u64>,
    /// Who has a key when it is this line's turn.
    holders: HashMap<(u64, Key), Holder>,
}

impl Contest {
    /// Who has these keys of a line: what the line is recognised by that is written with each. The lines
    /// come in their order.
    pub(super) fn holders(
        &mut self,
        line: u64,
        keys: &[Key],
    ) -> Result<Vec<Option<ImportDigest>>, MaintenanceError> {
        let stretch = self.stretches.of(line);
        if self.present != Some(stretch) {
            self.turn_to(stretch)?;
        }
        let holders = keys.iter().map(|key| self.holders.get(&(line, *key)));
        let digest = |holder: &Holder| {
            let text = String::from_utf8_lossy(holder);
            ImportDigest::stored(text.into_owned())
        };
        Ok(holders.map(|holder| holder.map(digest)).collect())
    }

    /// Hands on who has these keys after a line: the line itself, if it is written, and then what it is
    /// recognised by; else who had them before.
    pub(super) fn hand_on(
        &mut self,
        line: u64,
        keys: &[Key],
        written: Option<&ImportDigest>,
    ) -> Result<(), MaintenanceError> {
        let own = written.map(|digest| {
            let digest = digest.as_str().as_bytes();
            *digest.first_chunk().expect("a digest has 22 characters")
        });
        for key in keys {
            let before = self.holders.remove(&(line, *key));
            let next = self.next.remove(&(line, *key));
            if let (Some(holder), Some(next)) = (own.or(before), next) {
                let stretch = self.stretches.of(next);
                if self.present == Some(stretch) {
                    self.holders.insert((next, *key), holder);
                } else {
                    let fields: [&[u8]; 3] = [&next.to_be_bytes(), &key.0, &holder];
                    self.messages.push(stretch, &fields)?;
                }
            }
        }
        Ok(())
    }

    fn turn_to(&mut self, stretch: u32) -> Result<(), MaintenanceError> {
        self.present = Some(stretch);
        self.next.clear();
        self.holders.clear();
        let mut links = self.links.take(stretch)?;
        while let Some(record) = links.next::<{ 8 + Key::LENGTH + 8 }>()? {
            let (line, key, next) = fields(&record);
            let next = next.try_into().expect("a line has 8 bytes");
            self.next.insert((line, key), u64::from_be_bytes(next));
        }
        let mut messages = self.messages.take(stretch)?;
        while let Some(record) = messages.next::<{ 8 + Key::LENGTH + HOLDER }>()? {
            let (line, key, holder) = fields(&record);
            let holder = holder.try_into().expect("a holder has 22 bytes");
            self.holders.insert((line, key), holder);
        }
        Ok(())
    }
}

/// A line, a key of it, and the rest of a record.
fn fields(record: &[u8]) -> (u64, Key, &[u8]) {
    let (line, rest) = record.split_at(8);
    let (key, rest) = rest.split_at(Key::LENGTH);
    let line = line.try_into().expect("a line has 8 bytes");
    let key = key.try_into().expect("a key has 16 bytes");
    (u64::from_be_bytes(line), Key(key), rest)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The keys of lines, and for each line who of those before has its keys, where a line is written that
    /// has no key of a written one.
    fn found(lines: &[Vec<u8>], bounds: Bounds) -> Vec<Vec<Option<usize>>> {
        let folder = tempfile::tempdir().unwrap();
        let key = |n: &u8| Key::hashed(b"", &n.to_string());
        let keys: Vec<Vec<Key>> = lines
            .iter()
            .map(|keys| keys.iter().map(key).collect())
            .collect();
        let mut noted = Keys::bounded(folder.path().join("work"), bounds).unwrap();
        // Lines without keys, as refused ones, and blank lines are in between.
        let number = |n: usize| 3 * n as u64 + 2;
        for (n, keys) in keys.iter().enumerate() {
            noted.add(number(n), keys).unwrap();
        }
        let mut contest = noted.contest().unwrap();
        let digest = |n: usize| ImportDigest::stored(format!("{n:022}"));
        let mut found = Vec::new();
        for (n, keys) in keys.iter().enumerate() {
            let holders = contest.holders(number(n), keys).unwrap();
            let is_free = holders.iter().all(Option::is_none);
            let own = digest(n);
            contest
                .hand_on(number(n), keys, is_free.then_some(&own))
                .unwrap();
            let line = |holder: ImportDigest| holder.as_str().parse().unwrap();
            found.push(holders.into_iter().map(|it| it.map(line)).collect());
        }
        found
    }

    /// The same by a map of all keys.
    fn wanted(lines: &[Vec<u8>]) -> Vec<Vec<Option<usize>>> {
        let mut held = BTreeMap::new();
        let mut wanted = Vec::new();
        for (n, keys) in lines.iter().enumerate() {
            let holders: Vec<_> = keys.iter().map(|key| held.get(key).copied()).collect();
            if holders.iter().all(Option::is_none) {
                held.extend(keys.iter().map(|key| (*key, n)));
            }
            wanted.push(holders);
        }
        wanted
    }

    fn bounds(keys: u64, stretch: usize) -> Bounds {
        Bounds { keys, stretch }
    }

    #[test]
    fn a_refused_line_leaves_its_other_keys_to_lines_after_it() {
        let lines = [vec![1, 2], vec![2, 3], vec![3, 4], vec![4, 1], vec![3]];
        let held = [
            vec![None, None],
            vec![Some(0), None],
            vec![None, None],
            vec![Some(2), Some(0)],
            vec![Some(2)],
        ];
        assert_eq!(wanted(&lines), held);
        for bounds in [BOUNDS, bounds(0, 1), bounds(48, 3)] {
            assert_eq!(found(&lines, bounds), held, "{bounds:?}");
        }
    }

    #[test]
    fn all_lines_end_as_if_they_came_one_after_the_other() {
        // A multiplicative generator (Lehmer): the same lines in each run.
        let mut state = 7_u64;
        let mut below = move |end: u64| {
            state = state * 48_271 % 2_147_483_647;
            u8::try_from(state % end).unwrap()
        };
        for variety in [2, 9, 60, 250] {
            let mut line = || {
                let mut keys: Vec<u8> = (0..=below(4)).map(|_| below(variety)).collect();
                keys.sort_unstable();
                keys.dedup();
                keys
            };
            let mut lines: Vec<Vec<u8>> = (0..300).map(|_| line()).collect();
            // The whole file once more, as by a mistake.
            lines.extend(lines.clone());
            for bounds in [BOUNDS, bounds(0, 1), bounds(100, 7), bounds(2_000, 100)] {
                assert_eq!(
                    found(&lines, bounds),
                    wanted(&lines),
                    "{variety} {bounds:?}"
                );
            }
        }
    }
}
