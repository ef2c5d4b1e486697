//! The stream's records, as dynoxide keeps them in its database. They are read and removed here without
//! dynoxide's API: it never removes a record, looks through all of them at each write, and always reads
//! both images of each.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};
use serde_json::{Value, json};

/// An index that dynoxide 3.2 lacks: at each write it asks for the highest number of a table's records.
const INDEX: &str = "CREATE INDEX IF NOT EXISTS roster_stream_records
    ON _stream_records (table_name, CAST(sequence_number AS INTEGER))";
/// How far a table's stream was consumed.
const POSITIONS: &str = "CREATE TABLE IF NOT EXISTS roster_stream_positions (
    table_name TEXT PRIMARY KEY,
    sequence_number INTEGER NOT NULL
) WITHOUT ROWID";
const POSITION: &str = "SELECT sequence_number FROM roster_stream_positions WHERE table_name = ?1";
/// Another process with the same file may have consumed more.
const KEEP: &str = "INSERT INTO roster_stream_positions VALUES (?1, ?2)
    ON CONFLICT DO UPDATE SET sequence_number = max(sequence_number, excluded.sequence_number)";
const AFTER: &str = "SELECT CAST(sequence_number AS INTEGER), event_id, event_name, created_at,
        user_identity, keys_json, new_image, old_image,
        (SELECT stream_view_type FROM _tables WHERE _tables.table_name = ?1)
    FROM _stream_records
    WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) > ?2
    ORDER BY CAST(sequence_number AS INTEGER)
    LIMIT ?3";
const REMOVE: &str = "DELETE FROM _stream_records WHERE id IN (
    SELECT id FROM _stream_records
    WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) < ?2
    ORDER BY CAST(sequence_number AS INTEGER)
    LIMIT ?3)";
/// How many records are deleted at once. A request may have to wait for one such deletion.
const BATCH: u32 = 200;

/// The database, by a second connection.
pub(crate) struct Records(Mutex<Connection>);

/// A record of a table's stream.
#[derive(Debug)]
pub struct Record {
    /// Its place in the stream: rises from record to record.
    pub number: i64,
    event_id: String,
    event_name: String,
    /// When it was made, in seconds since the Unix epoch.
    created_at: i64,
    /// Of a removal by the sweep of expired items.
    user_identity: Option<String>,
    keys: String,
    new_image: Option<String>,
    old_image: Option<String>,
    view_type: Option<String>,
}

impl Record {
    fn of(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            number: row.get(0)?,
            event_id: row.get(1)?,
            event_name: row.get(2)?,
            created_at: row.get(3)?,
            user_identity: row.get(4)?,
            keys: row.get(5)?,
            new_image: row.get(6)?,
            old_image: row.get(7)?,
            view_type: row.get(8)?,
        })
    }

    /// The record as `GetRecords` returns it. The images are left out unless they are asked for,
    /// because they take most of the time.
    pub fn json(&self, has_images: bool) -> Value {
        let sizes = [
            Some(&self.keys),
            self.new_image.as_ref(),
            self.old_image.as_ref(),
        ];
        let size: usize = sizes.into_iter().flatten().map(String::len).sum();
        let mut record = json!({
            "eventID": self.event_id,
            "eventName": self.event_name,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": dynoxide::streams::LOCAL_REGION,
            "dynamodb": {
                "ApproximateCreationDateTime": self.created_at,
                "Keys": parsed(&self.keys),
                "SequenceNumber": self.number.to_string(),
                "SizeBytes": size,
                "StreamViewType": self.view_type,
            },
        });
        if has_images {
            for (name, image) in [("NewImage", &self.new_image), ("OldImage", &self.old_image)] {
                if let Some(image) = image {
                    record["dynamodb"][name] = parsed(image);
                }
            }
        }
        if let Some(identity) = &self.user_identity {
            record["userIdentity"] = parsed(identity);
        }
        record
    }
}

/// dynoxide has written the text, so it is JSON.
fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_default()
}

impl Records {
    /// The records of the database at `place`, which dynoxide has made.
    pub(super) fn open(place: &str) -> Result<Self> {
        let connection = Connection::open(place)?;
        // If a power cut undoes these writes, records are consumed twice, which is allowed. So no write
        // here waits for the disk.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.execute(INDEX, [])?;
        connection.execute(POSITIONS, [])?;
        Ok(Self(Mutex::new(connection)))
    }

    /// The number of the record up to which the table's stream was consumed.
    pub(crate) fn position(&self, table: &str) -> Result<i64> {
        let position = self
            .connection()
            .query_row(POSITION, [table], |row| row.get(0))
            .optional()?;
        Ok(position.unwrap_or(0))
    }

    /// The next records after the one of a number.
    pub(crate) fn after(&self, table: &str, number: i64, at_most: usize) -> Result<Vec<Record>> {
        let connection = self.connection();
        let mut records = connection.prepare_cached(AFTER)?;
        let records = records.query_map(params![table, number, at_most], Record::of)?;
        records.collect()
    }

