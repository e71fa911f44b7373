//! `hot.db`: a snapshot of the memory, and the changes since.

use std::fs::Permissions;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use gateway_core::memory::{Change, Memory};
use gateway_core::version::Generation;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

/// The file's name in the data folder.
const FILE: &str = "hot.db";

/// The file whose lock says that a process uses the journal.
const LOCK_FILE: &str = "hot.lock";

/// How long to wait for somebody else's lock on the file, such as a backup's.
const BUSY: Duration = Duration::from_secs(10);

/// How many changes may follow a snapshot before the next: replaying them takes about a second.
const LONG: u64 = 200_000;

/// The version of the tables.
const SCHEMA: i64 = 1;

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JournalError {
    /// Another process has it.
    #[error("{0} is in use by another llm-gateway")]
    InUse(PathBuf),
    /// The lock cannot be taken.
    #[error("cannot lock {path}")]
    Lock { path: PathBuf, source: std::io::Error },
    /// The file cannot be kept to its owner.
    #[error("cannot make {path} private")]
    Private { path: PathBuf, source: std::io::Error },
    /// A newer binary wrote it.
    #[error("hot.db was written by a newer llm-gateway (schema {0})")]
    Newer(i64),
    /// SQLite failed.
    #[error("hot.db failed")]
    Sqlite(#[from] rusqlite::Error),
    /// A row cannot be read or written.
    #[error("hot.db holds something unreadable")]
    Json(#[from] serde_json::Error),
    /// No thread can be started.
    #[error("no thread can be started")]
    Thread(#[source] std::io::Error),
}

/// The open journal.
pub(super) struct Journal {
    connection: Connection,
    rows: u64,
    /// Held as long as the journal is open.
    _lock: std::fs::File,
}

impl Journal {
    /// Opens a journal and replays it; a new one starts in `generation`.
    pub(super) fn open(data: &Path, generation: Generation) -> Result<(Self, Memory), JournalError> {
        let lock = lock(data)?;
        let path = data.join(FILE);
        let connection = Connection::open(&path)?;
        let private = std::fs::set_permissions(&path, Permissions::from_mode(0o600));
        private.map_err(|source| JournalError::Private { path, source })?;
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        let schema: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if schema > SCHEMA {
            return Err(JournalError::Newer(schema));
        }
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS snapshot (id INTEGER PRIMARY KEY CHECK (id = 1), memory BLOB NOT NULL);
             CREATE TABLE IF NOT EXISTS change (position INTEGER PRIMARY KEY, body BLOB NOT NULL);",
        )?;
        connection.pragma_update(None, "user_version", SCHEMA)?;
        let fresh = serde_json::to_vec(&Memory::new(generation))?;
        connection.execute("INSERT OR IGNORE INTO snapshot (id, memory) VALUES (1, ?1)", params![fresh])?;
        let mut journal = Self { connection, rows: 0, _lock: lock };
        let memory = journal.replay()?;
        Ok((journal, memory))
    }

    /// Makes the memory that the journal describes.
    pub(super) fn replay(&mut self) -> Result<Memory, JournalError> {
        let snapshot: Option<Vec<u8>> =
            self.connection.query_row("SELECT memory FROM snapshot", [], |row| row.get(0)).optional()?;
        let mut memory: Memory = serde_json::from_slice(&snapshot.unwrap_or_default())?;
        let mut statement = self.connection.prepare("SELECT body FROM change ORDER BY position")?;
        let mut rows = statement.query([])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            let change: Change = serde_json::from_slice(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?;
            memory.apply(change);
            count += 1;
        }
        self.rows = count;
        Ok(memory)
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
        self.connection.prepare_cached("INSERT INTO change (body) VALUES (?1)")?.execute(params![body])?;
        self.rows += 1;
        Ok(())
    }

    /// Ends the transaction, if there is one: what it holds survives the process.
    pub(super) fn commit(&mut self) -> Result<(), JournalError> {
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("COMMIT")?;
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

    /// Replaces snapshot and changes by a snapshot of `memory`.
    pub(super) fn compact(&mut self, memory: &Memory) -> Result<(), JournalError> {
        let snapshot = serde_json::to_vec(memory)?;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute("UPDATE snapshot SET memory = ?1", params![snapshot])?;
        transaction.execute("DELETE FROM change", [])?;
        transaction.commit()?;
        self.rows = 0;
        Ok(())
    }

    /// Compacts a journal that has become long. Failing is no loss: it is tried again after the next batch.
    pub(super) fn compact_if_long(&mut self, memory: &Memory) {
        if self.rows >= LONG
            && let Err(error) = self.compact(memory)
        {
            tracing::warn!(%error, "the hot state's journal cannot be compacted");
        }
    }
}

fn lock(data: &Path) -> Result<std::fs::File, JournalError> {
    let path = data.join(LOCK_FILE);
    let mut options = std::fs::OpenOptions::new();
    let opened = options.create(true).truncate(false).write(true).mode(0o600).open(&path);
    let file = opened.map_err(|source| JournalError::Lock { path: path.clone(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(JournalError::InUse(data.join(FILE))),
        Err(std::fs::TryLockError::Error(source)) => Err(JournalError::Lock { path, source }),
    }
}
