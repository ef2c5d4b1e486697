//! Reads, and the deletion of an item. Reads are strongly consistent where nothing else is said.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{KeysAndAttributes, ReturnConsumedCapacity};
use futures_util::future::try_join_all;

use super::expression::Placeholders;
use super::item::{Item, key_texts, text};
use super::usage::{Direction, record};
use super::{Attempts, Index, Table};
use crate::{Cause, StoreError};

/// In which direction a sorted partition is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// From the smallest sort key to the largest.
    Up,
    /// From the largest to the smallest.
    Down,
}

/// Whether a read shows every write before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consistency {
    /// It does.
    Strong,
    /// It may miss those of the last moments, and costs half.
    Eventual,
}

/// Some items of one partition, in the order of their sort keys.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range<'a> {
    /// The index; none for the table itself.
    pub(crate) index: Option<Index>,
    pub(crate) partition: &'a str,
    /// How the sort keys start.
    pub(crate) start: &'a str,
    /// The sort key after which it begins.
    pub(crate) after: Option<&'a str>,
    pub(crate) order: Order,
    /// How many items at most.
    pub(crate) limit: usize,
}

/// What was read of a range.
#[derive(Debug)]
pub(crate) struct RangeItems {
    pub(crate) items: Vec<Item>,
    /// No further items are in the range.
    pub(crate) is_whole: bool,
}

/// How many items one `BatchGetItem` takes.
pub(crate) const BATCH: usize = 100;
/// How many requests are under way at the same time.
const AT_ONCE: usize = 10;

impl Range<'_> {
    /// The attributes of its partition key and its sort key.
    pub(crate) fn key(&self) -> [&'static str; 2] {
        self.index.map_or(["PK", "SK"], Index::key)
    }
}

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
        let mut distinct = Vec::new();
        for key in &keys {
            if !distinct.contains(key) {
                distinct.push(key.clone());
            }
        }
        let found = self
            .get_batch(distinct, attributes, Consistency::Strong)
            .await?;
        let of_key = |key: &Item| {
            let is_it = |item: &&Item| {
                key.iter()
                    .all(|(name, value)| item.get(name) == Some(value))
            };
            found.iter().find(is_it).cloned()
        };
        Ok(keys.iter().map(of_key).collect())
    }

    /// The items of these keys, in any order: one `BatchGetItem`, and one more while the table has not
    /// answered all of them.
    async fn get_batch(
        &self,
        keys: Vec<Item>,
        attributes: &[&str],
        consistency: Consistency,
    ) -> Result<Vec<Item>, StoreError> {
        let mut p = Placeholders::default();
        let projection: Vec<_> = attributes.iter().map(|name| p.path(&[name])).collect();
        let projection = (!projection.is_empty()).then(|| projection.join(", "));
        let request = |keys: Vec<Item>| {
            KeysAndAttributes::builder()
                .set_keys(Some(keys))
                .set_projection_expression(projection.clone())
                .set_expression_attribute_names(p.names())
                .consistent_read(consistency == Consistency::Strong)
                .build()
                .map_err(Cause::from)
        };
        let mut attempts = Attempts::soon();
        let (mut found, mut missing) = (Vec::<Item>::new(), keys);
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
                _ => return Ok(found),
            };
            let busy = StoreError::Busy(Cause::Odd("a read was not processed"));
            if !attempts.again_after(&busy).await {
                return Err(busy);
            }
        }
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

    /// Some items of a partition: one `Query`, of an index eventually consistent.
    pub(crate) async fn query_range(&self, range: Range<'_>) -> Result<RangeItems, StoreError> {
        let [partition, sort] = range.key();
        let mut p = Placeholders::default();
        let mut conditions = vec![format!(
            "{} = {}",
            p.path(&[partition]),
            p.value(text(range.partition))
        )];
        // A condition on the sort key may name one bound or two, both included. So past a start, the
        // items that do not start so are left out below.
        if let Some(after) = range.after {
            let sign = match range.order {
                Order::Up => '>',
                Order::Down => '<',
            };
            let (path, value) = (p.path(&[sort]), p.value(text(after)));
            conditions.push(format!("{path} {sign} {value}"));
        } else if !range.start.is_empty() {
            let (path, value) = (p.path(&[sort]), p.value(text(range.start)));
            conditions.push(format!("begins_with({path}, {value})"));
        }
        let output = self
            .client
            .query()
            .table_name(&self.name)
            .set_index_name(range.index.map(|index| index.name().to_owned()))
            .key_condition_expression(conditions.join(" AND "))
            .set_expression_attribute_names(p.names())
            .set_expression_attribute_values(p.values())
            .scan_index_forward(range.order == Order::Up)
            .limit(i32::try_from(range.limit).unwrap_or(i32::MAX))
            .consistent_read(range.index.is_none())
            .return_consumed_capacity(ReturnConsumedCapacity::Indexes)
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        record(Direction::Read, output.consumed_capacity());
        let mut items = output.items.unwrap_or_default();
        let is_outside = |item: &Item| {
            let key = item.get(sort).and_then(|key| key.as_s().ok());
            key.is_none_or(|key| !key.starts_with(range.start))
        };
        let past = items.iter().position(is_outside);
        items.truncate(past.unwrap_or(items.len()));
        Ok(RangeItems {
            items,
            is_whole: past.is_some() || output.last_evaluated_key.is_none(),
        })
    }

    /// The same, by as many requests as it takes to reach the limit: a `Query` for each megabyte.
    pub(crate) async fn query_up_to(&self, range: Range<'_>) -> Result<Vec<Item>, StoreError> {
        let [_, sort] = range.key();
        let mut found: Vec<Item> = Vec::new();
        loop {
            let last = found.last().and_then(|item| item.get(sort)?.as_s().ok());
            let next = Range {
                after: last.map(String::as_str).or(range.after),
                limit: range.limit - found.len(),
                ..range
            };
            let RangeItems { items, is_whole } = self.query_range(next).await?;
            found.extend(items);
            if is_whole || found.len() >= range.limit {
                return Ok(found);
            }
        }
    }

    /// What `read` takes of the items of these keys, in their order: a `BatchGetItem` for each hundred,
    /// some at the same time. No key may come twice. Items are forgotten once they are read, so that
    /// there may be many.
    pub(crate) async fn get_many<T>(
        &self,
        keys: &[Item],
        attributes: &[&str],
        consistency: Consistency,
        read: impl Fn(Item) -> Result<T, StoreError>,
    ) -> Result<Vec<Option<T>>, StoreError> {
        let batches: Vec<_> = keys.chunks(BATCH).collect();
        let mut found = Vec::with_capacity(keys.len());
        for some in batches.chunks(AT_ONCE) {
            let of_each = some.iter().map(async |keys| {
                let items = self
                    .get_batch(keys.to_vec(), attributes, consistency)
                    .await?;
                let mut by_key: HashMap<_, _> = items
                    .into_iter()
                    .map(|item| (key_texts(&item), item))
                    .collect();
                let in_order = keys.iter().map(|key| by_key.remove(&key_texts(key)));
                in_order
                    .map(|item| item.map(&read).transpose())
                    .collect::<Result<Vec<_>, _>>()
            });
            found.extend(try_join_all(of_each).await?.into_iter().flatten());
        }
        Ok(found)
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
