//! The end of what hung on a deleted user.

use domain::Epoch;
use futures_util::future::try_join_all;

use super::effect::Deleted;
use super::{AT_ONCE, Applying};
use crate::StoreError;
use crate::item::membership::{self, Stored};
use crate::item::{device, log, notification, pending_email, session, undo_right, user};
use crate::table::{Condition, Table, key_of};

/// Deletes all items that hung on the user: a `GetItem`, a `Query` for each kind, and a `DeleteItem` for
/// each item; two for a membership.
///
/// Each deletion has the condition that the item is not newer than the deleted user: another user may
/// get the same id at any time. Where one is there already, only what is older than that one is deleted;
/// so the children of a user who was brought back as they were stay, too.
pub(super) async fn erase(
    table: &Table,
    deleted: &Deleted,
    applying: &Applying,
) -> Result<(), StoreError> {
    let deadline = applying.deadline;
    let present = table.get(user::key(&deleted.id)).await?;
    let before = present.as_ref().and_then(log::born).map(Epoch::as_u64);
    let until = |own: u64| before.map_or(own, |born| own.min(born.saturating_sub(1)));
    let epoch = until(deleted.session_epoch.as_u64());
    let generation = until(deleted.email_generation.as_u64());
    let at = until(u64::try_from(deleted.at.as_unix()).unwrap_or_default());
    let kinds = [
        (session::SORT_KEY_START, session::is_until(epoch)),
        (device::SORT_KEY_START, device::is_until(epoch)),
        (
            pending_email::SORT_KEY_START,
            pending_email::is_until(generation),
        ),
        (undo_right::SORT_KEY_START, undo_right::is_until(generation)),
        (
            notification::NOTIFICATION_SORT_KEY,
            notification::is_until(at),
        ),
    ];
    for (start, is_not_newer) in kinds {
        let partition = user::partition_key(&deleted.id);
        let read = |item| Ok(Some(key_of(&item)));
        let keys = table.query_each(partition, start, read).await?;
        for some in keys.chunks(AT_ONCE) {
            let deletions = some
                .iter()
                .map(|key| table.delete_if(key, &is_not_newer, deadline));
            try_join_all(deletions).await?;
        }
    }
    let is_not_newer = Condition::at_most(membership::BORN, until(deleted.born.as_u64()));
    let partition = user::partition_key(&deleted.id);
    let memberships = table.query(partition, membership::SORT_KEY_START).await?;
    for some in memberships.chunks(AT_ONCE) {
        let removals = some.iter().map(|item| async {
            let of_user = key_of(item);
            // The user's own goes last: by it a second delivery finds what is left.
            if let Ok(stored) = Stored::from_item(item.clone()) {
                let of_group = stored.group_key();
                table.delete_if(&of_group, &is_not_newer, deadline).await?;
            }
            table.delete_if(&of_user, &is_not_newer, deadline).await
        });
        try_join_all(removals).await?;
    }
    Ok(())
}
