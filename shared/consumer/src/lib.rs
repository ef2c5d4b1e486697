//! The code between the table's stream and a consumer: a batch of records comes in, the failed ones go
//! out.
//!
//! **Invariant:** what the binaries of calls don't need, above all the SDKs of SES and SNS, is linked
//! by this crate and not by `roster-http`: the linker drops unused code, but keeps its unwinding
//! tables.

use std::pin::Pin;
use std::time::Duration;

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use serde_json::json;
use tokio::time::Instant;
use tracing::{Instrument as _, error, info, info_span};

use aws::Courier;
use domain::Timestamp;
use roster_http::{
    Action, App, Environment, Error, LinkKeys, Misconfigured, Need, Partition, end_of, start,
};
use store::Item;

/// The future that a consumer's handler returns.
pub type ConsumerFuture<'a> = Pin<Box<dyn Future<Output = Result<Consumed, Fault>> + Send + 'a>>;

/// The future that a handler of batches returns.
pub type BatchFuture<'a> = Pin<Box<dyn Future<Output = BatchConsumed> + Send + 'a>>;

/// What every consumer of one process shares.
#[derive(Debug)]
pub struct Worker {
    /// What calls share, too.
    pub app: App,
    /// The sender of e-mails and SMS, for consumers that need [`Need::Mail`].
    pub courier: Option<Courier>,
}

impl Worker {
    /// Reads the environment that template.yaml and Lambda set, as far as the consumer needs it.
    fn from_env(needs: &[Need]) -> Result<Self, Misconfigured> {
        let mut app = App::from_env()?;
        if needs.contains(&Need::LinkKeys) {
            app.link_keys = LinkKeys::from_parameters(aws::parameters)?;
        }
        let mut courier = None;
        if needs.contains(&Need::Mail) {
            let sender = Environment::get("NO_REPLY_EMAIL")?;
            let with = Environment::get("SES_CONFIGURATION_SET").ok();
            let services = Environment::services()?;
            courier = Some(Courier::new(&services, sender).with_configuration_set(with));
        }
        Ok(Self { app, courier })
    }
}

/// A consumer's facts: what [`roster_http::Endpoint`] is to a call.
#[derive(Debug)]
pub struct Consumer {
    /// The consumer's name everywhere: module, binary, event, test file.
    pub name: &'static str,
    /// Which records it waits for: those that fit one of these.
    pub waits_for: &'static [Wait],
    /// What its role may do to the table.
    pub actions: &'static [Action],
    /// The kinds of partition that its role may do it to.
    pub partitions: &'static [Partition],
    /// What its function needs besides the table.
    pub needs: &'static [Need],
    /// How many records it gets at once, at most.
    pub batch_size: u32,
    /// The queue of template.yaml that gets the place of each record that was not processed within an
    /// hour. A consumer without one never gives a record up.
    pub dead_letters: Option<&'static str>,
    /// The consumer itself.
    pub handler: Handler,
}

/// Records that a consumer waits for.
#[derive(Clone, Copy, Debug)]
pub struct Wait {
    /// Of these changes.
    pub changes: &'static [Change],
    /// Of the items with such sort keys.
    pub sort_key: SortKey,
}

/// Sort keys of items.
#[derive(Clone, Copy, Debug)]
pub enum SortKey {
    /// This one.
    Is(&'static str),
    /// All that start so.
    StartsWith(&'static str),
}

/// A consumer's code.
#[derive(Clone, Copy, Debug)]
pub enum Handler {
    /// Takes one record at a time, and only its keys, which are read faster than images. Each record is
    /// tried, also after others have failed.
    Each(for<'a> fn(&'a Worker, Record) -> ConsumerFuture<'a>),
    /// Takes a batch with the items' images, which it must have applied at the given time. It is
    /// applied up to the first record that fails.
    Batch(for<'a> fn(&'a Worker, Vec<Record>, Instant) -> BatchFuture<'a>),
}

impl Consumer {
    /// How long one invocation may take.
    pub const TIMEOUT: Duration = store::LEASE;

    /// Which records Lambda sends it: event filters' patterns, in JSON. One of them must fit.
    pub fn patterns(&self) -> Vec<String> {
        let pattern = |wait: &Wait| {
            let changes: Vec<_> = wait.changes.iter().map(|change| change.as_str()).collect();
            let changes = json!(changes);
            let sort_key = match wait.sort_key {
                SortKey::Is(key) => json!(key),
                SortKey::StartsWith(start) => json!({ "prefix": start }),
            };
            format!(
                r#"{{"eventName":{changes},"dynamodb":{{"Keys":{{"SK":{{"S":[{sort_key}]}}}}}}}}"#
            )
        };
        self.waits_for.iter().map(pattern).collect()
    }
}

impl Wait {
    fn fits(&self, change: Change, sort_key: &str) -> bool {
        let is_of_key = match self.sort_key {
            SortKey::Is(key) => sort_key == key,
            SortKey::StartsWith(start) => sort_key.starts_with(start),
        };
        is_of_key && self.changes.contains(&change)
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
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Insert, Self::Modify, Self::Remove];

    /// The stream's name for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Insert => "INSERT",
            Self::Modify => "MODIFY",
            Self::Remove => "REMOVE",
        }
    }
}

