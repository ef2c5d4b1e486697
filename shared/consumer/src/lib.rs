//! The glue between the table's stream and a consumer: a batch of records in, the failed ones out.
//!
//! **Invariant:** what a binary of a call never needs, above all the SDKs of SES and SNS, comes in here
//! and not by `roster-http`: the linker drops what is not used, but keeps its unwinding tables.

use std::pin::Pin;
use std::time::Duration;

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use serde_json::json;
use tokio::time::Instant;
use tracing::{error, info};

use aws::Courier;
use roster_http::{
    Action, App, Environment, Error, LinkKeys, Misconfigured, Need, Partition, end_of, start,
};

/// The future that a consumer's handler returns.
pub type ConsumerFuture<'a> = Pin<Box<dyn Future<Output = Result<Consumed, Fault>> + Send + 'a>>;

/// What a consumer works with.
#[derive(Debug)]
pub struct Worker {
    /// What calls work with, too.
    pub app: App,
    /// Who sends e-mails and SMS.
    pub courier: Courier,
}

impl Worker {
    /// Reads the environment that template.yaml and Lambda set.
    fn from_env() -> Result<Self, Misconfigured> {
        let courier = Courier::new(
            &Environment::services()?,
            Environment::get("NO_REPLY_EMAIL")?,
        );
        Ok(Self {
            app: App {
                link_keys: LinkKeys::from_parameters(aws::parameters)?,
                ..App::from_env()?
            },
            courier: courier.with_configuration_set(Environment::get("SES_CONFIGURATION_SET").ok()),
        })
    }
}

/// A consumer's facts: what [`roster_http::Endpoint`] is to a call.
#[derive(Debug)]
pub struct Consumer {
    /// The consumer's name everywhere: module, binary, event, test file.
    pub name: &'static str,
    /// How the sort keys start of the items whose making it waits for.
    pub sort_key_start: &'static str,
    /// What its role may do to the table.
    pub actions: &'static [Action],
    /// The kinds of partition that its role may do it to.
    pub partitions: &'static [Partition],
    /// What its function needs besides the table.
    pub needs: &'static [Need],
    /// The queue of template.yaml that gets the place of each record that is given up.
    pub dead_letters: &'static str,
    /// The consumer itself.
    pub handler: for<'a> fn(&'a Worker, Record) -> ConsumerFuture<'a>,
}

impl Consumer {
    /// How long one invocation may take.
    pub const TIMEOUT: Duration = store::LEASE;

    /// Which records Lambda sends it: an event filter's pattern, in JSON.
    pub fn pattern(&self) -> String {
        let keys = json!({ "SK": { "S": [{ "prefix": self.sort_key_start }] } });
        json!({ "eventName": ["INSERT"], "dynamodb": { "Keys": keys } }).to_string()
    }
}

/// An item that is new.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its partition key.
    pub partition: String,
    /// Its sort key.
    pub sort: String,
}

/// What became of one item: a word for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consumed(pub &'static str);

/// Why an item must come again; for the log.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Fault(pub String);

/// What one item usually takes at most.
const MAX_FOR_ONE: Duration = Duration::from_secs(15);
/// Time that the answer needs.
const ANSWER: Duration = Duration::from_secs(1);

/// Serves a consumer until Lambda ends the process.
pub fn serve_consumer(consumer: &'static Consumer) -> Result<(), Error> {
    let worker = &Worker::from_env()?;
    start()?.block_on(async {
        worker.app.link_keys.read_ahead().await;
        lambda_runtime::run(lambda_runtime::service_fn(
            |event: lambda_runtime::LambdaEvent<_>| async move {
                let end = end_of(Some(&event.context), Consumer::TIMEOUT);
                Ok::<_, Error>(consume(worker, consumer, event.payload, end).await)
            },
        ))
        .await
    })
}

/// Works off a batch. Each item is tried, whatever happens to those before it, while there is time
/// before `end`, when Lambda ends the function and forgets what failed. Lambda sends the batch
/// again from the first that failed, so what is done must not be done twice.
pub async fn consume(
    worker: &Worker,
    consumer: &Consumer,
    event: Event,
    end: Instant,
) -> DynamoDbEventResponse {
    let deadline = end - MAX_FOR_ONE;
    let mut failed = Vec::new();
    for record in event.records {
        let sequence_number = record.change.sequence_number.clone();
        let Some(item) = new_item(&record, consumer.sort_key_start) else {
            continue;
        };
        if Instant::now() >= deadline {
            failed.extend(sequence_number);
            continue;
        }
        let tried = tokio::time::timeout_at(end - ANSWER, (consumer.handler)(worker, item)).await;
        match tried.unwrap_or_else(|_| Err(Fault("out of time".to_owned()))) {
            Ok(Consumed(outcome)) => {
                info!(consumer = consumer.name, record = record.event_id, outcome);
            }
            Err(Fault(fault)) => {
                error!(consumer = consumer.name, record = record.event_id, fault);
                failed.extend(sequence_number);
            }
        }
    }
    let mut response = DynamoDbEventResponse::default();
    for sequence_number in failed {
        let mut failure = DynamoDbBatchItemFailure::default();
        failure.item_identifier = Some(sequence_number);
        response.batch_item_failures.push(failure);
    }
    response
}

/// The item that a record tells of, if it is new and the consumer waits for it.
fn new_item(record: &EventRecord, sort_key_start: &str) -> Option<Record> {
    if record.event_name != "INSERT" {
        return None;
    }
    let keys = serde_json::to_value(&record.change.keys).ok()?;
    let text = |name: &str| keys[name]["S"].as_str().map(str::to_owned);
    let sort = text("SK").filter(|sort| sort.starts_with(sort_key_start))?;
    Some(Record {
        partition: text("PK")?,
        sort,
    })
}
