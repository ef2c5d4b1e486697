//! Whether what belongs together in the table is there together, and how to mend what is not.
//!
//! Transactions keep items together, and the stream's consumer deletes what hangs on what is gone. A
//! restore, a change by hand or a stream that was off for a day can part them. Only maintenance looks for
//! that.

mod count;
mod fault;
mod judge;

use domain::Timestamp;
use tokio::time::Instant;

pub use count::{Counted, Miscount};
pub use fault::{Fault, Key};

use self::judge::{BESIDE, Beside, Case, Finding};
use crate::StoreError;
use crate::scan::{Place, Scan};
use crate::table::{Consistency, Item, Outcome, Table, key, key_texts};

/// Looks for what does not belong together, and mends it.
#[derive(Clone, Debug)]
pub struct Checks {
    table: Table,
}

/// What was found of some items of the table.
#[derive(Debug)]
pub struct CheckedPage {
    /// Items with which something may be wrong. They were read one after the other while others write,
    /// so each has to be looked at by itself.
    pub suspects: Vec<Key>,
    /// What was counted.
    pub counted: Counted,
    /// How many items were read.
    pub items: u64,
    /// From where to go on; `None` at the segment's end.
    pub next: Option<Place>,
}

/// What became of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mended {
    /// It is mended.
    Done,
    /// It isn't there any more: nothing was written.
    Gone,
    /// The items have changed while it was being mended: nothing was written.
    Moved,
    /// Only a person can decide what is right: nothing was written.
    NeedsPerson,
}

impl Checks {
    /// How often an item is read anew that others write meanwhile.
    const ATTEMPTS: u32 = 5;

    /// Checks of this table.
    pub const fn new(table: Table) -> Self {
        Self { table }
    }

    /// The next items of a segment: one `Scan` of a megabyte, and a `BatchGetItem` for each hundred
    /// items that must be beside them; all strongly consistent.
    pub async fn page(
        &self,
        scan: &Scan,
        place: &Place,
        now: Timestamp,
    ) -> Result<CheckedPage, StoreError> {
        let (items, next) = scan.items(place).await?;
        let cases: Vec<Case> = items.iter().map(Case::of).collect();
        let mut counted = Counted::default();
        let mut keys = Vec::new();
        for (case, item) in cases.iter().zip(&items) {
            counted.count(item);
            keys.extend(case.beside()?);
        }
        let beside = self.beside(keys).await?;
        let mut suspects = Vec::new();
        for (case, item) in cases.iter().zip(&items) {
            if !case.judge(item, &beside, now)?.is_empty() {
                let [partition, sort] = key_texts(item);
                suspects.push(Key { partition, sort });
            }
        }
        Ok(CheckedPage {
            suspects,
            counted,
            items: items.len() as u64,
            next,
        })
    }

    /// What is wrong with an item: it was so in one moment, whatever others write meanwhile.
    pub async fn look(&self, at: &Key, now: Timestamp) -> Result<Vec<Fault>, StoreError> {
        let found = self.findings(at, now).await?;
        Ok(found.into_iter().map(|finding| finding.fault).collect())
    }

    /// Mends a fault of an item, if it is there still: one transaction, under the condition that the
    /// owner and all that decides is as it was seen.
    pub async fn mend(
        &self,
        at: &Key,
        fault: &Fault,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<Mended, StoreError> {
        let found = self.findings(at, now).await?;
        let Some(finding) = found.into_iter().find(|found| found.fault == *fault) else {
            return Ok(Mended::Gone);
        };
        let Some(repair) = finding.repair else {
            return Ok(Mended::NeedsPerson);
        };
        Ok(match self.table.transact(&repair, deadline).await? {
            Outcome::Written => Mended::Done,
            _ => Mended::Moved,
        })
    }

    /// Reads the item, then what must be beside it, then the item again. Where it is the same, all of it
    /// was there at the moment of the second read; so what is wrong was wrong then. An item that others
    /// write all the time is left for another look.
    async fn findings(&self, at: &Key, now: Timestamp) -> Result<Vec<Finding>, StoreError> {
        let own = key(at.partition.clone(), at.sort.clone());
        let mut before = self.table.get(own.clone()).await?;
        for _ in 0..Self::ATTEMPTS {
            let Some(item) = before else {
                break;
            };
            let case = Case::of(&item);
            let beside = self.beside(case.beside()?).await?;
            let after = self.table.get(own.clone()).await?;
            if after.as_ref() == Some(&item) {
                return case.judge(&item, &beside, now);
            }
            before = after;
        }
        Ok(Vec::new())
    }

    async fn beside(&self, keys: Vec<Item>) -> Result<Beside, StoreError> {
        let mut keys: Vec<Item> = keys;
        keys.sort_by_cached_key(key_texts);
        keys.dedup();
        let read = |item: Item| Ok(item);
        let found = self
            .table
            .get_many(&keys, &BESIDE, Consistency::Strong, read);
        Ok(Beside::new(found.await?.into_iter().flatten()))
    }
}
