//! What a call used of the table, by `ConsumedCapacity`.

use std::cell::RefCell;

use aws_sdk_dynamodb::types::ConsumedCapacity;

/// Capacity units. Those of the base table and of the indexes are counted apart.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Capacity {
    /// Read capacity units.
    pub read: f64,
    /// Write capacity units of the base table.
    pub write: f64,
    /// Write capacity units of the global secondary indexes.
    pub index_write: f64,
}

/// Requests and what they cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// Requests, each counted once however often the SDK sent it.
    pub requests: u32,
    /// What they cost.
    pub capacity: Capacity,
}

tokio::task_local! {
    static METER: RefCell<Usage>;
}

/// Runs `work` and returns what it used of the table with its result.
pub async fn metered<T>(work: impl Future<Output = T>) -> (T, Usage) {
    METER
        .scope(RefCell::default(), async {
            let value = work.await;
            (value, METER.with(|meter| *meter.borrow()))
        })
        .await
}

/// Whether a request reads or writes: `ConsumedCapacity` alone does not say.
#[derive(Clone, Copy)]
pub(super) enum Direction {
    Read,
    Write,
}

/// Counts one request. Outside of [`metered`] it has no effect.
pub(super) fn record<'a>(
    direction: Direction,
    consumed: impl IntoIterator<Item = &'a ConsumedCapacity>,
) {
    let _ = METER.try_with(|meter| {
        let mut usage = meter.borrow_mut();
        usage.requests += 1;
        for consumed in consumed {
            let table = consumed
                .table()
                .and_then(aws_sdk_dynamodb::types::Capacity::capacity_units)
                .or(consumed.capacity_units())
                .unwrap_or_default();
            let indexes: f64 = consumed
                .global_secondary_indexes()
                .into_iter()
                .flat_map(|indexes| indexes.values())
                .filter_map(aws_sdk_dynamodb::types::Capacity::capacity_units)
                .sum();
            match direction {
                Direction::Read => usage.capacity.read += table + indexes,
                Direction::Write => {
                    usage.capacity.write += table;
                    usage.capacity.index_write += indexes;
                }
            }
        }
    });
}
