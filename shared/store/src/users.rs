//! Users in the table: read, created, changed, deleted, each with its reservations.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    CancellationReason, Delete, KeysAndAttributes, Put, ReturnConsumedCapacity, ReturnValue,
    ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update as UpdatePart,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use domain::rule::Decision;
use domain::{
    Account, Identifier, IdentifierId, OperationId, Refusal, Rule, Timestamp, User, UserId, Version,
};
use tokio::time::Instant;

use crate::attempt::{Attempts, client_request_token};
use crate::error::{StoreError, WriteError};
use crate::expression::{Placeholders, Update};
use crate::rule::RuleExpressions;
use crate::usage::{Direction, record};
use crate::{Item, operation, reservation, rule, user};

/// Which versions of the user a write may replace: `If-Match` (RFC 9110, section 13.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    /// Any.
    #[default]
    None,
    /// One of these; none of them when the caller's tags can't be ours.
    Versions(Vec<Version>),
}

impl Precondition {
    fn allows(&self, version: Version) -> bool {
        match self {
            Self::None => true,
            Self::Versions(versions) => versions.contains(&version),
        }
    }

    /// The condition on the item, if there is one.
    pub(crate) fn condition(&self, p: &mut Placeholders) -> Option<String> {
        match self {
            Self::None => None,
            // No version is negative: never true, and still told apart from a missing user.
            Self::Versions(versions) if versions.is_empty() => {
                Some(format!("{} = {}", p.path(&["version"]), p.number(-1)))
            }
            Self::Versions(versions) => {
                let values: Vec<String> = versions.iter().map(|v| p.number(v)).collect();
                Some(format!(
                    "{} IN ({})",
                    p.path(&["version"]),
                    values.join(", ")
                ))
            }
        }
    }
}

/// How a write is carried out: by which operation, when, and until when it may be tried.
#[derive(Clone, Debug)]
pub struct Write {
    /// Names the attempt and its repeats.
    pub operation: OperationId,
    /// The client named the operation with an `Idempotency-Key` and may repeat it later.
    pub is_named: bool,
    /// Which versions it may replace.
    pub precondition: Precondition,
    /// The time that it writes.
    pub now: Timestamp,
    /// When to give up.
    pub deadline: Instant,
}

impl Write {
    /// What tells a later repeat that the operation happened, when the user is gone.
    fn record(&self) -> Option<Item> {
        self.is_named
            .then(|| operation::item(&self.operation, self.now))
    }
}

/// The users of the directory.
#[derive(Clone, Debug)]
pub struct Users {
    client: Client,
    pub(crate) table: String,
}

/// How a transaction on a user ended, short of an error.
pub(crate) enum Outcome {
    Written,
    /// The user was there in another state, or not at all.
    Moved(Option<Box<User>>),
    /// Others have these identifiers; nothing else was in the way.
    Taken(Vec<Identifier>),
    /// The operation happened before.
    Repeated,
    /// Something else that it rests on is gone.
    Overtaken,
}

/// What an edit reads.
#[derive(Clone, Copy)]
enum Reads {
    /// The user's own item.
    User,
    /// What hangs on the user, too.
    Account,
}

impl Users {
    /// The users in `table`.
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// One strongly consistent `GetItem`.
    pub async fn get(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        self.get_item(user::key(id))
            .await?
            .map(user::from_item)
            .transpose()
    }

    /// Connects to the table by a `GetItem` that finds nothing. Whether it succeeds is the first
    /// request's to tell.
    pub async fn connect_by_get(&self) {
        let _ = self.get_item(nobody()).await;
    }

