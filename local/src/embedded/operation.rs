//! DynamoDB's operations: JSON in, JSON out.

use dynoxide::{Database, DynoxideError, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::Answer;

/// An operation, once it is known that there is one of the name.
pub(super) struct Operation(&'static (&'static str, Effect, Run));

#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    Reads,
    /// It may change items.
    Writes,
}

type Run = fn(&Database, &[u8]) -> std::result::Result<String, Failure>;

/// Why a request has no result.
enum Failure {
    /// It isn't the operation's JSON.
    Malformed(serde_json::Error),
    Refused(DynoxideError),
}

fn run<Request: DeserializeOwned, Response: Serialize>(
    database: &Database,
    body: &[u8],
    operation: impl FnOnce(&Database, Request) -> Result<Response>,
) -> std::result::Result<String, Failure> {
    let request = serde_json::from_slice(body).map_err(Failure::Malformed)?;
    let response = operation(database, request).map_err(Failure::Refused)?;
    serde_json::to_string(&response).map_err(Failure::Malformed)
}

macro_rules! operations {
    ($($effect:ident $name:literal $method:ident)+) => {
        &[$(($name, Effect::$effect, |database, body| run(database, body, Database::$method))),+]
    };
}

/// All that DynamoDB's and its streams' clients ask for, less PartiQL and vectors.
static OPERATIONS: &[(&str, Effect, Run)] = operations![
    Reads "GetItem" get_item
    Reads "Query" query
    Writes "UpdateItem" update_item
    Writes "TransactWriteItems" transact_write_items
    Writes "PutItem" put_item
    Writes "DeleteItem" delete_item
    Reads "BatchGetItem" batch_get_item
    Writes "BatchWriteItem" batch_write_item
    Reads "TransactGetItems" transact_get_items
    Reads "Scan" scan
    Reads "GetRecords" get_records
    Reads "GetShardIterator" get_shard_iterator
    Reads "DescribeStream" describe_stream
    Reads "ListStreams" list_streams
    Reads "CreateTable" create_table
    Reads "DescribeTable" describe_table
    Reads "ListTables" list_tables
    Reads "UpdateTable" update_table
    Reads "DeleteTable" delete_table
    Reads "DescribeTimeToLive" describe_time_to_live
    Reads "UpdateTimeToLive" update_time_to_live
    Reads "ListTagsOfResource" list_tags_of_resource
    Reads "TagResource" tag_resource
    Reads "UntagResource" untag_resource
];

impl Operation {
    /// The operation that `X-Amz-Target` names.
    pub(super) fn of(target: &str) -> Option<Self> {
        let (protocol, name) = target.split_once('.')?;
        if !["DynamoDB_20120810", "DynamoDBStreams_20120810"].contains(&protocol) {
            return None;
        }
        let operation = OPERATIONS.iter().find(|(known, ..)| *known == name)?;
        Some(Self(operation))
    }

    pub(super) fn writes(&self) -> bool {
        self.0.1 == Effect::Writes
    }

    pub(super) fn run(&self, database: &Database, body: &[u8]) -> Answer {
        match (self.0.2)(database, body) {
            Ok(body) => Answer { status: 200, body },
            Err(Failure::Refused(error)) => Answer {
                status: error.status_code(),
                body: error.to_json(),
            },
            Err(Failure::Malformed(error)) => malformed(&error.to_string()),
        }
    }
}

/// The answer to what isn't the operation's JSON. DynamoDB tells values that it refuses from those
/// that have another type than it reads; dynoxide's types tell it by a mark before the reason.
fn malformed(reason: &str) -> Answer {
    let is_mark = |start: &str| {
        let mut letters = start.chars();
        !start.is_empty() && letters.all(|letter| letter.is_ascii_uppercase() || letter == '_')
    };
    let marked = reason.split_once(':').filter(|(mark, _)| is_mark(mark));
    let (mark, message) = marked.unwrap_or(("", reason));
    let is_refused_value = mark.starts_with("VALIDATION")
        || ["missing field", "unknown variant", "invalid type: null", "Supplied AttributeValue"]
            .iter()
            .any(|words| message.contains(words));
    let kind = if is_refused_value {
        "com.amazon.coral.validate#ValidationException"
    } else {
        "com.amazon.coral.service#SerializationException"
    };
    let body = json!({ "__type": kind, "message": message });
    Answer {
        status: 400,
        body: body.to_string(),
    }
}

/// The answer to a request for no operation.
pub(super) fn unknown() -> Answer {
    Answer {
        status: 400,
        body: r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#.to_owned(),
    }
}
