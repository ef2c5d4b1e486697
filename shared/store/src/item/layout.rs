//! How users and reservations are spread over the partitions of the indexes.

use std::fmt::Display;

use domain::Timestamp;

/// The layout that this code writes; the partition keys of all indexes start with it.
///
/// Another number of shards, or another hash, is another version. Items keep the version that they were
/// written with, and a list asks the partitions of every version in use.
const VERSION: u32 = 1;
/// Over how many partitions one list is spread. A partition takes 1,000 writes a second, and a page of
/// a list costs one query for each partition.
const SHARDS: u32 = 8;

/// The versions that items in the table may have, each with the number of its shards.
const IN_USE: [(u32, u32); 1] = [(VERSION, SHARDS)];

/// The partitions of the list of a `group`, in all layouts that are in use.
pub(crate) fn partitions(group: &[&str]) -> Vec<String> {
    let shards = IN_USE.into_iter().flat_map(|(version, shards)| {
        let start = start(version, group);
        (0..shards).map(move |shard| format!("{start}{shard}"))
    });
    shards.collect()
}

/// The partition of what is named `of`, in the list of its `group`: `1#5` without a group,
/// `1#example.com#5` with one.
pub(super) fn partition(group: &[&str], of: &str) -> String {
    start(VERSION, group) + &shard(of).to_string()
}

/// All that [`shard`] may be.
pub(super) fn all_shards() -> std::ops::Range<u32> {
    0..SHARDS
}

/// A partition's key without the shard.
fn start(version: u32, group: &[&str]) -> String {
    let mut start = format!("{version}#");
    for name in group {
        start.push_str(name);
        start.push('#');
    }
    start
}

/// Where something created at this time lies in `by_creation`: in the order of creation, and of ids
/// where that is the same.
pub(super) fn list_sort(creation_time: Timestamp, id: impl Display) -> String {
    format!("{:012}#{id}", creation_time.as_unix())
}

/// Uses a stable hash (FNV-1a), because stored items must be found again.
pub(super) fn shard(of: &str) -> u32 {
    let hash = of.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    hash % SHARDS
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_partition_never_moves() {
        assert_eq!(partition(&[], "UOtBaOybB6dTpIJNrnkRw"), "1#7");
        assert_eq!(partition(&["EMAIL", "a"], "ada@example.com"), "1#EMAIL#a#2");
        assert_eq!(partition(&[], ""), "1#5");
    }

    #[test]
    fn a_list_has_the_partitions_of_all_that_may_be_in_it() {
        for group in [&[] as &[_], &["EMAIL", "a"]] {
            let all = partitions(group);
            assert_eq!(all.len(), 8);
            for n in 0..64 {
                assert!(all.contains(&partition(group, &format!("user{n}"))));
            }
        }
    }

    #[test]
    fn names_that_are_alike_spread_evenly() {
        let lists: [fn(u32) -> String; 3] = [
            |n| format!("user{n}"),
            |n| format!("employee{n:04}@company.example"),
            |n| format!("+49151{:07}", n * 8),
        ];
        for name in lists {
            let mut sizes = BTreeMap::new();
            for n in 0..1000 {
                *sizes.entry(partition(&[], &name(n))).or_insert(0) += 1;
            }
            let partitions: Vec<_> = sizes.keys().map(String::as_str).collect();
            let all = ["1#0", "1#1", "1#2", "1#3", "1#4", "1#5", "1#6", "1#7"];
            assert_eq!(partitions, all);
            let is_even = sizes.values().all(|size| (100..=150).contains(size));
            assert!(is_even, "{}: {sizes:?}", name(0));
        }
    }
}
