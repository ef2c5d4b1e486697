//! The table's stream, and what Lambda does between it and a consumer: batches, filters, retries.
//!
//! It works on one batch of a shard at a time and ignores the template's parallelization factor. So a
//! slow batch holds up the following ones, where Lambda would go on.
//!
//! The stream's API is used in plain JSON, because Lambda's events have the same form. The SDK can't
//! read all answers of DynamoDB Local: an empty map has no type there.
//!
//! The embedded store reports its writes, so it is only asked after a write. It removes the records
//! that every consumer has processed, and stores the number of the last one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use aws_lambda_events::event::streams::DynamoDbEventResponse;
use consumer::{Consumer, Worker, consume};
use domain::Timestamp;
use embedded::Embedded;
use serde::Deserialize as _;
use serde_json::{Value, json};
use store::Settings;
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;
use tracing::{error, warn};

use crate::StartError;
use crate::database::Dynamodb;
use crate::template::StreamFunction;

/// How long `cargo run` waits so that records come in one batch, and how often it asks a store that
/// doesn't report its writes. Lambda asks four times a second.
const POLL: Duration = Duration::from_millis(200);
/// The shortest and the longest time that `cargo run` waits before it gives a consumer failed records
/// again. As with Lambda, the time grows with each failure.
const RETRY: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(5)];
/// How long one answer of the stream may take.
const ANSWER: Duration = Duration::from_secs(3);
/// The one shard of the embedded store's stream, which is read without its API.
const EMBEDDED_SHARD: &str = "embedded";
/// How many records are read at a time.
const PAGE: usize = 200;
/// How long to wait after the stream could not be read.
const REST: Duration = Duration::from_secs(5);

/// Why the stream can't be read: the request that failed, and its error. It has nothing of the stream's
/// content.
#[derive(Debug, thiserror::Error)]
#[error("{action}: {code}")]
pub struct StreamError {
    action: &'static str,
    code: String,
}

impl StreamError {
    fn of(action: &'static str, fault: &embedded::Fault) -> Self {
        Self {
            action,
            code: fault.to_string(),
        }
    }

    /// The record that was asked for is older than all that the stream still has.
    fn is_trimmed(&self) -> bool {
        self.code == "TrimmedDataAccessException"
    }
}

/// What each consumer works with, by the consumer's name: its role is its own.
pub type Workers = BTreeMap<String, Arc<Worker>>;

/// The table's stream with its consumers.
pub struct Stream {
    source: Source,
    table: String,
    arn: String,
    consumers: Vec<(&'static Consumer, StreamFunction)>,
    /// A filter needs an item's images, and not only its keys.
    filters_look_at_images: bool,
    shards: Mutex<Shards>,
}

#[derive(Default)]
struct Shards {
    all: Vec<Shard>,
    /// All shards are known. A shard that is read to its end may have children.
    are_all_known: bool,
}

/// A part of the stream, whose records are in order.
struct Shard {
    id: String,
    parent: Option<String>,
    /// The last record that was read.
    last_read: Option<String>,
    /// The shard has no more records.
    is_read_out: bool,
    /// One queue for each consumer.
    queues: Vec<Queue>,
    /// The numbers of the records that were read and not removed yet, in order.
    kept: VecDeque<String>,
    /// How many records were removed since the start.
    removed: usize,
}

/// The records that a consumer has not processed yet.
#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    /// The size of a batch after one failed as a whole: half of it.
    at_most: Option<usize>,
    /// When the first batch last failed; `None` after a success.
    failed_at: Option<Instant>,
}

struct Waiting {
    record: Arc<Value>,
    /// How many records of the shard were read before it.
    number: usize,
    failures: u32,
}

impl Queue {
    /// When the failed records may be tried again.
    fn rests_until(&self) -> Option<Instant> {
        let [least, most] = RETRY;
        let failures = self.waiting.front().map_or(0, |first| first.failures);
        let rest = least * 2_u32.saturating_pow(failures.saturating_sub(1));
        self.failed_at.map(|failed_at| failed_at + rest.min(most))
    }

