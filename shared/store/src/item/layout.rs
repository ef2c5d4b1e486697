//! How users and reservations are spread over the partitions of the indexes.

/// The layout that this code writes; the partition keys of all indexes start with it.
///
/// Another number of shards, or another hash, is another version. Items keep the version that they were
/// written with, and a list asks the partitions of every version in use.
const VERSION: u32 = 1;
/// Over how many partitions one list is spread. A partition takes 1,000 writes a second, and a page of
/// a list costs one query for each partition.
const SHARDS: u32 = 8;

/// The partition of what is named `of`, in the list of its `group`: `1#5` without a group,
/// `1#example.com#5` with one.
pub(super) fn partition(group: &[&str], of: &str) -> String {
    let mut partition = format!("{VERSION}#");
    for name in group {
        partition.push_str(name);
        partition.push('#');
    }
    partition + &shard(of).to_string()
}

/// Uses a stable hash (FNV-1a), because stored items must be found again.
fn shard(of: &str) -> u32 {
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
