//! Reads, all of them strongly consistent, and the deletion of an item.

use aws_sdk_dynamodb::types::{KeysAndAttributes, ReturnConsumedCapacity};

use super::expression::Placeholders;
use super::item::{Item, text};
use super::usage::{Direction, record};
use super::{Attempts, Table};
use crate::{Cause, StoreError};

impl Table {
    /// One `GetItem`.
    pub(crate) async fn get(&self, key: Item) -> Result<Option<Item>, StoreError> {
        let output = self
            .client
            .get_item()
            .table_name(&self.name)
            .set_key(Some(key))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Indexes)
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        record(Direction::Read, output.consumed_capacity());
        Ok(output.item)
    }

    /// Two items at once, in this order: one `BatchGetItem`. Only `attributes` are read, which must
    /// include the key's; all attributes where the list is empty.
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

    /// The items of these keys, in their order: one `BatchGetItem`. `attributes` are those of
    /// [`Table::get_both`]. A key may come twice: DynamoDB would refuse that, so it is sent once.
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
                .map_err(Cause::from)
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
                .request_items(&self.name, request(missing)?)
                .return_consumed_capacity(ReturnConsumedCapacity::Indexes)
                .send()
                .await
                .map_err(StoreError::from_sdk)?;
            record(Direction::Read, output.consumed_capacity());
            let mut responses = output.responses.unwrap_or_default();
            found.extend(responses.remove(&self.name).unwrap_or_default());
            let mut unprocessed = output.unprocessed_keys.unwrap_or_default();
            missing = match unprocessed.remove(&self.name) {
                Some(left) if !left.keys.is_empty() => left.keys,
                _ => break,
            };
            let busy = StoreError::Busy(Cause::Odd("a read was not processed"));
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

    /// The items of a partition whose sort keys have this start: one `Query` for each megabyte.
    pub(crate) async fn query(
        &self,
        partition: String,
        sort_key_start: &str,
    ) -> Result<Vec<Item>, StoreError> {
        self.query_each(partition, sort_key_start, |item| Ok(Some(item)))
            .await
    }

    /// The same, with what `read` takes of each item: the others are forgotten page by page, since
    /// strangers may have written very many.
    pub(crate) async fn query_each<T>(
        &self,
        partition: String,
        sort_key_start: &str,
        read: impl Fn(Item) -> Result<Option<T>, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut p = Placeholders::default();
        let condition = format!(
            "{} = {} AND begins_with({}, {})",
            p.path(&["PK"]),
            p.value(text(partition)),
            p.path(&["SK"]),
            p.value(text(sort_key_start)),
        );
        self.query_where(condition, p, read).await
    }

    /// The items of a partition from one sort key to another, both included: one `Query` for each
    /// megabyte.
    pub(crate) async fn query_between(
        &self,
        partition: String,
        [first, last]: [&str; 2],
    ) -> Result<Vec<Item>, StoreError> {
        let mut p = Placeholders::default();
        let condition = format!(
            "{} = {} AND {} BETWEEN {} AND {}",
            p.path(&["PK"]),
            p.value(text(partition)),
            p.path(&["SK"]),
            p.value(text(first)),
            p.value(text(last)),
        );
        self.query_where(condition, p, |item| Ok(Some(item))).await
    }

    async fn query_where<T>(
        &self,
        condition: String,
        p: Placeholders,
        read: impl Fn(Item) -> Result<Option<T>, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let (mut found, mut start) = (Vec::new(), None);
        loop {
            let output = self
                .client
                .query()
                .table_name(&self.name)
                .key_condition_expression(&condition)
                .set_expression_attribute_names(p.names())
                .set_expression_attribute_values(p.values())
                .set_exclusive_start_key(start)
                .consistent_read(true)
                .return_consumed_capacity(ReturnConsumedCapacity::Indexes)
                .send()
                .await
                .map_err(StoreError::from_sdk)?;
            record(Direction::Read, output.consumed_capacity());
            for item in output.items.unwrap_or_default() {
                found.extend(read(item)?);
            }
            start = output.last_evaluated_key;
            if start.is_none() {
                return Ok(found);
            }
        }
    }

    /// Deletes an item. It is no error if the item isn't there.
    pub(crate) async fn delete(&self, key: Item) -> Result<(), StoreError> {
        let output = self
            .client
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(key))
            .return_consumed_capacity(ReturnConsumedCapacity::Indexes)
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        record(Direction::Write, output.consumed_capacity());
        Ok(())
    }
}