/// A change of one item.
#[derive(Clone, Debug)]
pub struct Record {
    /// Names the record, however often it is delivered.
    pub id: String,
    /// What happened.
    pub change: Change,
    /// The item's partition key.
    pub partition: String,
    /// The item's sort key.
    pub sort: String,
    /// The item after the change, where the consumer takes batches and the item is still there.
    pub new: Option<Item>,
    /// The item before the change, where the consumer takes batches and the item was there.
    pub old: Option<Item>,
    /// When the stream saw the change.
    pub at: Timestamp,
}

/// What became of one item: a word for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consumed(pub &'static str);

/// How far a batch was applied.
#[derive(Debug)]
pub struct BatchConsumed {
    /// How many records were applied, from the first one on.
    pub done: usize,
    /// Why the next record was not applied; it and those after it are delivered again.
    pub fault: Option<Fault>,
}

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
    let worker = &Worker::from_env(consumer.needs)?;
    start()?.block_on(async {
        if consumer.needs.contains(&Need::LinkKeys) {
            worker.app.link_keys.read_ahead().await;
        }
        lambda_runtime::run(lambda_runtime::service_fn(
            |event: lambda_runtime::LambdaEvent<_>| async move {
                let end = end_of(Some(&event.context), Consumer::TIMEOUT);
                Ok::<_, Error>(consume(worker, consumer, event.payload, end).await)
            },
        ))
        .await
    })
}

/// Works off a batch, while there is time before `end`: then Lambda ends the function, and the answer
/// with the failed records would be lost. Lambda sends the batch again from the first record that
/// failed, so a consumer must not do its work for a record twice.
pub async fn consume(
    worker: &Worker,
    consumer: &Consumer,
    event: Event,
    end: Instant,
) -> DynamoDbEventResponse {
    let reads_images = matches!(consumer.handler, Handler::Batch(_));
    let wanted = event.records.iter().filter_map(|record| {
        let wanted = wanted(record, consumer.waits_for, reads_images)?;
        Some((Place::of(record), wanted))
    });
    let wanted = wanted.collect();
    let failed = match consumer.handler {
        Handler::Each(handler) => each(worker, consumer.name, handler, wanted, end).await,
        Handler::Batch(handler) => batch(worker, consumer.name, handler, wanted, end).await,
    };
    let mut response = DynamoDbEventResponse::default();
    for place in failed {
        let mut failure = DynamoDbBatchItemFailure::default();
        failure.item_identifier = place.sequence_number;
        response.batch_item_failures.push(failure);
    }
    response
}

/// Where a record is in the stream.
struct Place {
    event_id: String,
    sequence_number: Option<String>,
}

impl Place {
    fn of(record: &EventRecord) -> Self {
        Self {
            event_id: record.event_id.clone(),
            sequence_number: record.change.sequence_number.clone(),
        }
    }
}

/// Tries each record, also after others have failed. Returns those that failed.
async fn each(
    worker: &Worker,
    name: &str,
    handler: for<'a> fn(&'a Worker, Record) -> ConsumerFuture<'a>,
    records: Vec<(Place, Record)>,
    end: Instant,
) -> Vec<Place> {
    let deadline = end - MAX_FOR_ONE;
    let mut failed = Vec::new();
    for (place, record) in records {
        if Instant::now() >= deadline {
            failed.push(place);
            continue;
        }
        let span = info_span!("record", record = place.event_id);
        let work = handler(worker, record).instrument(span);
        let tried = tokio::time::timeout_at(end - ANSWER, work).await;
        match tried.unwrap_or_else(|_| Err(out_of_time())) {
            Ok(Consumed(outcome)) => info!(consumer = name, record = place.event_id, outcome),
            Err(Fault(fault)) => {
                error!(consumer = name, record = place.event_id, fault);
                failed.push(place);
            }
        }
    }
    failed
}