    /// Stores the number of the last record that was consumed, and removes some of the records before
    /// it. Returns whether it has removed the last of them.
    ///
    /// The record itself stays: dynoxide gives the next record the highest number plus one, so the
    /// highest must not be lost.
    pub(crate) fn remove_some(&self, table: &str, consumed: i64) -> Result<bool> {
        let connection = self.connection();
        let transaction = connection.unchecked_transaction()?;
        transaction
            .prepare_cached(KEEP)?
            .execute(params![table, consumed])?;
        let removed = transaction
            .prepare_cached(REMOVE)?
            .execute(params![table, consumed, BATCH])?;
        transaction.commit()?;
        Ok(removed < BATCH as usize)
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use dynoxide::Database;
    use rusqlite::StatementStatus;

    use super::*;
    use crate::new_memory;

    /// The query that dynoxide makes at each write.
    const NEXT: &str = "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1
        FROM _stream_records WHERE table_name = ?1";

    fn insert(connection: &Connection, numbers: std::ops::Range<u32>) {
        let record = "INSERT INTO _stream_records
            (table_name, event_name, keys_json, sequence_number, shard_id, created_at, event_id)
            VALUES ('a', 'INSERT', '{}', ?1, 'shard', 0, 'event ' || ?1)";
        for number in numbers {
            connection.execute(record, [number]).unwrap();
        }
    }

    /// The next number, and how many steps SQLite took to find it.
    fn next(connection: &Connection) -> (u32, i32) {
        let mut next = connection.prepare(NEXT).unwrap();
        let number = next.query_row(["a"], |row| row.get(0)).unwrap();
        (number, next.get_status(StatementStatus::VmStep))
    }

    #[test]
    fn dynoxide_still_needs_the_index_and_accepts_it() {
        // A newer dynoxide may number records otherwise, have such an index, or remove records itself.
        let lock = include_str!("../../../Cargo.lock");
        assert!(lock.contains("name = \"dynoxide-rs\"\nversion = \"3.2.0\"\n"));

        let place = new_memory();
        let _database = Database::new(&place).unwrap();
        let connection = Connection::open(&place).unwrap();
        insert(&connection, 0..1000);
        let (number, steps) = next(&connection);
        assert!(number == 1000 && steps > 1000, "{steps} steps without it");

        Records::open(&place).unwrap();
        let (number, steps) = next(&connection);
        assert!(number == 1000 && steps < 50, "{steps} steps with it");
        // A restart opens the database again. dynoxide must accept the index and the table that it
        // doesn't know.
        Database::new(&place).unwrap();
        Records::open(&place).unwrap();
    }

    #[test]
    fn records_go_up_to_the_one_that_was_consumed_and_the_numbers_go_on() {
        let place = new_memory();
        let _database = Database::new(&place).unwrap();
        let records = Records::open(&place).unwrap();
        let connection = Connection::open(&place).unwrap();
        insert(&connection, 0..BATCH * 2 + 10);
        let all = i64::from(BATCH) * 2 + 10;
        let left = || {
            let records = records.after("a", -1, usize::MAX >> 1).unwrap();
            (records[0].number, records.len())
        };
        assert_eq!(records.position("a").unwrap(), 0);
        for consumed in [1, all - 7, all - 1] {
            while !records.remove_some("a", consumed).unwrap() {}
            assert_eq!(left(), (consumed, usize::try_from(all - consumed).unwrap()));
            assert_eq!(records.position("a").unwrap(), consumed);
        }
        assert_eq!(i64::from(next(&connection).0), all);
        assert!(records.remove_some("b", all).unwrap());
        assert_eq!(left(), (all - 1, 1));
    }

    #[tokio::test]
    async fn a_record_is_told_as_dynoxides_own_api_tells_it() {
        let embedded = crate::Embedded::open(None).unwrap();
        let ask = async |target: &str, request: Value| -> Value {
            let body = request.to_string();
            let answer = embedded.answer(target, body.as_bytes()).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            parsed(&answer.body)
        };
        ask(
            "DynamoDB_20120810.CreateTable",
            json!({
                "TableName": "abc",
                "AttributeDefinitions": [{ "AttributeName": "PK", "AttributeType": "S" }],
                "KeySchema": [{ "AttributeName": "PK", "KeyType": "HASH" }],
                "BillingMode": "PAY_PER_REQUEST",
                "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" },
            }),
        )
        .await;
        for value in ["1", "2"] {
            let item =
                json!({ "PK": { "S": "b" }, "list": { "L": [{ "N": value }, { "M": {} }] } });
            let put = json!({ "TableName": "abc", "Item": item });
            ask("DynamoDB_20120810.PutItem", put).await;
        }
        let delete = json!({ "TableName": "abc", "Key": { "PK": { "S": "b" } } });
        ask("DynamoDB_20120810.DeleteItem", delete).await;

        let streams = ask(
            "DynamoDBStreams_20120810.ListStreams",
            json!({ "TableName": "abc" }),
        )
        .await;
        let arn = &streams["Streams"][0]["StreamArn"];
        let stream = ask(
            "DynamoDBStreams_20120810.DescribeStream",
            json!({ "StreamArn": arn }),
        )
        .await;
        let iterator = ask(
            "DynamoDBStreams_20120810.GetShardIterator",
            json!({
                "StreamArn": arn,
                "ShardId": stream["StreamDescription"]["Shards"][0]["ShardId"],
                "ShardIteratorType": "TRIM_HORIZON",
            }),
        )
        .await;
        let mut told = ask("DynamoDBStreams_20120810.GetRecords", iterator).await;
        let records = embedded.0.records.after("abc", 0, 10).unwrap();
        let mut read: Vec<_> = records.iter().map(|record| record.json(true)).collect();
        let told = told["Records"].as_array_mut().unwrap();
        assert_eq!(told.len(), 3);
        for record in told.iter_mut().chain(&mut read) {
            let dynamodb = record["dynamodb"].as_object_mut().unwrap();
            // The two stores write the number in different forms.
            assert!(dynamodb.remove("SequenceNumber").unwrap().is_string());
            let time = dynamodb["ApproximateCreationDateTime"].as_f64().unwrap();
            dynamodb["ApproximateCreationDateTime"] = time.into();
        }
        assert_eq!(&read, told);
        let skimmed = records[0].json(false);
        assert_eq!(skimmed["dynamodb"]["Keys"], read[0]["dynamodb"]["Keys"]);
        assert!(skimmed["dynamodb"].get("NewImage").is_none());
    }
}
