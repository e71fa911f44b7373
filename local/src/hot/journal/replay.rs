//! What the journal holds, as a memory.

use gateway_core::memory::{Change, Memory};
use rusqlite::{Connection, params};

use super::error::JournalError;

/// What the journal holds.
pub(super) struct Replayed {
    pub(super) memory: Memory,
    /// The snapshot that counts.
    pub(super) number: i64,
    /// The position of the last change in it.
    pub(super) kept: i64,
    /// The position of the last change of all.
    pub(super) position: i64,
}

/// Makes the memory that the journal describes: the snapshot that counts, and the changes that it does not hold.
pub(super) fn replay(connection: &Connection) -> Result<Replayed, JournalError> {
    // One view of all tables: another thread may be deleting what no longer counts.
    let view = connection.unchecked_transaction()?;
    let latest = view.query_row("SELECT number, position FROM latest", [], |row| Ok((row.get(0)?, row.get(1)?)));
    let (number, kept): (i64, i64) = latest?;
    let mut memory: Memory = serde_json::from_slice(&snapshot(&view, number)?)?;
    let mut position = kept;
    let mut statement = view.prepare("SELECT position, body FROM change WHERE position > ?1 ORDER BY position")?;
    let mut rows = statement.query(params![kept])?;
    while let Some(row) = rows.next()? {
        position = row.get(0)?;
        let change: Change = serde_json::from_slice(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
        memory.apply(change);
    }
    Ok(Replayed { memory, number, kept, position })
}

fn snapshot(view: &Connection, number: i64) -> Result<Vec<u8>, JournalError> {
    let mut statement = view.prepare("SELECT body FROM snapshot WHERE number = ?1 ORDER BY part")?;
    let mut rows = statement.query(params![number])?;
    let mut snapshot = Vec::new();
    while let Some(row) = rows.next()? {
        snapshot.extend_from_slice(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?);
    }
    Ok(snapshot)
}
