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
pub(crate) struct Consumed {
    pub(crate) shard_id: String,
    pub(crate) sequence_number: String,
    pub(crate) event_id: String,
}

/// How far a table's stream was consumed.
pub(crate) struct Position {
    pub(crate) shard_id: String,
    pub(crate) sequence_number: String,
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
