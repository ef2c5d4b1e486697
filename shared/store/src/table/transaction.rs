//! Several writes that happen together, or not at all.

use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    CancellationReason, ConditionCheck, Delete, Put, ReturnConsumedCapacity,
    ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update as UpdatePart,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use domain::{Identifier, Refusal};
use tokio::time::Instant;

use super::attempts::client_request_token;
use super::expression::Placeholders;
use super::item::Item;
use super::usage::{Direction, record};
use super::{Attempts, Condition, Table, Update};
use crate::{Cause, StoreError};

/// The purpose of a part of a transaction. By the roles of the parts that failed, the reason is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The user that the transaction is about.
    User,
    /// The group that the transaction is about.
    Group,
    /// Makes an identifier the user's own.
    Reserve(Identifier),
    /// Releases an identifier, so that others may reserve it.
    Release(Identifier),
    /// Holds a rule of the directory, which is broken where its condition does not hold.
    Rule(Refusal),
    /// Writes down that the operation happened.
    Operation,
    /// Another item that belongs to the change.
    Related,
}

impl Role {
    /// Whether the transaction is about this item.
    const fn is_subject(&self) -> bool {
        matches!(self, Self::User | Self::Group)
    }
}

/// How a transaction ended, unless it was an error.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// All of it happened.
    Written,
    /// The user or group was in another state, which is this one, or was not there.
    Moved(Option<Item>),
    /// The operation happened before.
    Repeated,
    /// Others have these identifiers, and no other condition failed.
    Taken(Vec<Identifier>),
    /// A rule is broken, and no other condition failed before it.
    Refused(Refusal),
    /// Another item that the transaction needs is gone.
    Overtaken,
}

/// Parts, in the order in which they are sent.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    parts: Vec<(Role, Write)>,
}

#[derive(Clone, Debug)]
enum Write {
    Put(Item, Option<Condition>),
    Update(Update),
    Delete(Item, Option<Condition>),
    Check(Item, Condition),
}

impl Transaction {
    /// Writes an item, and replaces one that is there.
    pub(crate) fn put(&mut self, role: Role, item: Item) {
        self.parts.push((role, Write::Put(item, None)));
    }

    /// Writes an item on condition that none is there.
    pub(crate) fn put_if_absent(&mut self, role: Role, item: Item) {
        let absent = Some(Condition::absent());
        self.parts.push((role, Write::Put(item, absent)));
    }

    /// Writes an item on this condition.
    pub(crate) fn put_if(&mut self, role: Role, item: Item, condition: Condition) {
        self.parts.push((role, Write::Put(item, Some(condition))));
    }

    /// Changes an item.
    pub(crate) fn update(&mut self, role: Role, update: Update) {
        self.parts.push((role, Write::Update(update)));
    }

    /// Deletes an item. It is no error if the item isn't there.
    pub(crate) fn delete(&mut self, role: Role, key: Item) {
        self.parts.push((role, Write::Delete(key, None)));
    }

    /// Deletes an item on this condition.
    pub(crate) fn delete_if(&mut self, role: Role, key: Item, condition: Condition) {
        self.parts.push((role, Write::Delete(key, Some(condition))));
    }

    /// The items that it puts, in their order.
    pub(crate) fn into_items(self) -> Vec<Item> {
        let parts = self.parts.into_iter();
        let items = parts.filter_map(|(_, write)| match write {
            Write::Put(item, _) => Some(item),
            Write::Update(_) | Write::Delete(..) | Write::Check(..) => None,
        });
        items.collect()
    }

    /// The update of the user or group, when it is all that is to be written.
    pub(crate) fn only_update(&self) -> Option<&Update> {
        match self.parts.as_slice() {
            [(role, Write::Update(update))] if role.is_subject() => Some(update),
            _ => None,
        }
    }

    /// Asks that this holds of an item, which stays as it is.
    pub(crate) fn check(&mut self, role: Role, key: Item, condition: Condition) {
        self.parts.push((role, Write::Check(key, condition)));
    }

    /// What is sent to the table of this name.
    fn requests(&self, table: &str) -> Result<Vec<TransactWriteItem>, Cause> {
        let requests = self.parts.iter();
        let requests = requests.map(|(role, write)| write.request(role, table));
        Ok(requests.collect::<Result<_, BuildError>>()?)
    }

