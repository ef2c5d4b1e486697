//! The results, as Markdown, and what is over its bound.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::SORTED;
use crate::compare::Pair;
use crate::crowd::Crowd;
use crate::function::{MEMORY_MB, Sorted};
use crate::import::Import;
use crate::row::Row;
use crate::site::Site;
use crate::store::Store;

/// How many times as long a row may take in the large directory.
const MAX_GROWTH: f64 = 1.5;
/// How long a sorted list may take.
const MAX_SORT: Duration = Duration::from_secs(5);
/// How many times as much memory the tool may hold for the largest import as for one of a tenth.
const MAX_MEMORY_GROWTH: f64 = 1.1;
const KIB_OF_A_MIB: f64 = 1024.0;

/// What was measured.
#[derive(Default)]
pub(crate) struct Report {
    /// What is over its bound, each in words.
    pub(crate) excesses: Vec<String>,
    lines: Vec<String>,
    imports: Vec<Imported>,
}

/// Users who were imported into a store of this name.
struct Imported {
    store: String,
    crowd: Crowd,
    import: Import,
}

impl Report {
    /// An import, and so what the directory was filled by.
    pub(crate) fn import(&mut self, store: &Store, site: &Site) {
        self.imports.push(Imported {
            store: store.to_string(),
            crowd: site.crowd,
            import: site.import,
        });
    }

    /// How long a list took in an order of its own.
    pub(crate) fn sorted(&mut self, crowd: Crowd, sorted: &[Sorted]) {
        let (first, later) = sorted.split_first().expect("there is a round");
        let times: Vec<_> = later.iter().map(|one| one.took.as_secs_f64()).collect();
        let peak = sorted.iter().map(|one| one.peak_kib).max().unwrap_or(0);
        let (users, first) = (crowd.users(), first.took.as_secs_f64());
        let Spread {
            least,
            median,
            most,
        } = Spread::of(times);
        let mib = f64::from(peak) / KIB_OF_A_MIB;
        self.lines.push(format!(
            "`sort=given_name` over {users}: {first:.2} s at first, then {median:.2} s \
             ({least:.2}–{most:.2}), at most {mib:.0} MiB.\n"
        ));
        for one in sorted {
            if one.took > MAX_SORT {
                let took = one.took.as_secs_f64();
                self.excesses
                    .push(format!("a sorted list took {took:.2} s"));
            }
        }
        if mib > f64::from(MEMORY_MB) {
            self.excesses
                .push(format!("a sorted list took {mib:.0} MiB"));
        }
    }

    /// How both directories did.
    pub(crate) fn compared(
        &mut self,
        store: &Store,
        small: &Site,
        large: &Site,
        pairs: &BTreeMap<Row, Vec<Pair>>,
    ) {
        let [few, many] = [small, large].map(|site| site.crowd.users());
        self.lines.push(format!(
            "| {store} | {few} users, ms | {many} users, ms | growth |\n|---|--:|--:|--:|"
        ));
        for (row, pairs) in pairs {
            let growth = Spread::of(pairs.iter().map(Pair::growth));
            let small = Spread::of(pairs.iter().map(|pair| millis(pair.small))).median;
            let large = Spread::of(pairs.iter().map(|pair| millis(pair.large))).median;
            let Spread {
                least,
                median,
                most,
            } = growth;
            self.lines.push(format!(
                "| {row} | {small:.2} | {large:.2} | **{median:.2}** ({least:.2}–{most:.2}) |"
            ));
            if median > MAX_GROWTH {
                let excess = format!("{store}: {row} takes {median:.2} times as long");
                self.excesses.push(excess);
            }
        }
        self.lines.push(String::new());
    }

    /// Prints all of it.
    pub(crate) fn print(&mut self) {
        for line in &self.lines {
            println!("{line}");
        }
        println!("| import into | users | users a second | peak memory, MiB |\n|---|--:|--:|--:|");
        for imported in &self.imports {
            let users = imported.crowd.users();
            let rate = f64::from(users) / imported.import.took.as_secs_f64();
            let mib = f64::from(imported.import.peak_kib) / KIB_OF_A_MIB;
            println!("| {} | {users} | {rate:.0} | {mib:.1} |", imported.store);
        }
        self.look_at_memory();
    }

    /// The memory of a large import must be that of one of a tenth.
    fn look_at_memory(&mut self) {
        // A smaller import ends before it has as many requests under way as it would have later.
        let large = self.imports.iter().filter(|one| one.crowd > SORTED);
        for Imported {
            store,
            crowd,
            import,
        } in large
        {
            let users = crowd.users();
            let tenth = self.imports.iter().find(|other| {
                let is_tenth = other.crowd.users() == users / 10;
                is_tenth && other.store == *store
            });
            let Some(tenth) = tenth else { continue };
            let growth = f64::from(import.peak_kib) / f64::from(tenth.import.peak_kib);
            if growth > MAX_MEMORY_GROWTH {
                let excess = format!("an import of {users} takes {growth:.2} times the memory");
                self.excesses.push(excess);
            }
        }
    }
}

/// The least, the median and the largest of some numbers.
struct Spread {
    least: f64,
    median: f64,
    most: f64,
}

impl Spread {
    fn of(numbers: impl IntoIterator<Item = f64>) -> Self {
        let mut numbers: Vec<_> = numbers.into_iter().collect();
        numbers.sort_by(f64::total_cmp);
        Self {
            least: numbers[0],
            median: numbers[numbers.len() / 2],
            most: numbers[numbers.len() - 1],
        }
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
