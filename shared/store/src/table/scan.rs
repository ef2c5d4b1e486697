//! All items of the table. No function scans: only maintenance does, by a person's credentials.

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;

use super::usage::{Direction, record};
use super::{Item, Table};
use crate::StoreError;

/// Some items of a scan.
#[derive(Debug)]
pub(crate) struct ScanPage {
    pub(crate) items: Vec<Item>,
    /// The key that the next page begins after; `None` at the segment's end.
    pub(crate) last: Option<Item>,
}

impl Table {
    /// The next items of one of `of` segments, up to a megabyte: one strongly consistent `Scan`.
    pub(crate) async fn scan(
        &self,
        [segment, of]: [u32; 2],
        after: Option<Item>,
    ) -> Result<ScanPage, StoreError> {
        let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        let output = self
            .client
            .scan()
            .table_name(&self.name)
            .segment(number(segment))
            .total_segments(number(of))
            .set_exclusive_start_key(after)
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Indexes)
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        record(Direction::Read, output.consumed_capacity());
        Ok(ScanPage {
            items: output.items.unwrap_or_default(),
            last: output.last_evaluated_key,
        })
    }
}