    /// Why a transaction was cancelled, by the roles of the parts that failed.
    fn cancelled(&self, reasons: &[CancellationReason]) -> Result<Outcome, StoreError> {
        let failed = || {
            let parts = self.parts.iter().map(|(role, _)| role).zip(reasons);
            parts.filter(|(_, reason)| reason.code() == Some("ConditionalCheckFailed"))
        };
        if let Some((_, reason)) = failed().find(|(role, _)| role.is_subject()) {
            return Ok(Outcome::Moved(reason.item.clone()));
        }
        // This comes before the reservations. The other transaction under way may be an attempt of the
        // same operation, and the reservations may be its own.
        let fault = reasons.iter().find_map(|reason| {
            let code = reason.code().unwrap_or_default();
            StoreError::from_code(code, reason.message().unwrap_or_default())
        });
        if let Some(fault) = fault {
            return Err(fault);
        }
        if failed().any(|(role, _)| *role == Role::Operation) {
            return Ok(Outcome::Repeated);
        }
        let taken: Vec<_> = failed()
            .filter_map(|(role, _)| match role {
                Role::Reserve(identifier) => Some(identifier.clone()),
                _ => None,
            })
            .collect();
        if !taken.is_empty() {
            return Ok(Outcome::Taken(taken));
        }
        let broken = failed().find_map(|(role, _)| match role {
            Role::Rule(refusal) => Some(refusal.clone()),
            _ => None,
        });
        if let Some(refusal) = broken {
            return Ok(Outcome::Refused(refusal));
        }
        if failed().any(|(role, _)| *role == Role::Related) {
            return Ok(Outcome::Overtaken);
        }
        // Only the codes: a reason also holds the item.
        let codes = reasons.iter().filter_map(CancellationReason::code);
        Err(Cause::Cancelled(codes.map(str::to_owned).collect()).unexpected())
    }
}

impl Write {
    fn request(&self, role: &Role, table: &str) -> Result<TransactWriteItem, BuildError> {
        // No other part's former state is looked at.
        let old = role
            .is_subject()
            .then_some(ReturnValuesOnConditionCheckFailure::AllOld);
        let request = TransactWriteItem::builder();
        let request = match self {
            Self::Put(item, condition) => {
                let (text, p) = split(condition.as_ref());
                let put = Put::builder()
                    .table_name(table)
                    .set_item(Some(item.clone()))
                    .set_condition_expression(text)
                    .set_expression_attribute_names(p.and_then(Placeholders::names))
                    .set_expression_attribute_values(p.and_then(Placeholders::values))
                    .set_return_values_on_condition_check_failure(old)
                    .build()?;
                request.put(put)
            }
            Self::Update(update) => {
                let part = UpdatePart::builder()
                    .table_name(table)
                    .set_key(Some(update.key.clone()))
                    .set_condition_expression(update.condition())
                    .update_expression(update.expression())
                    .set_expression_attribute_names(update.placeholders.names())
                    .set_expression_attribute_values(update.placeholders.values())
                    .set_return_values_on_condition_check_failure(old)
                    .build()?;
                request.update(part)
            }
            Self::Delete(key, condition) => {
                let (text, p) = split(condition.as_ref());
                let delete = Delete::builder()
                    .table_name(table)
                    .set_key(Some(key.clone()))
                    .set_condition_expression(text)
                    .set_expression_attribute_names(p.and_then(Placeholders::names))
                    .set_expression_attribute_values(p.and_then(Placeholders::values))
                    .set_return_values_on_condition_check_failure(old)
                    .build()?;
                request.delete(delete)
            }
            Self::Check(key, condition) => {
                let check = ConditionCheck::builder()
                    .table_name(table)
                    .set_key(Some(key.clone()))
                    .condition_expression(&condition.text)
                    .set_expression_attribute_names(condition.placeholders.names())
                    .set_expression_attribute_values(condition.placeholders.values())
                    .set_return_values_on_condition_check_failure(old)
                    .build()?;
                request.condition_check(check)
            }
        };
        Ok(request.build())
    }
}

fn split(condition: Option<&Condition>) -> (Option<String>, Option<&Placeholders>) {
    let text = condition.map(|condition| condition.text.clone());
    (text, condition.map(|condition| &condition.placeholders))
}

impl Table {
    /// Sends a transaction. While other transactions are in its way, it is repeated unchanged and with
    /// the same token.
    pub(crate) async fn transact(
        &self,
        transaction: &Transaction,
        deadline: Instant,
    ) -> Result<Outcome, StoreError> {
        let requests = transaction.requests(&self.name)?;
        let token = client_request_token();
        let mut attempts = Attempts::until(deadline);
        loop {
            let sent = self
                .client
                .transact_write_items()
                .set_transact_items(Some(requests.clone()))
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
            match transaction.outcome(error) {
                Err(error) if attempts.again_after(&error).await => {}
                outcome => return outcome,
            }
        }
    }
}

