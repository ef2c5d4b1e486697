//! Applies what follows from changes: the log's events, the numbers of users, new users in the groups
//! that take in every one, and the end of what hung on a deleted user or group.

use consumer::{BatchConsumed, Change, Consumer, Fault, Handler, Record, SortKey, Wait, Worker};
use roster_http::{Action, Partition};
use store::{Applying, GROUP_DELETION_SORT_KEY, ItemChange, MEMBER_SORT_KEY, USER_SORT_KEY};
use tokio::time::Instant;

/// The records that it waits for, and what it may do.
///
/// Events and counters, which it writes for nearly every change, don't come back to it. What comes back
/// has something to follow: a membership that it writes or deletes is counted, that a new user was taken
/// into groups is told by an event, and each step of the end of a group starts the next one.
pub static CONSUMER: Consumer = Consumer {
    name: "apply_changes",
    waits_for: &[
        Wait {
            changes: Change::ALL,
            sort_key: SortKey::Is(USER_SORT_KEY),
        },
        Wait {
            changes: &[Change::Insert, Change::Remove],
            sort_key: SortKey::StartsWith(MEMBER_SORT_KEY),
        },
        Wait {
            changes: &[Change::Insert, Change::Modify],
            sort_key: SortKey::Is(GROUP_DELETION_SORT_KEY),
        },
    ],
    actions: &[
        Action::ConditionCheckItem,
        Action::DeleteItem,
        Action::GetItem,
        Action::PutItem,
        Action::Query,
        Action::UpdateItem,
    ],
    partitions: &[
        Partition::AutoGroups,
        Partition::Counted,
        Partition::Counter,
        Partition::Group,
        Partition::User,
    ],
    needs: &[],
    batch_size: 100,
    dead_letters: None,
    handler: Handler::Batch(|worker, records, deadline| Box::pin(apply(worker, records, deadline))),
};

async fn apply(worker: &Worker, records: Vec<Record>, deadline: Instant) -> BatchConsumed {
    let app = &worker.app;
    let changes: Vec<_> = records.into_iter().map(change).collect();
    let applying = Applying {
        kept_for: app.account.events_kept_for.0,
        now: app.clock.now(),
        deadline,
    };
    let applied = app.changes.apply(&changes, &applying).await;
    BatchConsumed {
        done: applied.done,
        fault: applied
            .fault
            .map(|fault| Fault(store::with_sources(&fault))),
    }
}

fn change(record: Record) -> ItemChange {
    ItemChange {
        id: record.id,
        partition: record.partition,
        sort: record.sort,
        old: record.old,
        new: record.new,
        at: record.at,
    }
}