/// Applies a batch. Returns the first record that failed.
async fn batch(
    worker: &Worker,
    name: &str,
    handler: for<'a> fn(&'a Worker, Vec<Record>, Instant) -> BatchFuture<'a>,
    records: Vec<(Place, Record)>,
    end: Instant,
) -> Vec<Place> {
    if records.is_empty() {
        return Vec::new();
    }
    let (places, records): (Vec<_>, Vec<_>) = records.into_iter().unzip();
    let deadline = end - ANSWER;
    let applied = tokio::time::timeout_at(deadline, handler(worker, records, deadline)).await;
    let BatchConsumed { done, fault } = applied.unwrap_or_else(|_| BatchConsumed {
        done: 0,
        fault: Some(out_of_time()),
    });
    info!(consumer = name, records = done);
    let failed = fault.and_then(|Fault(fault)| {
        let place = places.into_iter().nth(done)?;
        error!(consumer = name, record = place.event_id, fault);
        Some(place)
    });
    failed.into_iter().collect()
}

fn out_of_time() -> Fault {
    Fault("out of time".to_owned())
}

/// The record, if the consumer waits for it.
fn wanted(record: &EventRecord, waits_for: &[Wait], reads_images: bool) -> Option<Record> {
    let mut changes = Change::ALL.iter();
    let change = *changes.find(|change| record.event_name == change.as_str())?;
    let keys = item(&record.change.keys);
    let text = |name: &str| keys.get(name)?.as_s().ok().cloned();
    let sort = text("SK")?;
    if !waits_for.iter().any(|wait| wait.fits(change, &sort)) {
        return None;
    }
    // Where there is no image, the event has an empty one.
    let image =
        |image: &serde_dynamo::Item| (reads_images && !image.is_empty()).then(|| item(image));
    Some(Record {
        id: record.event_id.clone(),
        change,
        partition: text("PK")?,
        sort,
        new: image(&record.change.new_image),
        old: image(&record.change.old_image),
        at: Timestamp::from_unix(record.change.approximate_creation_date_time.timestamp()),
    })
}

fn item(image: &serde_dynamo::Item) -> Item {
    image.clone().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const WAITS_FOR: &[Wait] = &[
        Wait {
            changes: &[Change::Modify, Change::Remove],
            sort_key: SortKey::Is("USER"),
        },
        Wait {
            changes: &[Change::Insert],
            sort_key: SortKey::StartsWith("MEMBER#"),
        },
    ];

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
        let found = wanted(&record("MODIFY", "USER", &images), WAITS_FOR, true).unwrap();
        assert_eq!(found.change, Change::Modify);
        assert_eq!((&*found.partition, &*found.sort), ("USER#a", "USER"));
        assert_eq!(found.old.unwrap()["version"].as_n().unwrap(), "1");
        let new = found.new.as_ref().unwrap();
        assert_eq!(new["version"].as_n().unwrap(), "2");
        let new = found.new.unwrap();
        assert_eq!(new["tries"].as_ss().unwrap(), &["a"]);
        assert_eq!(found.at, Timestamp::from_unix(1_640_975_400));

        let gone = json!({ "OldImage": images["OldImage"] });
        let found = wanted(&record("REMOVE", "USER", &gone), WAITS_FOR, true).unwrap();
        assert_eq!(found.change, Change::Remove);
        assert!(found.old.is_some() && found.new.is_none());

        let found = wanted(&record("MODIFY", "USER", &images), WAITS_FOR, false).unwrap();
        assert!(found.old.is_none() && found.new.is_none());
    }

    #[test]
    fn other_changes_and_other_items_are_not_for_the_consumer() {
        let none = json!({});
        for (event, sort_key, is_wanted) in [
            ("MODIFY", "USER", true),
            ("INSERT", "USER", false),
            ("MODIFY", "USER#PENDING_EMAIL#1", false),
            ("INSERT", "MEMBER#1", true),
            ("REMOVE", "MEMBER#1", false),
            ("OTHER", "USER", false),
        ] {
            let found = wanted(&record(event, sort_key, &none), WAITS_FOR, true);
            assert_eq!(found.is_some(), is_wanted, "{event} {sort_key}");
        }
    }
}
