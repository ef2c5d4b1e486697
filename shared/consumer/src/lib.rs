//! The code between the table's stream and a consumer: a batch of records comes in, the failed ones go
//! out.
//!
//! **Invariant:** what the binaries of calls don't need, above all the SDKs of SES and SNS, is linked
//! by this crate and not by `roster-http`: the linker drops unused code, but keeps its unwinding
//! tables.

use serde::Serialize;
use std::pin::Pin;
use std::time::Duration;

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use tracing::{Instrument as _, error, info, info_span};

use aws::Courier;
use roster_http::{
    Action, App, Environment, Error, LinkKeys, Misconfigured, Need, Partition, end_of, start,
};

/// The future that a consumer's handler returns.
pub type ConsumerFuture<'a> = Pin<Box<dyn Future<Output = Result<Consumed, Fault>> + Send + 'a>>;

/// What every consumer of one process shares.
#[derive(Debug)]
pub struct Worker {
    /// What calls share, too.
    pub app: App,
    /// The sender of e-mails and SMS.
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
    /// Which changes of an item it waits for.
    pub events: &'static [Change],
    /// The start of the sort keys of the items that it waits for.
    pub sort_key_start: &'static str,
    /// Whether it reads the items' images. Most consumers need only the keys, which are read faster.
    pub reads_images: bool,
    /// What its role may do to the table.
    pub actions: &'static [Action],
    /// The kinds of partition that its role may do it to.
    pub partitions: &'static [Partition],
    /// What its function needs besides the table.
    pub needs: &'static [Need],
    /// The queue of template.yaml that gets the place of each record that was not processed in the end.
    pub dead_letters: &'static str,
    /// The consumer itself.
    pub handler: for<'a> fn(&'a Worker, Record) -> ConsumerFuture<'a>,
}

impl Consumer {
    /// How long one invocation may take.
    pub const TIMEOUT: Duration = store::LEASE;

    /// Which records Lambda sends it: an event filter's pattern, in JSON.
    pub fn pattern(&self) -> String {
        let events: Vec<_> = self.events.iter().map(|change| change.as_str()).collect();
        let (events, start) = (json!(events), json!(self.sort_key_start));
        format!(
            r#"{{"eventName":{events},"dynamodb":{{"Keys":{{"SK":{{"S":[{{"prefix":{start}}}]}}}}}}}}"#
        )
    }
}

/// What happened to an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Insert,
    /// It has become another one under the same key.
    Modify,
    /// It is gone: deleted, or expired.
    Remove,
}

impl Change {
    /// The stream's name for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Insert => "INSERT",
            Self::Modify => "MODIFY",
            Self::Remove => "REMOVE",
        }
    }
}

/// An item, each attribute with its type, as DynamoDB writes JSON: `{"version":{"N":"1"}}`.
pub type Image = Map<String, Value>;

/// A change of one item.
#[derive(Clone, Debug)]
pub struct Record {
    /// What happened.
    pub change: Change,
    /// The item's partition key.
    pub partition: String,
    /// The item's sort key.
    pub sort: String,
    /// The item after the change, where the consumer reads images and the item is still there.
    pub new: Option<Image>,
    /// The item before the change, where the consumer reads images and the item was there.
    pub old: Option<Image>,
}

/// What became of one item: a word for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consumed(pub &'static str);

/// Why an item must be delivered again, for the log.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Fault(pub String);

/// The longest time that one item usually takes.
const MAX_FOR_ONE: Duration = Duration::from_secs(15);
/// The time that the answer needs.
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

/// Works off a batch. Each item is tried, also after others have failed, while there is time before
/// `end`. At `end` Lambda ends the function, and the answer with the failed items would be lost. Lambda
/// sends the batch again from the first item that failed, so a consumer must not do its work for an
/// item twice.
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
        let Some(item) = wanted(&record, consumer) else {
            continue;
        };
        if Instant::now() >= deadline {
            failed.extend(sequence_number);
            continue;
        }
        let span = info_span!("record", record = record.event_id);
        let handled = (consumer.handler)(worker, item).instrument(span);
        let tried = tokio::time::timeout_at(end - ANSWER, handled).await;
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