    /// Whether the failed records may be tried again.
    fn is_due(&self, now: Instant) -> bool {
        self.rests_until().is_none_or(|until| now >= until)
    }
}

impl Shard {
    fn new(id: String, parent: Option<String>, last_read: Option<String>, queues: usize) -> Self {
        Self {
            id,
            parent,
            last_read,
            is_read_out: false,
            queues: (0..queues).map(|_| Queue::default()).collect(),
            kept: VecDeque::new(),
            removed: 0,
        }
    }

    /// Notes that a record was read, also if no consumer waits for it. Returns how many records came
    /// before it.
    fn pass(&mut self, sequence_number: &str) -> usize {
        let number = self.removed + self.kept.len();
        self.kept.push_back(sequence_number.to_owned());
        self.last_read = Some(sequence_number.to_owned());
        number
    }

    /// How many records, from the first one that is kept, every consumer has processed.
    fn done(&self) -> usize {
        let read = self.removed + self.kept.len();
        let first_waiting =
            |queue: &Queue| queue.waiting.front().map_or(read, |first| first.number);
        let done = self.queues.iter().map(first_waiting).min();
        done.unwrap_or(read) - self.removed
    }
}

impl Waiting {
    /// Whether Lambda would give up the record: it is too old, or has failed too often.
    fn is_over(&self, function: &StreamFunction, now: Timestamp) -> bool {
        let created = &self.record["dynamodb"]["ApproximateCreationDateTime"];
        let created = Duration::try_from_secs_f64(created.as_f64().unwrap_or_default());
        let created = Timestamp::from_unix(0).plus(created.unwrap_or_default());
        let is_too_old = function
            .maximum_record_age
            .is_some_and(|most| created.until(now) > most);
        let failed_too_often = function
            .maximum_retry_attempts
            .is_some_and(|most| self.failures > most);
        is_too_old || failed_too_often
    }
}

/// Which records of a batch failed.
enum Failed {
    Nothing,
    /// This record, and maybe later ones.
    From(usize),
    /// The function ended without an answer.
    Whole,
}

