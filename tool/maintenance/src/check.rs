//! `check`: what does not belong together in the table, and its mending.

use std::collections::HashSet;
use std::pin::pin;
use std::time::Duration;

use clap::Args;
use futures_util::future::try_join_all;
use futures_util::stream::{self, FuturesUnordered, StreamExt as _, TryStreamExt as _};
use indicatif::HumanCount;
use roster_http::Clock;
use store::{Checks, Counted, Fault, Key, Mended, Place, Scan, StoreError};
use tokio::signal::ctrl_c;
use tokio::time::{Instant, sleep};
use transfer::{Ended, Progress};

use crate::patience::patiently;
use crate::{MaintenanceError, SEGMENTS, TableTarget};

/// How many items are looked at, or mended, at the same time.
const AT_ONCE: usize = 8;
/// With more suspects than this, something is wrong with the whole table. Those that are known by then
/// are told.
const MAX_SUSPECTS: usize = 100_000;
/// How long one mending may take.
const FOR_A_MENDING: Duration = Duration::from_secs(10);

/// Check that what belongs together in the table is there together: users and their reservations, both
/// halves of memberships, what hangs on users and groups.
///
/// An orphan is named when two strongly consistent looks, a minute apart, both show it. Others may write
/// meanwhile. The whole table is read, and what must be beside each item.
///
/// The exit code is 1 when something is wrong after all.
#[derive(Args, Debug)]
pub struct CheckArguments {
    #[command(flatten)]
    target: TableTarget,
    /// Mend what is found, each on condition that nothing of it has changed. What only a person can decide
    /// stays.
    #[arg(long)]
    mend: bool,
    /// Say that nobody writes to the table, and that the stream's consumers are done: then the numbers of
    /// users are checked, too, and mended.
    #[arg(long)]
    no_writers: bool,
    /// Seconds between the two looks.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    apart: u64,
}

/// Checks a table, and mends it where the arguments say so.
///
/// # Errors
///
/// The table can't be read or written.
pub async fn check(arguments: CheckArguments) -> Result<Ended, MaintenanceError> {
    let CheckArguments {
        target,
        mend,
        no_writers,
        apart,
    } = arguments;
    let table = target.open().await?;
    let check = Check {
        scan: Scan::new(table.clone(), SEGMENTS),
        checks: Checks::new(table),
        apart: Duration::from_secs(apart),
        mends: mend,
        counts: no_writers,
    };
    let run = pin!(check.run());
    tokio::select! {
        ended = run => ended.map_err(|error| target.fault(error)),
        _ = ctrl_c() => Ok(Ended::Interrupted),
    }
}

/// The keys of what was found, each once.
fn keys(found: &[Found]) -> Vec<Key> {
    let mut keys: Vec<_> = found.iter().map(|(key, _)| key.clone()).collect();
    keys.dedup();
    keys
}

struct Check {
    scan: Scan,
    checks: Checks,
    apart: Duration,
    mends: bool,
    counts: bool,
}

/// What is wrong, and with which item.
type Found = (Key, Fault);

/// What a pass over the whole table has seen.
#[derive(Default)]
struct Pass {
    counted: Counted,
    suspects: Vec<Key>,
    items: u64,
    /// It ended early, because it had too many suspects.
    is_cut: bool,
}

impl Check {
    async fn run(&self) -> Result<Ended, StoreError> {
        let Pass {
            counted,
            suspects,
            items,
            is_cut,
        } = self.pass().await?;
        let once = self.look(suspects).await?;
        let mut twice = Vec::new();
        if !once.is_empty() {
            sleep(self.apart).await;
            twice = self.look(keys(&once)).await?;
            let once: HashSet<Found> = once.into_iter().collect();
            twice.retain(|found| once.contains(found));
        }
        let needs_stream = twice.iter().all(|(_, fault)| fault.needs_stream());
        let wrong = twice.len();
        let (orphans, rest): (Vec<_>, Vec<_>) =
            twice.into_iter().partition(|(_, fault)| fault.is_orphan());
        let mut left = self.treat_all(&orphans).await?;
        // What an orphan held may be free by now for who should have it.
        let rest = if self.mends && !orphans.is_empty() {
            self.look(keys(&rest)).await?
        } else {
            rest
        };
        left += self.treat_all(&rest).await?;
        let (items, users) = (HumanCount(items), HumanCount(counted.users()));
        println!("{items} items, {users} users: {wrong} wrong, {left} left");
        if is_cut {
            println!("the table was not read to its end: check it again when these are mended");
        } else if self.counts && needs_stream {
            left += self.count(&counted).await?;
        } else if self.counts {
            println!("the numbers of users are checked once nothing else is wrong: check again");
        }
        Ok(if left == 0 && !is_cut {
            Ended::Whole
        } else {
            Ended::WithRefusals
        })
    }

