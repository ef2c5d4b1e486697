//! The items that count attempts to sign in: by identifier and IP address, by IP address alone, and
//! by device.

use std::collections::BTreeSet;

use domain::blocked_ip::CountedIdentifierAndIp;
use domain::sign_in::{Counter, IdentifierAndIp, Tally, Try};
use domain::{Identifier, Timestamp};

use crate::table::{self, Item, Partition, number_of, texts_of};
use crate::{Cause, StoreError};

/// The attempts that are under way or have failed.
pub(crate) const TRIES: &str = "tries";
/// Those that have failed.
pub(crate) const FAILED: &str = "failed";
/// Until when the counter is locked.
pub(crate) const BLOCK_UNTIL: &str = "block_until";
/// How many attempts there were.
pub(crate) const ATTEMPTS: &str = "sign_in_attempts_count";
/// When the last one was.
pub(crate) const LAST_ATTEMPT: &str = "last_sign_in_attempt";

/// How the sort keys start of what counts an identifier with an IP address.
pub(crate) const IP_ADDRESS_START: &str = "IP#";

/// The key of a counter's item.
pub(crate) fn key(counter: &Counter) -> Item {
    let sort = match counter {
        Counter::IdentifierAndIp(pair) => format!("{IP_ADDRESS_START}{}", pair.ip_address),
        Counter::IpAddress(_) => "ADDRESS".to_owned(),
        Counter::Device(_) => "DEVICE".to_owned(),
    };
    table::key(Partition::SignIn.key(counter.hash()), sort)
}

/// The partition with what counts attempts at this identifier.
pub(crate) fn partition_key(identifier: &Identifier) -> String {
    // The address is no part of the partition.
    Partition::SignIn.key(IdentifierAndIp::of_identifier(identifier, "").identifier_hash)
}

/// What was counted for this identifier and the IP address of an item of its partition.
pub(crate) fn counted_pair(
    identifier: &Identifier,
    item: &Item,
) -> Result<CountedIdentifierAndIp, StoreError> {
    let sort_key = item.get("SK").and_then(|sort| sort.as_s().ok());
    let ip_address = sort_key.and_then(|sort| sort.strip_prefix(IP_ADDRESS_START));
    let ip_address = ip_address.ok_or(Cause::Unreadable("sign-in attempts"))?;
    let tally = tally(item);
    // A counter that was begun anew by a failure counts that alone.
    let attempts = u64::try_from(number_of(item, ATTEMPTS).unwrap_or_default()).unwrap_or_default();
    let last_attempt = number_of(item, LAST_ATTEMPT).map(Timestamp::from_unix);
    let last_attempt = last_attempt.or_else(|| tally.last_failure());
    Ok(CountedIdentifierAndIp {
        pair: IdentifierAndIp {
            ip_address: ip_address.to_owned(),
            ..IdentifierAndIp::of_identifier(identifier, "")
        },
        attempts: attempts.max(tally.failed.len() as u64),
        last_attempt: last_attempt.unwrap_or(Timestamp::from_unix(0)),
        tally,
    })
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