    /// Connects to the table by an `UpdateItem` of nothing, on condition that it is there.
    pub async fn connect_by_update(&self) {
        let _ = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(nobody()))
            .condition_expression("attribute_exists(PK)")
            .send()
            .await;
    }

    /// Connects to the table by a `PutItem` of nothing, on condition that it is there.
    pub async fn connect_by_put(&self) {
        let _ = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(nobody()))
            .condition_expression("attribute_exists(PK)")
            .send()
            .await;
    }

    pub(crate) async fn get_item(&self, key: Item) -> Result<Option<Item>, StoreError> {
        let output = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Indexes)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk(&error))?;
        record(Direction::Read, output.consumed_capacity());
        Ok(output.item)
    }

    /// Two items at once, in this order: one strongly consistent `BatchGetItem`. Of `attributes`,
    /// the keys' own among them, or of all where none is named.
    pub(crate) async fn get_both(
        &self,
        keys: [Item; 2],
        attributes: &[&str],
    ) -> Result<[Option<Item>; 2], StoreError> {
        let items = self.get_each(keys.to_vec(), attributes).await?;
        let mut items = items.into_iter();
        let mut next = || items.next().flatten();
        Ok([next(), next()])
    }

    /// The items of these keys, in their order: one strongly consistent `BatchGetItem`, of
    /// `attributes` as `get_both`. Keys may come twice, which the table would refuse.
    pub(crate) async fn get_each(
        &self,
        keys: Vec<Item>,
        attributes: &[&str],
    ) -> Result<Vec<Option<Item>>, StoreError> {
        let mut p = Placeholders::default();
        let projection: Vec<_> = attributes.iter().map(|name| p.path(&[name])).collect();
        let projection = (!projection.is_empty()).then(|| projection.join(", "));
        let request = |keys: Vec<Item>| {
            KeysAndAttributes::builder()
                .set_keys(Some(keys))
                .set_projection_expression(projection.clone())
                .set_expression_attribute_names(p.names())
                .consistent_read(true)
                .build()
                .map_err(StoreError::unexpected)
        };
        let mut attempts = Attempts::soon();
        let (mut found, mut missing) = (Vec::<Item>::new(), Vec::new());
        for key in &keys {
            if !missing.contains(key) {
                missing.push(key.clone());
            }
        }
        loop {
            let output = self
                .client
                .batch_get_item()
                .request_items(&self.table, request(missing)?)
                .return_consumed_capacity(ReturnConsumedCapacity::Indexes)
                .send()
                .await
                .map_err(|error| StoreError::from_sdk(&error))?;
            record(Direction::Read, output.consumed_capacity());
            let mut responses = output.responses.unwrap_or_default();
            found.extend(responses.remove(&self.table).unwrap_or_default());
            let mut unprocessed = output.unprocessed_keys.unwrap_or_default();
            missing = match unprocessed.remove(&self.table) {
                Some(left) if !left.keys.is_empty() => left.keys,
                _ => break,
            };
            let busy = StoreError::Busy("a read was not processed".to_owned());
            if !attempts.again_after(&busy).await {
                return Err(busy);
            }
        }
        let of_key = |key: &Item| {
            let is_it = |item: &&Item| {
                key.iter()
                    .all(|(name, value)| item.get(name) == Some(value))
            };
            found.iter().find(is_it).cloned()
        };
        Ok(keys.iter().map(of_key).collect())
    }

    /// The items of a partition whose sort keys have this start: strongly consistent.
    pub(crate) async fn query_from(
        &self,
        partition: String,
        sort_key_start: &str,
    ) -> Result<Vec<Item>, StoreError> {
        let mut p = Placeholders::default();
        let condition = format!(
            "{} = {} AND begins_with({}, {})",
            p.path(&["PK"]),
            p.text(partition),
            p.path(&["SK"]),
            p.text(sort_key_start),
        );
        let (mut items, mut start) = (Vec::new(), None);
        loop {
            let output = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression(&condition)
                .set_expression_attribute_names(p.names())
                .set_expression_attribute_values(p.values())
                .set_exclusive_start_key(start)
                .consistent_read(true)
                .return_consumed_capacity(ReturnConsumedCapacity::Indexes)
                .send()
                .await
                .map_err(|error| StoreError::from_sdk(&error))?;
            record(Direction::Read, output.consumed_capacity());
            items.extend(output.items.unwrap_or_default());
            start = output.last_evaluated_key;
            if start.is_none() {
                return Ok(items);
            }
        }
    }

    /// Deletes an item; that it isn't there makes no difference.
    pub(crate) async fn delete_item(&self, key: Item) -> Result<(), StoreError> {
        let output = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(key))
            .return_consumed_capacity(ReturnConsumedCapacity::Indexes)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk(&error))?;
        record(Direction::Write, output.consumed_capacity());
        Ok(())
    }

    /// One conditional `UpdateItem`: the item after it, or, when the condition fails, the item
    /// that is there.
    pub(crate) async fn update_if(
        &self,
        key: Item,
        condition: &str,
        update: &Update,
        p: &Placeholders,
        attempts: Attempts,
    ) -> Result<Result<Item, Option<Item>>, StoreError> {
        let returned = ReturnValue::AllNew;
        let sent = self.send_update(key, condition, update, p, attempts, returned);
        match sent.await? {
            Ok(Some(item)) => Ok(Ok(item)),
            Ok(None) => Err(StoreError::unexpected("an update answered no attributes")),
            Err(present) => Ok(Err(present)),
        }
    }

    /// As `update_if`, where nobody looks at the item after it: its size doesn't show.
    pub(crate) async fn update_unseen(
        &self,
        key: Item,
        condition: &str,
        update: &Update,
        p: &Placeholders,
        attempts: Attempts,
    ) -> Result<Result<(), Option<Item>>, StoreError> {
        let returned = ReturnValue::None;
        let sent = self.send_update(key, condition, update, p, attempts, returned);
        Ok(sent.await?.map(|_| ()))
    }

    async fn send_update(
        &self,
        key: Item,
        condition: &str,
        update: &Update,
        p: &Placeholders,
        mut attempts: Attempts,
        returned: ReturnValue,
    ) -> Result<Result<Option<Item>, Option<Item>>, StoreError> {
        loop {
            let sent = self
                .client
                .update_item()
                .table_name(&self.table)
                .set_key(Some(key.clone()))
                .condition_expression(condition)
                .update_expression(update.expression())
                .set_expression_attribute_names(p.names())
                .set_expression_attribute_values(p.values())
                .return_values(returned.clone())
                .return_values_on_condition_check_failure(
                    ReturnValuesOnConditionCheckFailure::AllOld,
                )
                .return_consumed_capacity(ReturnConsumedCapacity::Indexes)
                .send()
                .await;
            let error = match sent {
                Ok(output) => {
                    record(Direction::Write, output.consumed_capacity());
                    return Ok(Ok(output.attributes));
                }
                Err(error) => error,
            };
            record(Direction::Write, None);
            if let Some(UpdateItemError::ConditionalCheckFailedException(failed)) =
                error.as_service_error()
            {
                return Ok(Err(failed.item.clone()));
            }
            let error = StoreError::from_sdk(&error);
            if !attempts.again_after(&error).await {
                return Err(error);
            }
        }
    }

    /// Writes a new user with all reservations: one transaction, all or nothing.
    ///
    /// The user's id follows from the operation, so a repeat finds the user that the first
    /// attempt wrote, and answers it in its present state.
    pub async fn create(&self, new: User, write: &Write) -> Result<User, WriteError> {
        let user_part = self.put_if_absent(user::item(&new)?)?;
        let claims: Vec<_> = new.identifiers().into_iter().collect();
        let record = write.record();
        match self
            .transact(user_part, new.id(), &claims, &[], record, vec![], write)
            .await?
        {
            Outcome::Written => Ok(new),
            Outcome::Moved(Some(own)) if *own.id() == UserId::created_by(&write.operation) => {
                Ok(*own)
            }
            Outcome::Moved(_) => Err(StoreError::unexpected("another user has the id").into()),
            Outcome::Repeated => Err(WriteError::Gone),
            Outcome::Overtaken => Err(StoreError::Conflict.into()),
            Outcome::Taken(identifiers) => Err(duplicates(&identifiers).into()),
        }
    }

    /// Carries out a rule: one conditional `UpdateItem`, no read.
    ///
    /// When the condition fails, the item that comes back for free tells why: no such user, a
    /// repeat of this operation, another version, the rule's own error, or "already so", which is
    /// written down where the operation is named.
    pub async fn change(
        &self,
        id: &UserId,
        rule: &Rule,
        write: &Write,
    ) -> Result<User, WriteError> {
        let RuleExpressions {
            placeholders,
            condition,
            update,
        } = rule::expressions(rule, &write.precondition, &write.operation, write.now);
        let mut attempts = Attempts::until(write.deadline);
        loop {
            let present = match self
                .update_if(
                    user::key(id),
                    &condition,
                    &update,
                    &placeholders,
                    Attempts::until(write.deadline),
                )
                .await?
            {
                Ok(item) => return Ok(user::from_item(item)?),
                Err(None) => return Err(WriteError::NotFound),
                Err(Some(item)) => unmet(user::from_item(item)?, rule, write)?,
            };
            if let Some(user) = self.remember(present, write).await? {
                return Ok(user);
            }
            if !attempts.again_after(&StoreError::Conflict).await {
                return Err(StoreError::Conflict.into());
            }
        }
    }

    /// Writes down that a named operation found nothing to change, so that its repeat changes
    /// nothing either, whatever comes between: one `UpdateItem` that moves neither version nor
    /// times. `None` when the user isn't any more as it was judged.
    async fn remember(&self, judged: User, write: &Write) -> Result<Option<User>, StoreError> {
        if !write.is_named || judged.has_seen(&write.operation) {
            return Ok(Some(judged));
        }
        let mut p = Placeholders::default();
        let mut update = Update::default();
        let operations = p.path(&[user::OPERATIONS]);
        let id = p.text(write.operation.as_str());
        user::push_operation(&operations, &id, &mut update);
        let condition = format!(
            "{} = {} AND NOT contains({operations}, {id})",
            p.path(&["version"]),
            p.number(judged.version()),
        );
        let (key, attempts) = (user::key(judged.id()), Attempts::until(write.deadline));
        match self
            .update_if(key, &condition, &update, &p, attempts)
            .await?
        {
            Ok(item) => user::from_item(item).map(Some),
            Err(None) => Ok(None),
            Err(Some(item)) => {
                let present = user::from_item(item)?;
                let is_repeat = present.has_seen(&write.operation);
                Ok(is_repeat.then_some(present))
            }
        }
    }

    /// Refuses an identifier that another user has by now. It is no reservation: somebody may take
    /// it in the next moment.
    pub async fn refuse_taken(
        &self,
        identifier: Identifier,
        by_others_than: &UserId,
    ) -> Result<(), WriteError> {
        match self.owner(Some(&identifier)).await? {
            Some(owner) if owner != *by_others_than => Err(duplicates(&[identifier]).into()),
            _ => Ok(()),
        }
    }

    /// Reads the user, applies a domain function, and writes the difference under the version
    /// that was read, with the reservations that it gains or loses: one transaction.
    ///
    /// A function that changes nothing writes nothing, unless the operation is to be remembered.
    pub async fn edit(
        &self,
        id: &UserId,
        write: &Write,
        edit: impl Fn(&mut User) -> Result<(), Refusal>,
    ) -> Result<User, WriteError> {
        self.edit_what(Reads::User, id, None, write, |account| {
            edit(&mut account.user)
        })
        .await
        .map(|account| account.user)
    }

    /// As [`Users::edit`], with what hangs on the user.
    pub async fn edit_account(
        &self,
        id: &UserId,
        write: &Write,
        edit: impl Fn(&mut Account) -> Result<(), Refusal>,
    ) -> Result<Account, WriteError> {
        self.edit_what(Reads::Account, id, None, write, edit).await
    }

    /// As [`Users::edit_account`], for an account that was read by now.
    pub async fn edit_read_account(
        &self,
        read: Account,
        write: &Write,
        edit: impl Fn(&mut Account) -> Result<(), Refusal>,
    ) -> Result<Account, WriteError> {
        let id = read.user.id().clone();
        self.edit_what(Reads::Account, &id, Some(read), write, edit)
            .await
    }

    async fn edit_what(
        &self,
        reads: Reads,
        id: &UserId,
        mut read: Option<Account>,
        write: &Write,
        edit: impl Fn(&mut Account) -> Result<(), Refusal>,
    ) -> Result<Account, WriteError> {
        let mut attempts = Attempts::until(write.deadline);
        loop {
            let before = match (read.take(), reads) {
                (Some(read), _) => Some(read),
                (None, Reads::User) => self.get(id).await?.map(Account::of),
                (None, Reads::Account) => self.account(id).await?,
            };
            let before = before.ok_or(WriteError::NotFound)?;
            if before.user.has_seen(&write.operation) {
                return Ok(before);
            }
            if !write.precondition.allows(before.user.version()) {
                return Err(WriteError::PreconditionFailed);
            }
            let mut after = before.clone();
            edit(&mut after)?;
            if after == before {
                match self.remember(before.user, write).await? {
                    Some(user) => return Ok(Account { user, ..after }),
                    None if attempts.again_after(&StoreError::Conflict).await => continue,
                    None => return Err(StoreError::Conflict.into()),
                }
            }
            if after.user == before.user {
                after.user.stamp_aside(write.operation.clone());
            } else {
                after.user.stamp(write.operation.clone(), write.now);
            }

            let user_part = self.update_part(&before.user, &after.user, &write.operation)?;
            let companions = self.companions(&before, &after)?;
            let (old, new) = (before.user.identifiers(), after.user.identifiers());
            let claims: Vec<_> = new
                .iter()
                .filter(|(i, _)| !old.contains_key(i))
                .map(|(i, id)| (i.clone(), *id))
                .collect();
            let releases: Vec<_> = old.into_keys().filter(|i| !new.contains_key(i)).collect();
            match self
                .transact(user_part, id, &claims, &releases, None, companions, write)
                .await?
            {
                Outcome::Written => return Ok(after),
                Outcome::Moved(None) => return Err(WriteError::NotFound),
                Outcome::Moved(Some(now)) if now.has_seen(&write.operation) => {
                    return Ok(Account {
                        user: *now,
                        ..after
                    });
                }
                Outcome::Moved(Some(_)) | Outcome::Overtaken
                    if attempts.again_after(&StoreError::Conflict).await => {}
                Outcome::Moved(Some(_)) | Outcome::Overtaken | Outcome::Repeated => {
                    return Err(StoreError::Conflict.into());
                }
                Outcome::Taken(identifiers) => return Err(duplicates(&identifiers).into()),
            }
        }
    }

    /// Deletes the user and every reservation: one transaction. What else belongs to the user
    /// goes by the stream; no reader trusts it without its user.
    pub async fn delete(&self, id: &UserId, write: &Write) -> Result<(), WriteError> {
        let mut attempts = Attempts::until(write.deadline);
        loop {
            let Some(before) = self.get(id).await? else {
                return self.unless_repeated(write, WriteError::NotFound).await;
            };
            if !write.precondition.allows(before.version()) {
                return self
                    .unless_repeated(write, WriteError::PreconditionFailed)
                    .await;
            }
            let mut p = Placeholders::default();
            let unmoved = format!("{} = {}", p.path(&["version"]), p.number(before.version()));
            let delete = Delete::builder()
                .table_name(&self.table)
                .set_key(Some(user::key(id)))
                .condition_expression(unmoved)
                .set_expression_attribute_names(p.names())
                .set_expression_attribute_values(p.values())
                .return_values_on_condition_check_failure(
                    ReturnValuesOnConditionCheckFailure::AllOld,
                )
                .build()
                .map_err(StoreError::unexpected)?;
            let user_part = TransactWriteItem::builder().delete(delete).build();
            let releases: Vec<_> = before.identifiers().into_keys().collect();
            let record = write.record();
            match self
                .transact(user_part, id, &[], &releases, record, vec![], write)
                .await?
            {
                // A user who came back under the same id since is not this operation's to delete.
                Outcome::Written | Outcome::Repeated => return Ok(()),
                // Moved or gone: the next look tells by whom.
                _ if attempts.again_after(&StoreError::Conflict).await => {}
                _ => return Err(StoreError::Conflict.into()),
            }
        }
    }

    /// Why a deletion is refused, unless it is the repeat of one that happened.
    async fn unless_repeated(&self, write: &Write, refused: WriteError) -> Result<(), WriteError> {
        let key = operation::key(&write.operation);
        if write.is_named && self.get_item(key).await?.is_some() {
            return Ok(());
        }
        Err(refused)
    }

    fn update_part(
        &self,
        before: &User,
        after: &User,
        operation: &OperationId,
    ) -> Result<TransactWriteItem, StoreError> {
        let (mut set, removed) = user::difference(before, after)?;
        // Pushed, not set: what changed nothing may have been written down under this version.
        set.remove(user::OPERATIONS);
        let mut p = Placeholders::default();
        let unmoved = format!("{} = {}", p.path(&["version"]), p.number(before.version()));
        let mut update = Update::default();
        for (name, value) in set {
            update.set(&p.path(&[&name]), &p.value(value));
        }
        for name in removed {
            update.remove(p.path(&[&name]));
        }
        let (operations, id) = (p.path(&[user::OPERATIONS]), p.text(operation.as_str()));
        user::push_operation(&operations, &id, &mut update);
        self.user_update(after.id(), &unmoved, &update, &p)
    }

    /// The user's part of a transaction: a conditional update that brings the present user back
    /// when the condition fails.
    pub(crate) fn user_update(
        &self,
        id: &UserId,
        condition: &str,
        update: &Update,
        p: &Placeholders,
    ) -> Result<TransactWriteItem, StoreError> {
        let part = UpdatePart::builder()
            .table_name(&self.table)
            .set_key(Some(user::key(id)))
            .condition_expression(condition)
            .update_expression(update.expression())
            .set_expression_attribute_names(p.names())
            .set_expression_attribute_values(p.values())
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(StoreError::unexpected)?;
        Ok(TransactWriteItem::builder().update(part).build())
    }

    /// Sends the user's part, a claim for each gained identifier, a release for each lost one and
    /// what else goes with them, as one transaction; repeats it, unchanged and with the same token,
    /// while other transactions are in its way.
    #[expect(clippy::too_many_arguments, reason = "each is a kind of part")]
    pub(crate) async fn transact(
        &self,
        user_part: TransactWriteItem,
        owner: &UserId,
        claims: &[(Identifier, IdentifierId)],
        releases: &[Identifier],
        operation: Option<Item>,
        companions: Vec<TransactWriteItem>,
        write: &Write,
    ) -> Result<Outcome, StoreError> {
        let mut parts = vec![user_part];
        for (identifier, id) in claims {
            parts.push(self.put_if_absent(reservation::item(identifier, *id, owner)?)?);
        }
        for identifier in releases {
            parts.push(self.release(identifier, owner)?);
        }
        let mut operation_part = None;
        if let Some(item) = operation {
            operation_part = Some(parts.len());
            parts.push(self.put_if_absent(item)?);
        }
        let first_companion = parts.len();
        parts.extend(companions);
        let token = client_request_token();
        let mut attempts = Attempts::until(write.deadline);
        loop {
            let sent = self
                .client
                .transact_write_items()
                .set_transact_items(Some(parts.clone()))
                .client_request_token(&token)
                .return_consumed_capacity(ReturnConsumedCapacity::Indexes)
                .send()
                .await;
            let error = match sent {
                Ok(output) => {
                    record(Direction::Write, output.consumed_capacity());
                    return Ok(Outcome::Written);
                }
                Err(error) => error,
            };
            record(Direction::Write, None);
            match cancelled(&error, claims, operation_part, first_companion) {
                Ok(outcome) => return Ok(outcome),
                Err(error) if attempts.again_after(&error).await => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The part of a transaction that writes an item whatever was there.
    pub(crate) fn put(&self, item: Item) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .build()
            .map_err(StoreError::unexpected)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    fn put_if_absent(&self, item: Item) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(PK)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(StoreError::unexpected)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    fn release(
        &self,
        identifier: &Identifier,
        owner: &UserId,
    ) -> Result<TransactWriteItem, StoreError> {
        let mut p = Placeholders::default();
        let own = format!("{} = {}", p.path(&["owner"]), p.text(owner));
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(reservation::key(identifier)))
            .condition_expression(own)
            .set_expression_attribute_names(p.names())
            .set_expression_attribute_values(p.values())
            .build()
            .map_err(StoreError::unexpected)?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }
}

/// A key that no item ever has.
pub(crate) fn nobody() -> Item {
    operation::key(&OperationId::stored("none".to_owned()))
}

/// Why a rule's condition was false of `present`.
fn unmet(present: User, rule: &Rule, write: &Write) -> Result<User, WriteError> {
    if present.has_seen(&write.operation) {
        return Ok(present);
    }
    if !write.precondition.allows(present.version()) {
        return Err(WriteError::PreconditionFailed);
    }
    match rule.decide(&present)? {
        Decision::AlreadyDone => Ok(present),
        Decision::Apply => {
            Err(StoreError::unexpected("a rule's condition was false where it holds").into())
        }
    }
}

/// Why a transaction was cancelled.
fn cancelled(
    error: &SdkError<TransactWriteItemsError, HttpResponse>,
    claims: &[(Identifier, IdentifierId)],
    operation_part: Option<usize>,
    first_companion: usize,
) -> Result<Outcome, StoreError> {
    let reasons = match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(e)) => e.cancellation_reasons(),
        _ => return Err(StoreError::from_sdk(error)),
    };
    let failed = |reason: &CancellationReason| reason.code() == Some("ConditionalCheckFailed");
    if let Some(reason) = reasons.first().filter(|reason| failed(reason)) {
        let present = reason.item.clone().map(user::from_item).transpose()?;
        return Ok(Outcome::Moved(present.map(Box::new)));
    }
    // Before the claims: while another transaction is under way, it may be this very operation's,
    // and the claims its own.
    let fault = reasons.iter().find_map(|reason| {
        let code = reason.code().unwrap_or_default();
        StoreError::from_code(code, reason.message().unwrap_or_default())
    });
    if let Some(fault) = fault {
        return Err(fault);
    }
    if operation_part
        .and_then(|part| reasons.get(part))
        .is_some_and(failed)
    {
        return Ok(Outcome::Repeated);
    }
    let taken: Vec<Identifier> = claims
        .iter()
        .zip(reasons.iter().skip(1))
        .filter(|(_, reason)| failed(reason))
        .map(|((identifier, _), _)| identifier.clone())
        .collect();
    if !taken.is_empty() {
        return Ok(Outcome::Taken(taken));
    }
    if reasons.iter().skip(first_companion).any(failed) {
        return Ok(Outcome::Overtaken);
    }
    // Codes only: a reason also holds the item.
    let codes: Vec<_> = reasons
        .iter()
        .filter_map(CancellationReason::code)
        .collect();
    Err(StoreError::unexpected(format!(
        "a transaction was cancelled: {codes:?}"
    )))
}

fn duplicates(taken: &[Identifier]) -> Refusal {
    Refusal::Rules(
        taken
            .iter()
            .map(|identifier| identifier.kind.duplicate())
            .collect(),
    )
}