    /// Reads the whole table once.
    async fn pass(&self) -> Result<Pass, StoreError> {
        let mut pass = Pass::default();
        let mut progress = Progress::new(None);
        let read = async |place: Place| {
            patiently(async || {
                self.checks
                    .page(&self.scan, &place, Clock::System.now())
                    .await
            })
            .await
        };
        let mut pages: FuturesUnordered<_> = self.scan.places().into_iter().map(read).collect();
        while let Some(page) = pages.next().await {
            let page = page?;
            pages.extend(page.next.map(read));
            pass.counted.add(page.counted);
            pass.items += page.items;
            pass.suspects.extend(page.suspects);
            if pass.suspects.len() > MAX_SUSPECTS {
                pass.is_cut = true;
                break;
            }
            progress.is_at(pass.items, pass.counted.users());
        }
        Ok(pass)
    }

    /// Looks at each of these once.
    async fn look(&self, keys: Vec<Key>) -> Result<Vec<Found>, StoreError> {
        let looks = stream::iter(keys).map(async |key| {
            let now = Clock::System.now();
            let faults = patiently(async || self.checks.look(&key, now).await).await?;
            let found = faults.into_iter().map(|fault| (key.clone(), fault));
            Ok::<_, StoreError>(found.collect::<Vec<_>>())
        });
        let found: Vec<Vec<Found>> = looks.buffered(AT_ONCE).try_collect().await?;
        Ok(found.concat())
    }

    /// Treats all of these. Returns how many are left.
    async fn treat_all(&self, found: &[Found]) -> Result<usize, StoreError> {
        let mut left = 0;
        for some in found.chunks(AT_ONCE) {
            let treated = some.iter().map(|(key, fault)| self.treat(key, fault));
            let treated = try_join_all(treated).await?;
            left += treated.into_iter().filter(|is_mended| !is_mended).count();
        }
        Ok(left)
    }

    /// Tells of a fault, and mends it where that is wanted. Returns whether it is mended.
    async fn treat(&self, key: &Key, fault: &Fault) -> Result<bool, StoreError> {
        if !self.mends {
            println!("{fault}");
            return Ok(false);
        }
        let mended = patiently(async || {
            let deadline = Instant::now() + FOR_A_MENDING;
            let now = Clock::System.now();
            self.checks.mend(key, fault, now, deadline).await
        });
        let mended = mended.await?;
        let words = match mended {
            Mended::Done => "mended",
            Mended::Gone => "no longer so",
            Mended::Moved => "not mended: it has changed meanwhile",
            Mended::NeedsPerson => "not mended: a person must decide",
        };
        println!("{fault}: {words}");
        Ok(matches!(mended, Mended::Done | Mended::Gone))
    }

    /// Checks the numbers of users against a second pass, and mends them where that is wanted. Returns how
    /// many stay wrong.
    async fn count(&self, once: &Counted) -> Result<usize, StoreError> {
        let wrong = once.miscounts();
        if wrong.is_empty() {
            return Ok(0);
        }
        sleep(self.apart).await;
        if self.pass().await?.counted != *once {
            println!("the numbers of users were not checked: others have written meanwhile");
            return Ok(wrong.len());
        }
        let mut left = 0;
        for miscount in &wrong {
            if !self.mends {
                println!("{miscount}");
                left += 1;
                continue;
            }
            let recounted = patiently(async || {
                let deadline = Instant::now() + FOR_A_MENDING;
                self.checks.recount(miscount, deadline).await
            });
            let is_mended = recounted.await?;
            left += usize::from(!is_mended);
            let words = if is_mended {
                "mended"
            } else {
                "not mended: it has changed meanwhile"
            };
            println!("{miscount}: {words}");
        }
        Ok(left)
    }
}
