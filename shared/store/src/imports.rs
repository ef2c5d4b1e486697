//! Imports: many new users at once, each in a transaction of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::import::ImportDigest;
use domain::{Identifier, Refusal, User, UserId};
use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt as _};
use tokio::time::{Instant, timeout_at};

use crate::item::user;
use crate::table::{Item, MAX_SIZE, Outcome, Table, size};
use crate::write::Write;
use crate::{Cause, StoreError, WriteError, edit, read};

/// Where many users are imported at once.
#[derive(Clone, Debug)]
pub struct Imports {
    table: Table,
}

/// A user to be imported.
#[derive(Debug)]
pub struct Import {
    /// The user, as the line has it.
    pub user: User,
    /// How the line writes.
    pub write: Write,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imported {
    /// Its user has been written.
    Created,
    /// It was imported before, and nothing has changed.
    Found,
}

impl Import {
    /// What the import puts into the table, each item on condition that none is there: the user first.
    pub fn items(&self) -> Result<Vec<Item>, StoreError> {
        let items = edit::creation(&self.user, &self.write)?.into_items();
        if items.iter().any(|item| size(item) > MAX_SIZE) {
            return Err(StoreError::TooLarge);
        }
        Ok(items)
    }

    /// What becomes of it. `present` is a user with the same id: what the line is recognised by that has
    /// made them, if one has. `taken` are those of its identifiers that others have.
    pub fn outcome(
        &self,
        present: Option<Option<&ImportDigest>>,
        taken: &[Identifier],
    ) -> Result<Imported, WriteError> {
        match present {
            Some(made_by) if made_by.is_some() && made_by == self.user.import_digest() => {
                Ok(Imported::Found)
            }
            Some(_) => Err(WriteError::IdTaken),
            None if taken.is_empty() => Ok(Imported::Created),
            None => Err(Refusal::taken(taken).into()),
        }
    }
}

/// Whether an import writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportMode {
    /// It does.
    Write,
    /// It only looks what would become of each line.
    DryRun,
}

/// A line's outcome; none for a line that was not tried, or not to its end, before the time was over.
type Tried = Option<Result<Imported, WriteError>>;

impl Imports {
    /// How many lines are under way at the same time.
    const AT_ONCE: usize = 8;
    /// How many identifiers of a line are looked up at the same time.
    const LOOKED_UP_AT_ONCE: usize = 10;
    /// The time that a line may need with a few conflicts. With less than that, no line is begun.
    const FOR_A_LINE: Duration = Duration::from_secs(1);

    /// Imports into this table.
    pub const fn new(table: Table) -> Self {
        Self { table }
    }

    /// Imports users, some at the same time, until `deadline`. The outcomes are in the users' order.
    ///
    /// A line that shares its id or an identifier with an earlier one waits for all others, so it is
    /// always the earlier one that gets it.
    pub async fn import(&self, all: &[Import], mode: ImportMode, deadline: Instant) -> Vec<Tried> {
        let (first, later) = in_turns(all);
        let mut outcomes: Vec<Tried> = all.iter().map(|_| None).collect();
        let mut tried = stream::iter(first)
            .map(async |n: usize| (n, self.within(deadline, &all[n], mode).await))
            .buffer_unordered(Self::AT_ONCE);
        while let Some((n, outcome)) = tried.next().await {
            outcomes[n] = outcome;
        }
        drop(tried);
        let mut created = Created::default();
        if mode == ImportMode::DryRun && !later.is_empty() {
            for (import, outcome) in all.iter().zip(&outcomes) {
                created.note(import, outcome);
            }
        }
        for n in later {
            let mut outcome = self.within(deadline, &all[n], mode).await;
            if mode == ImportMode::DryRun {
                outcome = created.instead_of(outcome, &all[n]);
                created.note(&all[n], &outcome);
            }
            outcomes[n] = outcome;
        }
        outcomes
    }

    async fn within(&self, deadline: Instant, import: &Import, mode: ImportMode) -> Tried {
        if Instant::now() + Self::FOR_A_LINE > deadline {
            return None;
        }
        let line = async {
            match mode {
                ImportMode::Write => self.write(import).await,
                ImportMode::DryRun => self.look(import).await,
            }
        };
        timeout_at(deadline, line).await.ok()
    }

    /// Writes a user with all reservations: one transaction. When the user is there, DynamoDB returns the
    /// item without an extra read, and the item shows whether the same line has made it.
    async fn write(&self, import: &Import) -> Result<Imported, WriteError> {
        let Import { user, write } = import;
        let transaction = edit::creation(user, write)?;
        match self.table.transact(&transaction, write.deadline).await? {
            Outcome::Written => Ok(Imported::Created),
            Outcome::Moved(present) => {
                let cause = Cause::Odd("a user is in the way who is not there");
                let present = user::from_item(present.ok_or(cause.unexpected())?)?;
                if present.has_seen(&write.operation) {
                    return Ok(Imported::Created);
                }
                import.outcome(Some(present.import_digest()), &[])
            }
            Outcome::Repeated => Err(WriteError::Gone),
            Outcome::Overtaken => Err(StoreError::Conflict.into()),
            Outcome::Taken(identifiers) => Err(Refusal::taken(&identifiers).into()),
            Outcome::Refused(refusal) => Err(refusal.into()),
        }
    }

    /// What would become of a user: a `GetItem`, and one for each identifier.
    async fn look(&self, import: &Import) -> Result<Imported, WriteError> {
        let user = &import.user;
        if let Some(present) = read::user(&self.table, user.id()).await? {
            return import.outcome(Some(present.import_digest()), &[]);
        }
        let identifiers: Vec<_> = user.identifiers().into_keys().collect();
        let mut taken = Vec::new();
        for some in identifiers.chunks(Self::LOOKED_UP_AT_ONCE) {
            let owners = some.iter().map(|one| read::owner(&self.table, Some(one)));
            let owners = try_join_all(owners).await?;
            let owned = some.iter().zip(owners);
            taken.extend(owned.filter_map(|(one, owner)| owner.map(|_| one.clone())));
        }
        import.outcome(None, &taken)
    }
}

/// The lines that share neither id nor identifier with an earlier one, and the others.
fn in_turns(all: &[Import]) -> (Vec<usize>, Vec<usize>) {
    let (mut ids, mut identifiers) = (BTreeSet::new(), BTreeSet::new());
    (0..all.len()).partition(|n| {
        let user = &all[*n].user;
        let mut is_first = ids.insert(user.id());
        for identifier in user.identifiers().into_keys() {
            is_first &= identifiers.insert(identifier);
        }
        is_first
    })
}

/// What a dry run would have created.
#[derive(Default)]
struct Created<'a> {
    users: BTreeMap<&'a UserId, Option<&'a ImportDigest>>,
    identifiers: BTreeSet<Identifier>,
}

impl<'a> Created<'a> {
    fn note(&mut self, import: &'a Import, outcome: &Tried) {
        if matches!(outcome, Some(Ok(Imported::Created))) {
            let user = &import.user;
            self.users.insert(user.id(), user.import_digest());
            self.identifiers.extend(user.identifiers().into_keys());
        }
    }

    /// The outcome of a line after these, where it would have been created without them.
    fn instead_of(&self, outcome: Tried, import: &Import) -> Tried {
        if !matches!(outcome, Some(Ok(Imported::Created))) {
            return outcome;
        }
        let user = &import.user;
        let mut taken: Vec<_> = user.identifiers().into_keys().collect();
        taken.retain(|one| self.identifiers.contains(one));
        let present = self.users.get(user.id());
        Some(import.outcome(present.copied(), &taken))
    }
}