/// The record, if the consumer waits for it.
fn wanted(record: &EventRecord, consumer: &Consumer) -> Option<Record> {
    let mut changes = consumer.events.iter();
    let change = *changes.find(|change| record.event_name == change.as_str())?;
    let keys = json_of(&record.change.keys)?;
    let text = |name: &str| keys.get(name)?["S"].as_str().map(str::to_owned);
    let sort = text("SK").filter(|sort| sort.starts_with(consumer.sort_key_start))?;
    let (mut new, mut old) = (None, None);
    if consumer.reads_images {
        // Where there is no image, the event has an empty one.
        let is_there = |image: &Image| !image.is_empty();
        new = json_of(&record.change.new_image).filter(is_there);
        old = json_of(&record.change.old_image).filter(is_there);
    }
    Some(Record {
        change,
        partition: text("PK")?,
        sort,
        new,
        old,
    })
}

fn json_of(item: &impl Serialize) -> Option<Image> {
    match serde_json::to_value(item).ok()? {
        Value::Object(image) => Some(image),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    static CONSUMER: Consumer = Consumer {
        name: "consumer",
        events: &[Change::Modify, Change::Remove],
        sort_key_start: "USER",
        reads_images: true,
        actions: &[],
        partitions: &[],
        needs: &[],
        dead_letters: "",
        handler: |_, _| Box::pin(async { Ok(Consumed("")) }),
    };

    fn record(event: &str, sort_key: &str, images: &Value) -> EventRecord {
        let mut change = json!({
            "ApproximateCreationDateTime": 1_640_975_400,
            "Keys": { "PK": { "S": "USER#a" }, "SK": { "S": sort_key } },
            "SequenceNumber": "1",
            "SizeBytes": 1,
        });
        for (name, image) in images.as_object().unwrap() {
            change[name] = image.clone();
        }
        let record = json!({
            "eventID": "1", "eventName": event, "awsRegion": "eu-west-1", "dynamodb": change,
        });
        serde_json::from_value(record).unwrap()
    }

    #[test]
    fn a_record_has_the_change_the_keys_and_the_images_that_the_stream_has() {
        let images = json!({
            "OldImage": { "version": { "N": "1" }, "emails": { "M": {} } },
            "NewImage": { "version": { "N": "2" }, "tries": { "SS": ["a"] } },
        });
        let found = wanted(&record("MODIFY", "USER", &images), &CONSUMER).unwrap();
        assert_eq!(found.change, Change::Modify);
        assert_eq!((&*found.partition, &*found.sort), ("USER#a", "USER"));
        let image = |image: Option<Image>| image.map(Value::Object);
        assert_eq!(image(found.old).as_ref(), Some(&images["OldImage"]));
        assert_eq!(image(found.new).as_ref(), Some(&images["NewImage"]));

        let gone = json!({ "OldImage": images["OldImage"] });
        let found = wanted(&record("REMOVE", "USER", &gone), &CONSUMER).unwrap();
        assert_eq!(found.change, Change::Remove);
        assert!(found.old.is_some() && found.new.is_none());

        let without = Consumer {
            reads_images: false,
            ..CONSUMER
        };
        let found = wanted(&record("MODIFY", "USER", &images), &without).unwrap();
        assert!(found.old.is_none() && found.new.is_none());
    }

    #[test]
    fn other_changes_and_other_items_are_not_for_the_consumer() {
        let none = json!({});
        assert!(wanted(&record("INSERT", "USER", &none), &CONSUMER).is_none());
        assert!(wanted(&record("MODIFY", "SESSION#1", &none), &CONSUMER).is_none());
        assert!(wanted(&record("OTHER", "USER", &none), &CONSUMER).is_none());
    }
}
