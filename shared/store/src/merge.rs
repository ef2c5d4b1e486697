//! Several sorted partitions as one sorted list.

use std::collections::VecDeque;

use domain::{Epoch, User, UserId};
use futures_util::future::try_join_all;

use crate::item::{membership, user};
use crate::table::{Index, Item, Order, Range, Table};
use crate::{Cause, StoreError};

/// Partitions that are one list together. Each is sorted by its sort keys, and so is the list.
#[derive(Clone, Debug)]
pub(crate) struct Partitions {
    pub(crate) index: Option<Index>,
    pub(crate) keys: Vec<String>,
    /// How the sort keys of the list's entries start.
    pub(crate) start: String,
    /// What says whose entry an item is.
    pub(crate) owner: fn(&Item) -> Option<UserId>,
}

/// An entry of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its sort key.
    pub(crate) position: String,
    pub(crate) user_id: UserId,
    /// Which of several users with this id it is about, where it says so.
    pub(crate) born: Option<Epoch>,
}

impl Entry {
    /// Whether it is about this user, and not an earlier one with the same id.
    pub(crate) fn is_of(&self, user: &User) -> bool {
        self.born.is_none_or(|born| born == user.born())
    }
}

/// A list that is read as far as it is asked for: the next part of a partition when the one before is
/// used up.
#[derive(Debug)]
pub(crate) struct Merged<'a> {
    table: &'a Table,
    partitions: &'a Partitions,
    order: Order,
    merge: Merge,
}

impl<'a> Merged<'a> {
    /// How many more entries of a partition are read than it has on average, so that one query of each
    /// is enough for most pages.
    const SPARE: usize = 8;

    /// The entries after this sort key, or all of them.
    pub(crate) fn new(
        table: &'a Table,
        partitions: &'a Partitions,
        order: Order,
        after: Option<&str>,
    ) -> Self {
        Self {
            table,
            partitions,
            order,
            merge: Merge::new(partitions.keys.len(), order, after),
        }
    }

    /// The next entries: as many as are asked for, and fewer where the list ends.
    pub(crate) async fn take(&mut self, count: usize) -> Result<Vec<Entry>, StoreError> {
        let mut taken = Vec::new();
        while taken.len() < count {
            self.prepare(count - taken.len()).await?;
            match self.merge.pop() {
                Some(entry) => taken.push(entry),
                None => break,
            }
        }
        Ok(taken)
    }

    /// Whether there is a next entry.
    pub(crate) async fn has_more(&mut self) -> Result<bool, StoreError> {
        self.prepare(1).await?;
        Ok(self.merge.next().is_some())
    }

    /// Reads those partitions of which the next entry is not known, all at once.
    async fn prepare(&mut self, wanted: usize) -> Result<(), StoreError> {
        let limit = wanted.div_ceil(self.partitions.keys.len()) + Self::SPARE;
        loop {
            let unknown = self.merge.unknown();
            if unknown.is_empty() {
                return Ok(());
            }
            let ranges = unknown.iter().map(|number| {
                self.table.query_range(Range {
                    index: self.partitions.index,
                    partition: &self.partitions.keys[*number],
                    start: &self.partitions.start,
                    after: self.merge.streams[*number].after.as_deref(),
                    order: self.order,
                    limit,
                })
            });
            let read = try_join_all(ranges).await?;
            for (number, range) in unknown.into_iter().zip(read) {
                let entries = range.items.iter().map(|item| self.entry(item));
                let entries = entries.collect::<Result<_, _>>()?;
                self.merge.add(number, entries, range.is_whole);
            }
        }
    }

    fn entry(&self, item: &Item) -> Result<Entry, StoreError> {
        let [_, sort] = self.partitions.index.map_or(["PK", "SK"], Index::key);
        let position = item.get(sort).and_then(|position| position.as_s().ok());
        let user_id = (self.partitions.owner)(item);
        match (position, user_id) {
            (Some(position), Some(user_id)) => Ok(Entry {
                position: position.clone(),
                user_id,
                born: membership::born_of(item),
            }),
            _ => Err(Cause::Unreadable("list").unexpected()),
        }
    }
}

/// Whose partition an item is in.
pub(crate) fn user_of_key(item: &Item) -> Option<UserId> {
    user::owner_of(item.get("PK")?.as_s().ok()?)
}

/// Sorted streams of entries, merged. It reads nothing: it tells what must be read.
#[derive(Debug)]
struct Merge {
    streams: Vec<Stream>,
    order: Order,
}

