mod create_group;
mod delete_group;
mod get_group;
mod list_groups;
mod update_group;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

use crate::harness::Roster;

/// A path that no group has.
pub(super) const UNKNOWN: &str = "/api/groups/00000000-0000-4000-8000-000000000000";

impl Roster {
    /// Creates a group, and returns its path.
    pub(crate) async fn create_group(&self, body: Value) -> String {
        let answer = self.send_json("POST", "/api/groups", body).await;
        let answer = answer.expect(201);
        answer.header("location").unwrap().to_owned()
    }

    /// Creates a group of this name, and returns its path.
    pub(crate) async fn group_named(&self, name: &str) -> String {
        self.create_group(json!({ "name": name })).await
    }

    /// Writes one of a group's counters, as the consumer of the stream does.
    pub(super) async fn write_counter(
        &self,
        group: &str,
        shard: u8,
        count: i64,
        last_assigned: i64,
    ) {
        let id = group.rsplit('/').next().unwrap();
        let number = |number: i64| AttributeValue::N(number.to_string());
        let counter = HashMap::from([
            ("PK", AttributeValue::S(format!("GROUP#{id}"))),
            ("SK", AttributeValue::S(format!("COUNTER#{shard}"))),
            ("count", number(count)),
            ("last_assigned", number(last_assigned)),
        ]);
        let counter = counter.into_iter();
        let counter = counter.map(|(name, value)| (name.to_owned(), value));
        self.table.put(counter.collect()).await;
    }
}

/// The messages about one member of a validation error.
pub(super) fn messages(answer: &crate::harness::Answer, member: &str) -> Value {
    assert_eq!(
        answer.body["type"],
        "https://httpstatuses.io/422#validation-error"
    );
    answer.body["errors"][member].clone()
}
