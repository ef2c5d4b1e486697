//! New users in the groups that take in every one.

use domain::{GroupId, OperationId};

use super::effect::{Effect, by_the_log};
use super::{Applying, Count};
use crate::StoreError;
use crate::item::group;
use crate::item::log::{self, Move};
use crate::item::membership::Stored;
use crate::table::{Attempts, Condition, Outcome, Role, Table, Transaction};
use crate::write::{Precondition, Write};

/// The groups that take in every new user: one `GetItem`.
pub(super) async fn groups(table: &Table) -> Result<Vec<GroupId>, StoreError> {
    let item = table.get(group::auto_groups_key()).await?;
    Ok(item.as_ref().map(group::auto_groups).unwrap_or_default())
}

/// Writes down that a user was created, counts the user, and takes them into all groups that take in
/// every one: one transaction. A second delivery finds the event, and changes nothing: the user may have
/// been taken out of a group meanwhile. `known` are these groups, where they were read for other users.
pub(super) async fn take_in(
    table: &Table,
    effect: &Effect,
    mut known: Option<Vec<GroupId>>,
    applying: &Applying,
) -> Result<(), StoreError> {
    let (Some(once), Some(count), Some(user)) = (&effect.once, effect.count, &effect.new_user)
    else {
        return Ok(());
    };
    let write = Write {
        by: by_the_log(),
        operation: OperationId::of(&[]),
        is_named: false,
        precondition: Precondition::None,
        now: applying.now,
        deadline: applying.deadline,
    };
    let mut attempts = Attempts::until(applying.deadline);
    loop {
        let groups = match known.take() {
            Some(known) => known,
            None => groups(table).await?,
        };
        let has_groups = !groups.is_empty();
        let mut transaction = Transaction::default();
        transaction.put_if_absent(Role::Operation, once.clone());
        Count::count(&count, &mut transaction, Some(once));
        if has_groups {
            let mut names = vec!["groups".to_owned()];
            names.extend(groups.iter().map(ToString::to_string));
            let mut update = log::update(user.id(), Move::Beside(names), &write)?;
            log::require_same(&mut update, user);
            transaction.update(Role::User, update);
        }
        for id in groups {
            let stored = Stored::new(user, id, applying.now);
            transaction.check(Role::Related, group::key(id), Condition::exists());
            transaction.put(Role::Related, stored.of_user()?);
            transaction.put(Role::Related, stored.of_group()?);
        }
        match table.transact(&transaction, applying.deadline).await {
            // The user is gone, or has no room for the name of one more change: the groups do without.
            Ok(Outcome::Moved(_)) => known = Some(Vec::new()),
            Err(StoreError::TooLarge) if has_groups => known = Some(Vec::new()),
            // A group is gone: the next round reads which are left.
            Ok(Outcome::Overtaken) => {}
            Ok(_) => return Ok(()),
            Err(error) => return Err(error),
        }
        if !attempts.again_after(&StoreError::Conflict).await {
            return Err(StoreError::Conflict);
        }
    }
}
