//! The table. Only this module sends requests. It knows keys and expressions, but no entity.

mod attempts;
mod condition;
mod expression;
mod index;
mod item;
mod json;
mod partition;
mod put;
mod read;
mod scan;
pub mod schema;
mod transaction;
mod update;
mod usage;

use aws_sdk_dynamodb::Client;

use crate::Settings;

pub(crate) use attempts::Attempts;
pub(crate) use condition::Condition;
pub use index::Index;
pub use item::{Item, MAX_SORT_KEY};
pub(crate) use item::{
    MAX_SIZE, difference, key, key_of, key_texts, number, number_of, size, text, texts_of, truth,
};
pub use json::DynamodbJson;
pub use partition::Partition;
pub(crate) use read::{BATCH, Consistency, Order, Range};
pub(crate) use scan::ScanPage;
pub(crate) use transaction::{Outcome, Role, Transaction};
pub(crate) use update::{Update, Updated};
pub use usage::{Capacity, Usage, metered};

/// The single table, as one client reaches it. Clones share the client's connections.
#[derive(Clone, Debug)]
pub struct Table {
    client: Client,
    name: String,
}

impl Table {
    /// The table of this name.
    pub fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    /// The table that these settings name, by a client of its own.
    pub fn at(settings: &Settings) -> Self {
        Self::new(crate::connect(settings), settings.table.clone())
    }

    /// Connects by a `GetItem` that finds nothing. If it fails, the first real request will show it.
    pub async fn connect_by_get(&self) {
        let _ = self.get(absent_key()).await;
    }

    /// Connects by a `BatchGetItem` that finds nothing.
    pub async fn connect_by_batch_get(&self) {
        let _ = self.get_each(vec![absent_key()], &[]).await;
    }

    /// Connects by a `Query` that finds nothing.
    pub async fn connect_by_query(&self) {
        let _ = self
            .query(Partition::Operation.key("none"), "OPERATION")
            .await;
    }

    /// Connects by an `UpdateItem` that has no effect: its condition is that an absent item exists.
    pub async fn connect_by_update(&self) {
        let _ = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(absent_key()))
            .condition_expression("attribute_exists(PK)")
            .send()
            .await;
    }

    /// Connects by a `PutItem` that has no effect: its condition is that an absent item exists.
    pub async fn connect_by_put(&self) {
        let _ = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(absent_key()))
            .condition_expression("attribute_exists(PK)")
            .send()
            .await;
    }
}

/// A key that no item ever has, for requests that must find nothing.
pub(crate) fn absent_key() -> Item {
    key(Partition::Operation.key("none"), "OPERATION")
}
