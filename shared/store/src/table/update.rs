//! One conditional `UpdateItem`.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure,
};

use super::expression::Placeholders;
use super::item::{Item, number, texts};
use super::usage::{Direction, record};
use super::{Attempts, Table};
use crate::{Cause, StoreError};

/// A conditional change of one item: the conditions, the attributes to set and remove, and the elements
/// that its sets gain and lose.
#[derive(Clone, Debug)]
pub(crate) struct Update {
    pub(super) key: Item,
    pub(super) placeholders: Placeholders,
    conditions: Vec<String>,
    set: Vec<String>,
    remove: Vec<String>,
    add: Vec<String>,
    delete: Vec<String>,
}

/// The result of an update.
#[derive(Debug)]
pub(crate) enum Updated<T = Item> {
    /// It happened.
    Written(T),
    /// Its condition does not hold for the item that is there, if there is one.
    Refused(Option<Item>),
}

impl Update {
    /// An update of the item with this key.
    pub(crate) fn of(key: Item) -> Self {
        Self {
            key,
            placeholders: Placeholders::default(),
            conditions: Vec::new(),
            set: Vec::new(),
            remove: Vec::new(),
            add: Vec::new(),
            delete: Vec::new(),
        }
    }

    /// An update of the item with this key, if it is there. Without this condition, an update makes
    /// the item.
    pub(crate) fn of_present(key: Item) -> Self {
        let mut update = Self::of(key);
        let path = update.path(&["PK"]);
        update.require(format!("attribute_exists({path})"));
        update
    }

    /// A path as expressions have it.
    pub(crate) fn path(&mut self, names: &[&str]) -> String {
        self.placeholders.path(names)
    }

    /// A value as expressions have it.
    pub(crate) fn value(&mut self, value: AttributeValue) -> String {
        self.placeholders.value(value)
    }

    /// Adds a condition, beside all others: a text without an `OR` outside of parentheses.
    pub(crate) fn require(&mut self, condition: String) {
        self.conditions.push(condition);
    }

    /// Requires that an attribute has this value.
    pub(crate) fn require_equal(&mut self, path: &[&str], value: AttributeValue) {
        let (path, value) = (self.path(path), self.value(value));
        self.require(format!("{path} = {value}"));
    }

    /// Requires that an attribute is not there, or has another value.
    pub(crate) fn require_other(&mut self, path: &[&str], value: AttributeValue) {
        let (path, value) = (self.path(path), self.value(value));
        self.require(format!(
            "(attribute_not_exists({path}) OR {path} <> {value})"
        ));
    }

    /// Requires that an attribute is not there, or its number is at most this one.
    pub(crate) fn require_absent_or_at_most(&mut self, path: &[&str], most: i64) {
        let (path, most) = (self.path(path), self.value(number(most)));
        self.require(format!(
            "(attribute_not_exists({path}) OR {path} <= {most})"
        ));
    }

    /// Sets an attribute.
    pub(crate) fn set(&mut self, path: &[&str], value: AttributeValue) {
        let value = self.value(value);
        self.set_to(path, &value);
    }

    /// Sets an attribute to what an expression tells.
    pub(crate) fn set_to(&mut self, path: &[&str], expression: &str) {
        let path = self.path(path);
        self.set.push(format!("{path} = {expression}"));
    }

    /// Sets an attribute unless it is there.
    pub(crate) fn set_if_absent(&mut self, path: &[&str], value: AttributeValue) {
        let (own, value) = (self.path(path), self.value(value));
        self.set_to(path, &format!("if_not_exists({own}, {value})"));
    }

    /// Adds one to a number.
    pub(crate) fn increment(&mut self, path: &[&str]) {
        let (own, one) = (self.path(path), self.value(number(1)));
        self.set_to(path, &format!("{own} + {one}"));
    }

    /// Adds one to a number that is absent while it is zero.
    pub(crate) fn count(&mut self, path: &[&str]) {
        let (own, zero) = (self.path(path), self.value(number(0)));
        let one = self.value(number(1));
        self.set_to(path, &format!("if_not_exists({own}, {zero}) + {one}"));
    }

    /// Puts an element in front of a list of this length, and drops the last one. This works in one
    /// update, because the right-hand sides have the values from before the update.
    pub(crate) fn push(&mut self, list: &str, length: usize, value: AttributeValue) {
        let (list, value) = (self.path(&[list]), self.value(value));
        for place in (1..length).rev() {
            self.set
                .push(format!("{list}[{place}] = {list}[{}]", place - 1));
        }
        self.set.push(format!("{list}[0] = {value}"));
    }

    /// Removes an attribute.
    pub(crate) fn remove(&mut self, path: &[&str]) {
        let path = self.path(path);
        self.remove.push(path);
    }

    /// Puts texts into a set. The first text creates the set.
    pub(crate) fn add(&mut self, set: &str, these: impl IntoIterator<Item = impl ToString>) {
        let (set, these) = (self.path(&[set]), self.value(texts(these)));
        self.add.push(format!("{set} {these}"));
    }

    /// Adds to a number, which is zero where it is absent.
    pub(crate) fn add_to(&mut self, path: &[&str], by: i64) {
        let (path, by) = (self.path(path), self.value(number(by)));
        self.add.push(format!("{path} {by}"));
    }

