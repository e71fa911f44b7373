//! `hot.db`: a snapshot of the memory, and the changes since.
//!
//! In scope: keeping changes, replaying them, and the thread that compacts the file and checkpoints SQLite's log. Out of
//! scope: when to commit, and what to believe when that fails.

mod compaction;
mod error;
mod file;
mod keeper;
mod replay;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use gateway_core::memory::{Change, Memory};
use gateway_core::version::Generation;
use rusqlite::{Connection, params};

pub(crate) use error::JournalError;
use keeper::{Charge, Keeper};

/// How much the keeper does, and how often.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// How many changes may follow a snapshot before the next: replaying them takes about a second.
    pub(super) changes: i64,
    /// How many bytes of a snapshot are written at once: a few milliseconds.
    pub(super) part: usize,
    /// How many changes are deleted at once: a few milliseconds.
    pub(super) deletions: u32,
    /// How long others can write between two transactions of a compaction.
    pub(super) pause: Duration,
    /// How often the keeper looks. A power cut may cost as much, or what came while it compacts, which takes seconds.
    pub(super) turn: Duration,
    /// How many bytes SQLite's log may have before it starts over, which costs writers a wait for the disk.
    pub(super) log: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            changes: 200_000,
            part: 1024 * 1024,
            deletions: 2000,
            pause: Duration::from_millis(5),
            turn: Duration::from_secs(1),
            log: 64 * 1024 * 1024,
        }
    }
}

/// The open journal. What it is made of is given up in this order: the keeper first, the lock last.
pub(super) struct Journal {
    _keeper: Keeper,
    connection: Connection,
    /// The position of the last change. No position is given twice: a snapshot that holds one holds all below.
    position: i64,
    /// The position of the last change that was committed, for the keeper.
    committed: Arc<AtomicI64>,
    _handle: file::Handle,
    _lock: std::fs::File,
}

impl Journal {
    /// Opens a journal and replays it; a new one starts in `generation`.
    pub(super) fn open(data: &Path, generation: Generation, pace: Pace) -> Result<(Self, Memory), JournalError> {
        let lock = file::lock(data)?;
        let handle = file::Handle::open(data)?;
        let mut connection = file::connect(data)?;
        file::prepare(&mut connection, generation)?;
        file::checkpoint(&connection)?;
        let replayed = replay::replay(&connection)?;
        let committed = Arc::new(AtomicI64::new(replayed.position));
        let keeper = Keeper::start(Charge {
            connection: file::connect(data)?,
            handle: handle.clone(),
            log: file::log(data),
            pace,
            committed: Arc::clone(&committed),
            kept: replayed.kept,
        })?;
        let position = replayed.position;
        let journal = Self { _keeper: keeper, connection, position, committed, _handle: handle, _lock: lock };
        Ok((journal, replayed.memory))
    }

    /// Makes the memory that the journal describes.
    pub(super) fn replay(&mut self) -> Result<Memory, JournalError> {
        let replayed = replay::replay(&self.connection)?;
        self.position = replayed.position;
        Ok(replayed.memory)
    }

    /// Adds a change, if it has to survive. The first one starts a transaction.
    pub(super) fn record(&mut self, change: &Change) -> Result<(), JournalError> {
        if !change.is_durable() {
            return Ok(());
        }
        if self.connection.is_autocommit() {
            self.connection.execute_batch("BEGIN IMMEDIATE")?;
        }
        let body = serde_json::to_vec(change)?;
        let mut insert = self.connection.prepare_cached("INSERT INTO change (position, body) VALUES (?1, ?2)")?;
        insert.execute(params![self.position + 1, body])?;
        self.position += 1;
        Ok(())
    }

    /// Ends the transaction, if there is one: what it holds survives the process.
    pub(super) fn commit(&mut self) -> Result<(), JournalError> {
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("COMMIT")?;
            self.committed.store(self.position, Ordering::Release);
        }
        Ok(())
    }

    /// Gives the transaction up, if there is one.
    pub(super) fn rollback(&mut self) -> Result<(), JournalError> {
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