impl Transaction {
    fn outcome(
        &self,
        error: SdkError<TransactWriteItemsError, HttpResponse>,
    ) -> Result<Outcome, StoreError> {
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                self.cancelled(cancelled.cancellation_reasons())
            }
            _ => Err(StoreError::from_sdk(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{Email, Phone};

    use super::*;
    use crate::table::key;

    const FAILED: &str = "ConditionalCheckFailed";

    fn email() -> Identifier {
        Identifier::from(&Email::parse("ada@example.org").unwrap())
    }

    fn phone() -> Identifier {
        Identifier::from(&Phone::restore("+441514960815".to_owned()))
    }

    /// One of each role.
    fn transaction() -> Transaction {
        let mut transaction = Transaction::default();
        transaction.put_if_absent(Role::User, key("user", "0"));
        transaction.put_if_absent(Role::Reserve(email()), key("email", "0"));
        transaction.put_if_absent(Role::Reserve(phone()), key("phone", "0"));
        transaction.delete(Role::Release(email()), key("old", "0"));
        transaction.put_if_absent(Role::Operation, key("operation", "0"));
        transaction.put(Role::Related, key("related", "0"));
        transaction
    }

    fn cancelled(codes: [&str; 6]) -> Result<Outcome, StoreError> {
        let reasons = codes.map(|code| {
            CancellationReason::builder()
                .code(code)
                .item("PK", crate::table::text(code))
                .build()
        });
        transaction().cancelled(&reasons)
    }

    #[test]
    fn the_reason_of_a_failure_is_found_by_the_roles_of_the_parts() {
        let none = "None";
        assert!(matches!(
            cancelled([FAILED, FAILED, none, none, FAILED, FAILED]),
            Ok(Outcome::Moved(Some(_)))
        ));
        assert!(matches!(
            cancelled([none, FAILED, none, none, FAILED, FAILED]),
            Ok(Outcome::Repeated)
        ));
        assert!(matches!(
            cancelled([none, FAILED, FAILED, none, none, FAILED]),
            Ok(Outcome::Taken(taken)) if taken == [email(), phone()]
        ));
        assert!(matches!(
            cancelled([none, none, FAILED, none, none, none]),
            Ok(Outcome::Taken(taken)) if taken == [phone()]
        ));
        assert!(matches!(
            cancelled([none, none, none, none, none, FAILED]),
            Ok(Outcome::Overtaken)
        ));
    }

    #[test]
    fn the_user_is_looked_at_before_conflicts_and_these_before_all_else() {
        let conflict = "TransactionConflict";
        assert!(matches!(
            cancelled([FAILED, conflict, "None", "None", "None", "None"]),
            Ok(Outcome::Moved(_))
        ));
        for others in [[FAILED, "None"], ["None", FAILED]] {
            assert!(matches!(
                cancelled([conflict, others[0], "None", "None", others[1], FAILED]),
                Err(StoreError::Conflict)
            ));
        }
    }

    #[test]
    fn the_refusal_of_a_broken_rule_comes_after_what_was_a_repeat() {
        let refusal = Refusal::Member("name", "is taken");
        let mut transaction = Transaction::default();
        transaction.put_if_absent(Role::Group, key("group", "0"));
        transaction.put_if_absent(Role::Rule(refusal.clone()), key("name", "0"));
        transaction.put_if_absent(Role::Operation, key("operation", "0"));
        let outcome = |codes: [&str; 3]| {
            let reasons = codes.map(|code| CancellationReason::builder().code(code).build());
            transaction.cancelled(&reasons)
        };
        assert!(matches!(
            outcome([FAILED, FAILED, FAILED]),
            Ok(Outcome::Moved(None))
        ));
        assert!(matches!(
            outcome(["None", FAILED, FAILED]),
            Ok(Outcome::Repeated)
        ));
        assert!(matches!(
            outcome(["None", FAILED, "None"]),
            Ok(Outcome::Refused(broken)) if broken == refusal
        ));
    }

    #[test]
    fn a_reservation_that_is_not_the_users_to_release_is_a_fault_that_shows_no_item() {
        let Err(error) = cancelled(["None", "None", "None", FAILED, "None", "None"]) else {
            panic!("a failed release was taken for something else");
        };
        assert!(matches!(
            &error,
            StoreError::Unexpected(Cause::Cancelled(codes)) if codes.len() == 6
        ));
        assert!(!format!("{error:?}").contains("PK"), "{error:?}");
    }
}