    /// Takes texts out of a set. DynamoDB removes the set with its last text.
    pub(crate) fn take(&mut self, set: &str, these: impl IntoIterator<Item = impl ToString>) {
        let (set, these) = (self.path(&[set]), self.value(texts(these)));
        self.delete.push(format!("{set} {these}"));
    }

    /// The condition expression, if there is a condition: DynamoDB refuses an empty one.
    pub(super) fn condition(&self) -> Option<String> {
        (!self.conditions.is_empty()).then(|| self.conditions.join(" AND "))
    }

    /// The update expression.
    pub(super) fn expression(&self) -> String {
        let clause = |word: &str, parts: &[String]| match parts {
            [] => String::new(),
            parts => format!("{word} {} ", parts.join(", ")),
        };
        format!(
            "{}{}{}{}",
            clause("SET", &self.set),
            clause("REMOVE", &self.remove),
            clause("ADD", &self.add),
            clause("DELETE", &self.delete)
        )
    }
}

impl Table {
    /// Carries out an update. Returns the item after it, or the item that is there when the condition
    /// does not hold.
    pub(crate) async fn update(
        &self,
        update: &Update,
        attempts: Attempts,
    ) -> Result<Updated, StoreError> {
        match self.send(update, ReturnValue::AllNew, attempts).await? {
            Updated::Written(Some(item)) => Ok(Updated::Written(item)),
            Updated::Written(None) => {
                Err(Cause::Odd("an update answered no attributes").unexpected())
            }
            Updated::Refused(present) => Ok(Updated::Refused(present)),
        }
    }

    /// As [`Table::update`], but without the item after it, so that its size doesn't show in the time.
    pub(crate) async fn update_unseen(
        &self,
        update: &Update,
        attempts: Attempts,
    ) -> Result<Updated<()>, StoreError> {
        match self.send(update, ReturnValue::None, attempts).await? {
            Updated::Written(_) => Ok(Updated::Written(())),
            Updated::Refused(present) => Ok(Updated::Refused(present)),
        }
    }

    async fn send(
        &self,
        update: &Update,
        returned: ReturnValue,
        mut attempts: Attempts,
    ) -> Result<Updated<Option<Item>>, StoreError> {
        loop {
            let sent = self
                .client
                .update_item()
                .table_name(&self.name)
                .set_key(Some(update.key.clone()))
                .set_condition_expression(update.condition())
                .update_expression(update.expression())
                .set_expression_attribute_names(update.placeholders.names())
                .set_expression_attribute_values(update.placeholders.values())
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
                    return Ok(Updated::Written(output.attributes));
                }
                Err(error) => error,
            };
            record(Direction::Write, None);
            if let Some(UpdateItemError::ConditionalCheckFailedException(failed)) =
                error.as_service_error()
            {
                return Ok(Updated::Refused(failed.item.clone()));
            }
            let error = StoreError::from_sdk(error);
            if !attempts.again_after(&error).await {
                return Err(error);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{key, text};

    /// An expression with its names and values in place of their placeholders.
    fn told(update: &Update, mut expression: String) -> String {
        for (placeholder, name) in update.placeholders.names().unwrap_or_default() {
            expression = expression.replace(&placeholder, &name);
        }
        for (placeholder, value) in update.placeholders.values().unwrap_or_default() {
            let shown = match value {
                AttributeValue::N(number) => number,
                AttributeValue::S(text) => format!("'{text}'"),
                AttributeValue::Ss(texts) => format!("{texts:?}"),
                other => panic!("{other:?}"),
            };
            expression = expression.replace(&placeholder, &shown);
        }
        expression
    }

    #[test]
    fn all_conditions_must_hold() {
        let mut update = Update::of_present(key("USER#a", "USER"));
        update.require_equal(&["version"], number(7));
        update.require_other(&["operation"], text("x"));
        update.require_absent_or_at_most(&["block_until"], 9);
        assert_eq!(
            told(&update, update.condition().unwrap()),
            "attribute_exists(PK) AND version = 7 \
             AND (attribute_not_exists(operation) OR operation <> 'x') \
             AND (attribute_not_exists(block_until) OR block_until <= 9)"
        );
        assert_eq!(update.expression(), "");
    }

    #[test]
    fn each_kind_of_change_has_its_clause() {
        let mut update = Update::of(key("USER#a", "USER"));
        update.set(&["emails", "1", "verified"], text("yes"));
        update.set_if_absent(&["primary_email"], text("1"));
        update.increment(&["version"]);
        update.count(&["set_primary"]);
        update.push("operations", 3, text("new"));
        update.remove(&["block_until"]);
        update.add("tries", ["a"]);
        update.take("failed", ["b", "c"]);
        assert_eq!(
            told(&update, update.expression()),
            "SET emails.1.verified = 'yes', \
             primary_email = if_not_exists(primary_email, '1'), \
             version = version + 1, \
             set_primary = if_not_exists(set_primary, 0) + 1, \
             operations[2] = operations[1], operations[1] = operations[0], \
             operations[0] = 'new' \
             REMOVE block_until ADD tries [\"a\"] DELETE failed [\"b\", \"c\"] "
        );
    }
}
