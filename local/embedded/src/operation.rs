//! DynamoDB's operations: JSON in, JSON out.

use std::pin::Pin;

use dynoxide::actions::transact_write_items::{
    TransactWriteItemsRequest, TransactWriteItemsResponse,
};
use dynoxide::{DynoxideError, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::tokens::Once;
use super::{Answer, Engine};

/// DynamoDB's limit on a `ClientRequestToken`.
const MAX_TOKEN_LENGTH: usize = 36;

/// An operation that exists under its name.
pub(super) struct Operation(&'static (&'static str, Effect, Run));

#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    Reads,
    /// It may change items, tables or what is known of them.
    Writes,
}

type Run = for<'a> fn(&'a Engine, &'a [u8]) -> Running<'a>;
type Running<'a> = Pin<Box<dyn Future<Output = std::result::Result<String, Failure>> + Send + 'a>>;

/// Why a request has no result.
enum Failure {
    /// It isn't the operation's JSON.
    Malformed(serde_json::Error),
    Refused(DynoxideError),
}

/// Carries out an operation in its turn. JSON is read before the turn and written after it, so that
/// another request may use the database meanwhile.
async fn run<Request: DeserializeOwned + Send, Response: Serialize>(
    engine: &Engine,
    body: &[u8],
    operation: impl FnOnce(Request) -> Result<Response> + Send,
) -> std::result::Result<String, Failure> {
    let request = serde_json::from_slice(body).map_err(Failure::Malformed)?;
    let turn = engine.turn.lock().await;
    let response = operation(request);
    drop(turn);
    let response = response.map_err(Failure::Refused)?;
    serde_json::to_string(&response).map_err(Failure::Malformed)
}

/// dynoxide's operation, with a store of tokens of this crate. A repeat reports no consumed capacity,
/// where DynamoDB reports that of a read.
fn transact_write_items<'a>(engine: &'a Engine, body: &'a [u8]) -> Running<'a> {
    Box::pin(async move {
        let asked = engine.tokens.asked(body).map_err(Failure::Malformed)?;
        let transact = |mut request: TransactWriteItemsRequest| {
            let is_fit = |token: &mut String| token.len() <= MAX_TOKEN_LENGTH;
            let Some(token) = request.client_request_token.take_if(is_fit) else {
                // There is no token, or one that dynoxide refuses.
                return engine.database.transact_write_items(request);
            };
            let carry_out = || engine.database.transact_write_items(request);
            match engine.tokens.once(&token, asked, carry_out) {
                Once::Now(result) => result,
                Once::Before => Ok(TransactWriteItemsResponse::default()),
                Once::Mismatch => Err(DynoxideError::IdempotentParameterMismatchException(
                    "An error occurred (IdempotentParameterMismatchException)".to_owned(),
                )),
            }
        };
        run(engine, body, transact).await
    })
}

macro_rules! operations {
    ($($effect:ident $name:literal $method:ident)+) => {
        &[
            ("TransactWriteItems", Effect::Writes, transact_write_items),
            $(($name, Effect::$effect, |engine, body| {
                Box::pin(run(engine, body, |request| engine.database.$method(request)))
            })),+
        ]
    };
}

/// All operations of DynamoDB and its streams that clients use, without those for vectors.
static OPERATIONS: &[(&str, Effect, Run)] = operations![
    Reads "GetItem" get_item
    Reads "Query" query
    Writes "UpdateItem" update_item
    Writes "PutItem" put_item
    Writes "DeleteItem" delete_item
    Reads "BatchGetItem" batch_get_item
    Writes "BatchWriteItem" batch_write_item
    Reads "TransactGetItems" transact_get_items
    Reads "Scan" scan
    Writes "ExecuteStatement" execute_statement
    Writes "ExecuteTransaction" execute_transaction
    Writes "BatchExecuteStatement" batch_execute_statement
    Reads "GetRecords" get_records
    Reads "GetShardIterator" get_shard_iterator
    Reads "DescribeStream" describe_stream
    Reads "ListStreams" list_streams
    Writes "CreateTable" create_table
    Reads "DescribeTable" describe_table
    Reads "ListTables" list_tables
    Writes "UpdateTable" update_table
    Writes "DeleteTable" delete_table
    Reads "DescribeTimeToLive" describe_time_to_live
    Writes "UpdateTimeToLive" update_time_to_live
    Reads "ListTagsOfResource" list_tags_of_resource
    Writes "TagResource" tag_resource
    Writes "UntagResource" untag_resource
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

    pub(super) fn reads(&self) -> bool {
        self.0.1 == Effect::Reads
    }

    pub(super) async fn run(&self, engine: &Engine, body: &[u8]) -> Answer {
        match (self.0.2)(engine, body).await {
            Ok(body) => Answer { status: 200, body },
            Err(Failure::Refused(error)) => Answer {
                status: error.status_code(),
                body: error.to_json(),
            },
            Err(Failure::Malformed(error)) => malformed(&error.to_string()),
        }
    }
}

/// The answer to a body that isn't the operation's JSON. DynamoDB has one error for values that it
/// refuses, and another for values of a type that it can't read. dynoxide's errors show which one it is
/// by a mark before the reason.
fn malformed(reason: &str) -> Answer {
    let is_mark = |start: &str| {
        let mut letters = start.chars();
        !start.is_empty() && letters.all(|letter| letter.is_ascii_uppercase() || letter == '_')
    };
    let marked = reason.split_once(':').filter(|(mark, _)| is_mark(mark));
    let (mark, message) = marked.unwrap_or(("", reason));
    let is_refused_value = mark.starts_with("VALIDATION")
        || [
            "missing field",
            "unknown variant",
            "invalid type: null",
            "empty AttributeValue",
            "Supplied AttributeValue",
        ]
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

/// The answer to a write of which it is not known whether it is on the disk.
pub(super) fn failed() -> Answer {
    Answer {
        status: 500,
        body: r#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError"}"#.to_owned(),
    }
}

/// The answer to a request whose operation doesn't exist.
pub(super) fn unknown() -> Answer {
    Answer {
        status: 400,
        body: r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#.to_owned(),
    }
}