#[derive(Clone, Debug)]
struct Stream {
    /// What was read and not taken yet.
    ready: VecDeque<Entry>,
    /// The last sort key that was read.
    after: Option<String>,
    /// All was read.
    is_whole: bool,
}

impl Merge {
    fn new(streams: usize, order: Order, after: Option<&str>) -> Self {
        let stream = Stream {
            ready: VecDeque::new(),
            after: after.map(str::to_owned),
            is_whole: false,
        };
        Self {
            streams: vec![stream; streams],
            order,
        }
    }

    /// The streams that must be read before the next entry is known.
    fn unknown(&self) -> Vec<usize> {
        let streams = self.streams.iter().enumerate();
        let unknown = streams.filter(|(_, stream)| stream.ready.is_empty() && !stream.is_whole);
        unknown.map(|(number, _)| number).collect()
    }

    /// Adds what was read of a stream.
    fn add(&mut self, number: usize, entries: Vec<Entry>, is_whole: bool) {
        let stream = &mut self.streams[number];
        if let Some(last) = entries.last() {
            stream.after = Some(last.position.clone());
        }
        stream.ready.extend(entries);
        stream.is_whole = is_whole;
    }

    /// The stream that has the next entry, once no stream is unknown.
    fn next(&self) -> Option<usize> {
        let streams = self.streams.iter().enumerate();
        let heads = streams.filter_map(|(number, stream)| Some((number, stream.ready.front()?)));
        let next = heads.min_by(|(_, one), (_, other)| {
            let order = one.position.cmp(&other.position);
            match self.order {
                Order::Up => order,
                Order::Down => order.reverse(),
            }
        });
        next.map(|(number, _)| number)
    }

    fn pop(&mut self) -> Option<Entry> {
        let number = self.next()?;
        self.streams[number].ready.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(position: &str) -> Entry {
        Entry {
            position: position.to_owned(),
            user_id: UserId::parse("a").unwrap(),
            born: None,
        }
    }

    fn entries(positions: &str) -> Vec<Entry> {
        positions.split_whitespace().map(entry).collect()
    }

    /// All entries, read by parts of this size.
    fn merged(streams: &[&str], order: Order, after: Option<&str>, part: usize) -> String {
        let mut merge = Merge::new(streams.len(), order, after);
        let mut taken = Vec::new();
        loop {
            while let Some(number) = merge.unknown().first().copied() {
                let after = merge.streams[number].after.clone();
                let is_after = |entry: &Entry| {
                    after.as_ref().is_none_or(|after| match order {
                        Order::Up => entry.position > *after,
                        Order::Down => entry.position < *after,
                    })
                };
                let mut rest = entries(streams[number]);
                if order == Order::Down {
                    rest.reverse();
                }
                rest.retain(is_after);
                let is_whole = rest.len() <= part;
                rest.truncate(part);
                merge.add(number, rest, is_whole);
            }
            match merge.pop() {
                Some(entry) => taken.push(entry.position),
                None => return taken.join(" "),
            }
        }
    }

    #[test]
    fn sorted_partitions_are_one_sorted_list_in_both_directions() {
        let streams = ["a d g", "", "b c h i", "e", "f"];
        for part in 1..5 {
            assert_eq!(merged(&streams, Order::Up, None, part), "a b c d e f g h i");
            assert_eq!(
                merged(&streams, Order::Down, None, part),
                "i h g f e d c b a"
            );
            assert_eq!(merged(&streams, Order::Up, Some("c"), part), "d e f g h i");
            assert_eq!(merged(&streams, Order::Down, Some("c"), part), "b a");
            assert_eq!(merged(&streams, Order::Up, Some("cc"), part), "d e f g h i");
        }
        assert_eq!(merged(&["", ""], Order::Up, None, 3), "");
    }

    #[test]
    fn no_entry_comes_before_each_partition_has_told_its_next_one() {
        let mut merge = Merge::new(2, Order::Up, None);
        merge.add(0, entries("b c"), true);
        assert_eq!(merge.unknown(), [1]);
        merge.add(1, entries("a"), false);
        assert_eq!(merge.unknown(), [] as [usize; 0]);
        assert_eq!(merge.pop(), Some(entry("a")));
        assert_eq!(merge.unknown(), [1]);
        merge.add(1, vec![], true);
        assert_eq!(merge.pop(), Some(entry("b")));
        assert_eq!(merge.pop(), Some(entry("c")));
        assert_eq!(merge.pop(), None);
    }
}
