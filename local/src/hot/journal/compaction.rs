//! A new snapshot in place of the old one and the changes since, in transactions of a few milliseconds.
//!
//! It is made from the file, not from the memory in use, so that nobody waits for a copy of that. What an interrupted
//! compaction leaves behind counts for nothing, and the next one deletes it.

use std::ops::ControlFlow;

use rusqlite::{Connection, params};

use super::Pace;
use super::error::JournalError;
use super::replay::replay;

/// Deletes some changes that the snapshot holds.
const FORGET_CHANGES: &str = "DELETE FROM change WHERE position IN (
    SELECT position FROM change WHERE position <= (SELECT position FROM latest) ORDER BY position LIMIT ?1)";

/// Deletes some parts of snapshots that do not count.
const FORGET_PARTS: &str = "DELETE FROM snapshot WHERE rowid IN (
    SELECT rowid FROM snapshot WHERE number <> (SELECT number FROM latest) LIMIT ?1)";

/// Compacts the journal, with a `pause` before each transaction. Returns through which position, or `None` if a pause
/// said that it is time to stop.
pub(super) fn compact(
    connection: &Connection,
    pace: &Pace,
    mut pause: impl FnMut() -> ControlFlow<()>,
) -> Result<Option<i64>, JournalError> {
    if forget(connection, pace, &mut pause)?.is_break() {
        return Ok(None);
    }
    let replayed = replay(connection)?;
    let (number, position) = (replayed.number + 1, replayed.position);
    let snapshot = serde_json::to_vec(&replayed.memory)?;
    drop(replayed);
    let mut insert = connection.prepare("INSERT INTO snapshot (number, part, body) VALUES (?1, ?2, ?3)")?;
    for (part, body) in (0_i64..).zip(snapshot.chunks(pace.part)) {
        if pause().is_break() {
            return Ok(None);
        }
        insert.execute(params![number, part, body])?;
    }
    if pause().is_break() {
        return Ok(None);
    }
    connection.execute("UPDATE latest SET number = ?1, position = ?2", params![number, position])?;
    let forgotten = forget(connection, pace, &mut pause)?;
    Ok(forgotten.is_continue().then_some(position))
}

/// Deletes what counts for nothing, a little at a time.
fn forget(
    connection: &Connection,
    pace: &Pace,
    pause: &mut impl FnMut() -> ControlFlow<()>,
) -> Result<ControlFlow<()>, JournalError> {
    for (sql, at_once) in [(FORGET_CHANGES, pace.deletions), (FORGET_PARTS, 1)] {
        let mut statement = connection.prepare(sql)?;
        loop {
            if pause().is_break() {
                return Ok(ControlFlow::Break(()));
            }
            if statement.execute(params![at_once])? == 0 {
                break;
            }
        }
    }
    Ok(ControlFlow::Continue(()))
}
