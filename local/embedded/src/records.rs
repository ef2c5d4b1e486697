//! The stream's records, as dynoxide keeps them in its database: past its own API, because it never
//! removes one and looks through all of them at each write.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension as _, Result, params};

/// What dynoxide 3.2 lacks: it asks for the highest number of a table's records at each write. The
/// id lets a record be found without reading its images.
const INDEX: &str = "CREATE INDEX IF NOT EXISTS roster_stream_records
    ON _stream_records (table_name, CAST(sequence_number AS INTEGER), event_id)";
/// How far a table's stream was consumed.
const POSITIONS: &str = "CREATE TABLE IF NOT EXISTS roster_stream_positions (
    table_name TEXT PRIMARY KEY,
    shard_id TEXT NOT NULL,
    sequence_number TEXT NOT NULL
) WITHOUT ROWID";
/// Everything before a record, and never the record itself: dynoxide numbers the next one after the
/// highest that is there, and its clock may go back.
const REMOVE: &str = "DELETE FROM _stream_records WHERE id IN (
    SELECT id FROM _stream_records
    WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) < (
        SELECT CAST(sequence_number AS INTEGER) FROM _stream_records
        WHERE table_name = ?1 AND event_id = ?2)
    ORDER BY CAST(sequence_number AS INTEGER)
    LIMIT ?3)";
/// How many records go at once: what a request may have to wait for.
const BATCH: usize = 200;

/// The database, by a second connection.
pub(crate) struct Records(Mutex<Connection>);

/// The last record that every consumer is done with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumed {
    /// Its shard.
    pub shard_id: String,
    /// Its `SequenceNumber`.
    pub sequence_number: String,
    /// Its `eventID`.
    pub event_id: String,
}

/// How far a table's stream was consumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The last record's shard.
    pub shard_id: String,
    /// The last record's `SequenceNumber`.
    pub sequence_number: String,
}

impl Records {
    /// Those of the database at `place`, which dynoxide has made.
    pub(super) fn open(place: &str) -> Result<Self> {
        let connection = Connection::open(place)?;
        // What a power cut takes from here is consumed twice; no write waits for the disk.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.execute(INDEX, [])?;
        connection.execute(POSITIONS, [])?;
        Ok(Self(Mutex::new(connection)))
    }

    /// How far the table's stream was consumed.
    pub(crate) fn position(&self, table: &str) -> Result<Option<Position>> {
        let position = "SELECT shard_id, sequence_number FROM roster_stream_positions
            WHERE table_name = ?1";
        self.connection()
            .query_row(position, [table], |row| {
                Ok(Position {
                    shard_id: row.get(0)?,
                    sequence_number: row.get(1)?,
                })
            })
            .optional()
    }

    /// Keeps how far the table's stream was consumed, and removes what lies before.
    pub(crate) fn remove(&self, table: &str, consumed: &Consumed) -> Result<()> {
        let Consumed {
            shard_id,
            sequence_number,
            event_id,
        } = consumed;
        let keep = "INSERT OR REPLACE INTO roster_stream_positions VALUES (?1, ?2, ?3)";
        self.connection()
            .execute(keep, [table, shard_id, sequence_number])?;
        loop {
            // Requests may come in between.
            let removed = self
                .connection()
                .prepare_cached(REMOVE)?
                .execute(params![table, event_id, BATCH])?;
            if removed < BATCH {
                return Ok(());
            }
        }
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

    /// What dynoxide asks at each write.
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

    /// The next number, and the steps that it took SQLite to find it.
    fn next(connection: &Connection) -> (u32, i32) {
        let mut next = connection.prepare(NEXT).unwrap();
        let number = next.query_row(["a"], |row| row.get(0)).unwrap();
        (number, next.get_status(StatementStatus::VmStep))
    }

    #[test]
    fn dynoxide_still_needs_the_index_and_bears_it() {
        // A new dynoxide may number otherwise, have an index of its own, or remove records itself.
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
        // Opened again, as after a restart, dynoxide finds what it doesn't know.
        Database::new(&place).unwrap();
        Records::open(&place).unwrap();
    }

    #[test]
    fn records_go_up_to_the_one_that_was_consumed_and_the_numbers_go_on() {
        let place = new_memory();
        let _database = Database::new(&place).unwrap();
        let records = Records::open(&place).unwrap();
        let connection = Connection::open(&place).unwrap();
        insert(&connection, 0..BATCH as u32 * 2 + 10);
        let consumed = |number: usize| Consumed {
            shard_id: "shard".to_owned(),
            sequence_number: format!("public {number}"),
            event_id: format!("event {number}"),
        };
        let left = || {
            let left = "SELECT min(CAST(sequence_number AS INTEGER)) FROM _stream_records";
            connection
                .query_row(left, [], |row| row.get::<_, usize>(0))
                .unwrap()
        };
        assert!(records.position("a").unwrap().is_none());
        for number in [1, BATCH * 2 + 3, BATCH * 2 + 9] {
            records.remove("a", &consumed(number)).unwrap();
            assert_eq!(left(), number);
            let position = records.position("a").unwrap().unwrap();
            assert_eq!(position.sequence_number, format!("public {number}"));
        }
        assert_eq!(next(&connection).0, BATCH as u32 * 2 + 10);
        // What somebody has removed already, and another table's.
        records.remove("a", &consumed(1)).unwrap();
        records.remove("b", &consumed(BATCH * 2 + 9)).unwrap();
        assert_eq!(left(), BATCH * 2 + 9);
    }
}
