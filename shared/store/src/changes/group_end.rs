//! The end of what is left of a deleted group, in bounded steps.

use domain::GroupId;
use futures_util::future::try_join_all;

use super::{AT_ONCE, Applying};
use crate::StoreError;
use crate::item::group;
use crate::item::membership::{self, Stored};
use crate::table::{Attempts, Condition, Order, Range, Table, Updated, key_of};

/// How many memberships one step removes.
const STEP: usize = 500;

/// Removes some memberships of a deleted group, and writes down that this step is done: the stream then
/// starts the next one. The last step removes the counters and the order itself.
///
/// A step that is delivered again after the next one has begun does nothing.
pub(super) async fn take_apart(
    table: &Table,
    id: GroupId,
    step: u64,
    applying: &Applying,
) -> Result<(), StoreError> {
    let order = group::deletion_key(id);
    let present = table.get(order.clone()).await?;
    if present.as_ref().and_then(group::deletion_step) != Some(step) {
        return Ok(());
    }
    let mut left = STEP;
    for partition in membership::group_partitions(id) {
        let some = Range {
            index: None,
            partition: &partition,
            start: membership::MEMBER_START,
            after: None,
            order: Order::Up,
            limit: left,
        };
        let items = table.query_up_to(some).await?;
        left -= items.len();
        for some in items.chunks(AT_ONCE) {
            let removals = some.iter().map(|item| remove(table, item, applying));
            try_join_all(removals).await?;
        }
        if left == 0 {
            let next = group::next_step(id, step);
            let attempts = Attempts::until(applying.deadline);
            let _: Updated<()> = table.update_unseen(&next, attempts).await?;
            return Ok(());
        }
    }
    let counters = table
        .query(group::partition_key(id), group::COUNTER_START)
        .await?;
    for counter in counters {
        table.delete(key_of(&counter)).await?;
    }
    table.delete(order).await
}

/// Removes both items of a membership. The group's own goes last: by it a step finds what is left.
async fn remove(
    table: &Table,
    of_group: &crate::table::Item,
    applying: &Applying,
) -> Result<(), StoreError> {
    if let Ok(stored) = Stored::from_item(of_group.clone()) {
        let of_user = key_of(&stored.of_user()?);
        let exists = Condition::exists();
        table
            .delete_if(&of_user, &exists, applying.deadline)
            .await?;
    }
    table.delete(key_of(of_group)).await
}