impl Stream {
    /// The stream of the table that `settings` name. It starts after the last record that was removed.
    /// Where the store removes none, it starts at the oldest: records may come again, because Lambda,
    /// too, promises at least one delivery, not exactly one.
    pub async fn open(
        dynamodb: &Dynamodb,
        settings: &Settings,
        functions: &[StreamFunction],
        consumers: &[&'static Consumer],
    ) -> Result<Self, StartError> {
        let source = Source::of(dynamodb, settings);
        let refused = |reason| dynamodb.refused(reason);
        let streams = source
            .ask("ListStreams", json!({ "TableName": settings.table }))
            .await
            .map_err(|fault| refused(fault.to_string()))?;
        let arn = array(&streams["Streams"])
            .iter()
            // A table that was made anew also has its former streams. Their labels are times.
            .max_by_key(|stream| text(&stream["StreamLabel"]))
            .and_then(|stream| text(&stream["StreamArn"]))
            .ok_or_else(|| refused("the table has no stream".to_owned()))?;
        let consumers = functions
            .iter()
            .map(|function| {
                let name = &function.function.name;
                let consumer = consumers.iter().find(|consumer| consumer.name == name);
                let consumer = consumer.ok_or(format!("there is no consumer {name}"))?;
                Ok((*consumer, function.clone()))
            })
            .collect::<Result<_, String>>()
            .map_err(refused)?;
        Ok(Self {
            source,
            table: settings.table.clone(),
            arn,
            filters_look_at_images: functions.iter().any(StreamFunction::looks_at_images),
            consumers,
            shards: Mutex::default(),
        })
    }

    /// Gives the consumers all new records, and those that failed the last time. Returns how many
    /// records they were given; after 0, no record is left.
    ///
    /// A record that fails comes again at the next call, with those after it, without a pause. Its age
    /// is measured by the consumers' clock.
    pub async fn deliver(&self, workers: &Workers) -> Result<usize, StreamError> {
        self.deliver_if(workers, |_| true).await
    }

    async fn deliver_if(
        &self,
        workers: &Workers,
        is_due: impl Fn(&Queue) -> bool,
    ) -> Result<usize, StreamError> {
        let mut shards = self.shards.lock().await;
        if !shards.are_all_known {
            self.find_shards(&mut shards.all).await?;
            shards.are_all_known = !shards.all.is_empty();
        }
        let mut given = 0;
        for index in 0..shards.all.len() {
            if waits_for_parent(&shards.all, index) {
                continue;
            }
            let shard = &mut shards.all[index];
            if !shard.is_read_out {
                self.read(shard).await?;
                shards.are_all_known &= !shards.all[index].is_read_out;
            }
            let shard = &mut shards.all[index];
            for ((consumer, function), queue) in self.consumers.iter().zip(&mut shard.queues) {
                let worker = workers.get(consumer.name);
                if let Some(worker) = worker.filter(|_| is_due(queue)) {
                    given += work_off(worker, consumer, function, queue).await;
                }
            }
        }
        Ok(given)
    }

    /// Removes the records that every consumer has processed, where the store leaves that to its
    /// reader.
    pub async fn remove_consumed(&self) -> Result<(), StreamError> {
        let mut shards = self.shards.lock().await;
        for shard in &mut shards.all {
            let done = shard.done();
            if let Some(last) = done.checked_sub(1) {
                self.source.remove(&self.table, &shard.kept[last]).await?;
                shard.kept.drain(..done);
                shard.removed += done;
            }
        }
        Ok(())
    }

    /// Delivers for as long as the runtime lives. Failed records wait before they come again.
    pub async fn run(&self, workers: Workers) {
        let mut writes = self.source.writes();
        loop {
            if let Some(writes) = &mut writes {
                writes.mark_unchanged();
            }
            let has_rested = |queue: &Queue| queue.is_due(Instant::now());
            let delivered = self.deliver_if(&workers, has_rested).await;
            let done = match delivered {
                Ok(_) => self.remove_consumed().await,
                Err(fault) => Err(fault),
            };
            if let Err(fault) = done {
                error!(%fault, "stream");
                tokio::time::sleep(REST).await;
                continue;
            }
            if let Some(writes) = &mut writes {
                let rested = self.rested().await;
                tokio::select! {
                    _ = writes.changed() => {}
                    () = rested => {}
                }
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Resolves when failed records may be tried again; never, where there are none.
    async fn rested(&self) -> impl Future<Output = ()> + use<> {
        let shards = self.shards.lock().await;
        let queues = shards.all.iter().flat_map(|shard| &shard.queues);
        let until = queues.filter_map(Queue::rests_until).min();
        async move {
            match until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        }
    }

    async fn find_shards(&self, shards: &mut Vec<Shard>) -> Result<(), StreamError> {
        if let Source::Embedded(embedded) = &self.source {
            let position = embedded.position(&self.table);
            let position =
                position.map_err(|fault| StreamError::of("read the position", &fault))?;
            let (id, position) = (EMBEDDED_SHARD.to_owned(), position.to_string());
            shards.push(Shard::new(id, None, Some(position), self.consumers.len()));
            return Ok(());
        }
        let mut last = Value::Null;
        loop {
            let mut request = json!({ "StreamArn": self.arn });
            if last.is_string() {
                request["ExclusiveStartShardId"] = last;
            }
            let answer = self.source.ask("DescribeStream", request).await?;
            let page = &answer["StreamDescription"];
            for shard in array(&page["Shards"]) {
                let id = text(&shard["ShardId"]).unwrap_or_default();
                if shards.iter().all(|known| known.id != id) {
                    let parent = text(&shard["ParentShardId"]);
                    shards.push(Shard::new(id, parent, None, self.consumers.len()));
                }
            }
            last = page["LastEvaluatedShardId"].clone();
            if last.is_null() {
                return Ok(());
            }
        }
    }

    /// Reads a shard up to its present end, and queues its records.
    async fn read(&self, shard: &mut Shard) -> Result<(), StreamError> {
        match &self.source {
            Source::Embedded(embedded) => self.skim(embedded, shard),
            Source::At(_) => self.read_by_api(shard).await,
        }
    }

    /// Most records are for no consumer. Their keys are enough to see that.
    fn skim(&self, embedded: &Embedded, shard: &mut Shard) -> Result<(), StreamError> {
        loop {
            let last_read = shard.last_read.as_deref().unwrap_or_default();
            let records = embedded
                .records_after(&self.table, last_read.parse().unwrap_or(0), PAGE)
                .map_err(|fault| StreamError::of("read records", &fault))?;
            for record in &records {
                let skimmed = record.json(self.filters_look_at_images);
                if self
                    .consumers
                    .iter()
                    .any(|(_, function)| function.wants(&skimmed))
                {
                    self.queue(record.json(true), shard);
                } else {
                    shard.pass(&record.number.to_string());
                }
            }
            if records.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// Iterators aren't kept for the next call: they expire, and in DynamoDB Local they lose their
    /// place in a shard without records.
    async fn read_by_api(&self, shard: &mut Shard) -> Result<(), StreamError> {
        let mut iterator = Some(self.iterator(shard).await?);
        while let Some(place) = iterator {
            let request = json!({ "ShardIterator": place });
            let page = match self.source.ask("GetRecords", request).await {
                // The shard's first record came between the two requests. The next call reads it.
                Err(fault) if fault.is_trimmed() => return Ok(()),
                page => page?,
            };
            let records = array(&page["Records"]);
            for record in records {
                self.queue(record.clone(), shard);
            }
            iterator = text(&page["NextShardIterator"]);
            if iterator.is_some() && records.is_empty() {
                return Ok(());
            }
        }
        shard.is_read_out = true;
        Ok(())
    }

    /// An iterator that starts after the last record that was read.
    async fn iterator(&self, shard: &Shard) -> Result<String, StreamError> {
        const ACTION: &str = "GetShardIterator";
        let oldest = json!({
            "StreamArn": self.arn,
            "ShardId": shard.id,
            "ShardIteratorType": "TRIM_HORIZON",
        });
        let answer = match &shard.last_read {
            None => self.source.ask(ACTION, oldest).await?,
            Some(number) => {
                let mut next = oldest.clone();
                next["ShardIteratorType"] = "AFTER_SEQUENCE_NUMBER".into();
                next["SequenceNumber"] = number.as_str().into();
                match self.source.ask(ACTION, next).await {
                    // The last record that was read is so old that it is gone, so all records that are
                    // left came later.
                    Err(fault) if fault.is_trimmed() => self.source.ask(ACTION, oldest).await?,
                    answer => answer?,
                }
            }
        };
        text(&answer["ShardIterator"]).ok_or(StreamError {
            action: ACTION,
            code: "no iterator".to_owned(),
        })
    }

    /// Queues a record for the consumers whose filters it fits.
    fn queue(&self, mut record: Value, shard: &mut Shard) {
        record["eventSourceARN"] = self.arn.as_str().into();
        for image in ["Keys", "NewImage", "OldImage"] {
            mend(&mut record["dynamodb"][image]);
        }
        let number = shard.pass(sequence_number(&record).as_str().unwrap_or_default());
        let record = Arc::new(record);
        for ((_, function), queue) in self.consumers.iter().zip(&mut shard.queues) {
            if function.wants(&record) {
                queue.waiting.push_back(Waiting {
                    record: Arc::clone(&record),
                    number,
                    failures: 0,
                });
            }
        }
    }
}

/// The API of the stream.
enum Source {
    Embedded(Embedded),
    At(Endpoint),
}

impl Source {
    fn of(dynamodb: &Dynamodb, settings: &Settings) -> Self {
        match dynamodb {
            Dynamodb::Embedded(embedded) => Self::Embedded(embedded.clone()),
            Dynamodb::At(url) => Self::At(Endpoint::of(url, settings)),
        }
    }

    async fn ask(&self, action: &'static str, request: Value) -> Result<Value, StreamError> {
        let target = format!("DynamoDBStreams_20120810.{action}");
        let failed = |code: &str| StreamError {
            action,
            code: code.to_owned(),
        };
        let (is_success, body) = match self {
            Self::Embedded(embedded) => {
                let answer = embedded
                    .answer(&target, request.to_string().as_bytes())
                    .await;
                (answer.status == 200, answer.body)
            }
            Self::At(endpoint) => {
                let answer = endpoint.post(target, request).await;
                answer.map_err(|_| failed("no answer"))?
            }
        };
        let body: Value = serde_json::from_str(&body).map_err(|_| failed("no JSON"))?;
        if is_success {
            return Ok(body);
        }
        let kind = body["__type"].as_str().unwrap_or("no code");
        Err(failed(kind.rsplit('#').next().unwrap_or(kind)))
    }

    /// A signal that changes with every write, where the store has one.
    fn writes(&self) -> Option<watch::Receiver<u64>> {
        match self {
            Self::Embedded(embedded) => Some(embedded.writes()),
            Self::At(_) => None,
        }
    }

    async fn remove(&self, table: &str, consumed: &str) -> Result<(), StreamError> {
        let (Self::Embedded(embedded), Ok(consumed)) = (self, consumed.parse()) else {
            return Ok(());
        };
        let removed = embedded.remove_records(table, consumed).await;
        removed.map_err(|fault| StreamError::of("remove records", &fault))
    }
}

/// A store in another process.
struct Endpoint {
    http: reqwest::Client,
    url: String,
    authorization: String,
}

impl Endpoint {
    fn of(url: &str, settings: &Settings) -> Self {
        let (key, region) = (settings.credentials.access_key_id(), &settings.region);
        Self {
            http: reqwest::Client::new(),
            url: url.to_owned(),
            // Some local stores keep tables apart by credentials and region, and verify no signature.
            authorization: format!(
                "AWS4-HMAC-SHA256 Credential={key}/20000101/{region}/dynamodb/aws4_request, \
                 SignedHeaders=host, Signature=none"
            ),
        }
    }

    async fn post(&self, target: String, request: Value) -> reqwest::Result<(bool, String)> {
        let answer = self
            .http
            .post(&self.url)
            .header("x-amz-target", target)
            .header("content-type", "application/x-amz-json-1.0")
            .header("authorization", &self.authorization)
            .header("x-amz-date", "20000101T000000Z")
            .timeout(ANSWER)
            .body(request.to_string())
            .send()
            .await?;
        Ok((answer.status().is_success(), answer.text().await?))
    }
}

/// The records of a shard come after all of its parent's.
fn waits_for_parent(shards: &[Shard], index: usize) -> bool {
    let parent = shards[index].parent.as_ref();
    shards.iter().any(|shard| {
        let is_done =
            shard.is_read_out && shard.queues.iter().all(|queue| queue.waiting.is_empty());
        Some(&shard.id) == parent && !is_done
    })
}

/// Gives a consumer its queue in batches, up to the first failure.
async fn work_off(
    worker: &Arc<Worker>,
    consumer: &'static Consumer,
    function: &StreamFunction,
    queue: &mut Queue,
) -> usize {
    let mut given = 0;
    loop {
        let now = worker.app.clock.now();
        let mut over = 0;
        while let Some(first) = queue.waiting.front()
            && first.is_over(function, now)
        {
            queue.waiting.pop_front();
            queue.failed_at = None;
            over += 1;
        }
        if over > 0 {
            // After a restart, these may include records that an earlier process has processed.
            warn!(consumer = consumer.name, records = over, "given up");
        }
        let at_most = queue.at_most.unwrap_or(function.batch_size);
        let records: Vec<_> = queue
            .waiting
            .iter()
            .take(at_most)
            .map(|waiting| Arc::clone(&waiting.record))
            .collect();
        let length = records.len();
        if length == 0 {
            break;
        }
        given += length;
        let first_failed = match invoke(worker, consumer, function, &records).await {
            Failed::Nothing => {
                queue.waiting.drain(..length);
                queue.at_most = None;
                queue.failed_at = None;
                continue;
            }
            // Making the batch smaller does not count as a retry.
            Failed::Whole if function.bisects && length > 1 => {
                queue.at_most = Some(length.div_ceil(2));
                queue.failed_at = Some(Instant::now());
                break;
            }
            Failed::Whole => 0,
            Failed::From(index) => index,
        };
        queue.waiting.drain(..first_failed);
        queue.waiting[0].failures += 1;
        if !queue.waiting[0].is_over(function, now) {
            queue.failed_at = Some(Instant::now());
            break;
        }
    }
    given
}

/// Runs the consumer in a task of its own, so that a panic is an error of the function.
async fn invoke(
    worker: &Arc<Worker>,
    consumer: &'static Consumer,
    function: &StreamFunction,
    records: &[Arc<Value>],
) -> Failed {
    let failed = |fault: String| {
        error!(consumer = consumer.name, fault);
        Failed::Whole
    };
    let mut event = Event::default();
    let read = records
        .iter()
        .map(|record| EventRecord::deserialize(&**record));
    match read.collect() {
        Ok(records) => event.records = records,
        Err(fault) => return failed(fault.to_string()),
    }
    let worker = Arc::clone(worker);
    let end = Instant::now() + function.function.timeout;
    let task = tokio::spawn(async move { consume(&worker, consumer, event, end).await });
    let handle = task.abort_handle();
    let answer = match tokio::time::timeout(function.function.timeout, task).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(fault)) => return failed(fault.to_string()),
        Err(_) => {
            handle.abort();
            return failed("timed out".to_owned());
        }
    };
    if function.reports_failures() {
        first_failed(&answer, records)
    } else {
        Failed::Nothing
    }
}

/// The first record that the answer names as failed. If the answer names one that is not in the batch,
/// all have failed.
fn first_failed(answer: &DynamoDbEventResponse, records: &[Arc<Value>]) -> Failed {
    let mut first = None;
    for failure in &answer.batch_item_failures {
        let name = failure.item_identifier.as_deref();
        let index = records
            .iter()
            .position(|record| name.is_some() && sequence_number(record).as_str() == name);
        match index {
            None => return Failed::Whole,
            Some(index) => first = Some(first.map_or(index, |first: usize| first.min(index))),
        }
    }
    first.map_or(Failed::Nothing, Failed::From)
}

fn sequence_number(record: &Value) -> &Value {
    &record["dynamodb"]["SequenceNumber"]
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Adds the type that DynamoDB Local leaves out at an item's empty maps.
fn mend(item: &mut Value) {
    let attributes = item.as_object_mut().into_iter().flatten();
    for (_, value) in attributes {
        mend_value(value);
    }
}

fn mend_value(value: &mut Value) {
    if value.as_object().is_some_and(serde_json::Map::is_empty) {
        *value = json!({ "M": {} });
    }
    if let Some(map) = value.get_mut("M") {
        mend(map);
    }
    if let Some(Value::Array(list)) = value.get_mut("L") {
        list.iter_mut().for_each(mend_value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_record_waits_longer_each_time_up_to_a_limit() {
        let failed_at = Instant::now();
        let rest = |failures| {
            let record = Arc::new(Value::Null);
            let queue = Queue {
                waiting: [Waiting {
                    record,
                    number: 0,
                    failures,
                }]
                .into(),
                failed_at: Some(failed_at),
                ..Queue::default()
            };
            let is_due = |millis: &u64| queue.is_due(failed_at + Duration::from_millis(*millis));
            (0..=10_000).step_by(100).find(is_due)
        };
        let rests: Vec<_> = [0, 1, 2, 3, 5, 6, u32::MAX]
            .map(rest)
            .into_iter()
            .flatten()
            .collect();
        assert_eq!(rests, [200, 200, 400, 800, 3200, 5000, 5000]);
        assert!(Queue::default().is_due(failed_at));
    }

    #[test]
    fn empty_maps_get_their_type_back_at_any_depth() {
        let mut item =
            json!({ "a": {}, "b": { "M": { "c": {}, "d": { "L": [{}, { "S": "" }] } } } });
        mend(&mut item);
        let empty = json!({ "M": {} });
        let list = json!({ "L": [empty, { "S": "" }] });
        assert_eq!(
            item,
            json!({ "a": empty, "b": { "M": { "c": empty, "d": list } } })
        );
    }
}
