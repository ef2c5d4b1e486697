//! The items that count attempts to sign in: by identifier and IP address, by IP address alone, and
//! by device.

use std::collections::BTreeSet;

use domain::Timestamp;
use domain::sign_in::{Counter, Tally, Try};

use crate::table::{self, Item, Partition, number_of, texts_of};

/// The attempts that are under way or have failed.
pub(crate) const TRIES: &str = "tries";
/// Those that have failed.
pub(crate) const FAILED: &str = "failed";
/// Until when the counter is locked.
pub(crate) const BLOCK_UNTIL: &str = "block_until";

/// The key of a counter's item.
pub(crate) fn key(counter: &Counter) -> Item {
    let sort = match counter {
        Counter::IdentifierAndIp(pair) => format!("IP#{}", pair.ip_address),
        Counter::IpAddress(_) => "ADDRESS".to_owned(),
        Counter::Device(_) => "DEVICE".to_owned(),
    };
    table::key(Partition::SignIn.key(counter.hash()), sort)
}

/// What a counter's item holds.
pub(crate) fn tally(item: &Item) -> Tally {
    let set =
        |name| -> BTreeSet<Try> { texts_of(item, name).into_iter().map(Try::stored).collect() };
    Tally {
        tries: set(TRIES),
        failed: set(FAILED),
        block_until: number_of(item, BLOCK_UNTIL).map(Timestamp::from_unix),
    }
}
