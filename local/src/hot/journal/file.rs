//! The file of the journal: its lock, its connections, its tables.

use std::fs::Permissions;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gateway_core::memory::Memory;
use gateway_core::version::Generation;
use rusqlite::{Connection, TransactionBehavior, params};

use super::error::JournalError;

/// The file's name in the data folder.
const FILE: &str = "hot.db";

/// The name of SQLite's log of what is not in the file yet.
const LOG_FILE: &str = "hot.db-wal";

/// The file whose lock says that a process uses the journal.
const LOCK_FILE: &str = "hot.lock";

/// How long to sleep while somebody else writes: SQLite's own naps grow past what the keeper's transactions take.
const NAP: Duration = Duration::from_micros(500);

/// How many naps to wait for somebody else's lock on the file, such as a backup's: about ten seconds.
const NAPS: i32 = 20_000;

/// How long to wait for others when the log is to start over: whoever wants to write waits meanwhile.
const PATIENCE: Duration = Duration::from_millis(20);

/// The version of the tables.
const SCHEMA: i64 = 2;

/// Takes the data folder's lock.
pub(super) fn lock(data: &Path) -> Result<std::fs::File, JournalError> {
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

/// The file, open for being forced to the disk.
///
/// Closing it would take away the locks of every connection of this process (POSIX says so), so it has to be closed after
/// the last of them.
#[derive(Clone)]
pub(super) struct Handle(Arc<std::fs::File>, PathBuf);

impl Handle {
    /// Opens the file, or starts one.
    pub(super) fn open(data: &Path) -> Result<Self, JournalError> {
        let path = data.join(FILE);
        let mut options = std::fs::OpenOptions::new();
        let opened = options.create(true).truncate(false).write(true).mode(0o600).open(&path);
        let file = opened.map_err(|source| JournalError::Private { path: path.clone(), source })?;
        Ok(Self(Arc::new(file), path))
    }

    fn sync(&self) -> Result<(), JournalError> {
        self.0.sync_data().map_err(|source| JournalError::Sync { path: self.1.clone(), source })
    }
}

/// Returns where SQLite keeps its log.
pub(super) fn log(data: &Path) -> PathBuf {
    data.join(LOG_FILE)
}

/// Opens the file. No commit of the connection checkpoints the log: that waits for the disk.
pub(super) fn connect(data: &Path) -> Result<Connection, JournalError> {
    let path = data.join(FILE);
    let connection = Connection::open(&path)?;
    let private = std::fs::set_permissions(&path, Permissions::from_mode(0o600));
    private.map_err(|source| JournalError::Private { path, source })?;
    connection.busy_handler(Some(wait))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    Ok(connection)
}

/// Waits for a lock that was tried `tries` times; says whether to try again.
fn wait(tries: i32) -> bool {
    std::thread::sleep(NAP);
    tries < NAPS
}

/// Moves the log into the file, and lets it start over.
pub(super) fn start_over(connection: &Connection, handle: &Handle) -> Result<(), JournalError> {
    // Most of it while others write, and only the rest while they wait. SQLite itself forces the file to the disk only
    // when nothing of the log is left, which is never while others write.
    checkpoint(connection)?;
    handle.sync()?;
    checkpoint(connection)?;
    // A reader, such as a backup, is no reason to keep them waiting: the caller tries again some time.
    connection.busy_timeout(PATIENCE)?;
    let started_over = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    connection.busy_handler(Some(wait))?;
    Ok(started_over?)
}

/// Moves of the log into the file what nobody reads, and keeps nobody waiting.
pub(super) fn checkpoint(connection: &Connection) -> Result<(), JournalError> {
    Ok(connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?)
}

/// Makes the tables, those of an older version into today's; a new journal starts in `generation`.
pub(super) fn prepare(connection: &mut Connection, generation: Generation) -> Result<(), JournalError> {
    let schema: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if schema > SCHEMA {
        return Err(JournalError::Newer(schema));
    }
    if schema == SCHEMA {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // A version 1 that broke off while it made its tables has not set its version yet.
    let is_old = transaction.table_exists(None, "snapshot")?;
    if is_old {
        transaction.execute_batch("ALTER TABLE snapshot RENAME TO old")?;
    }
    transaction.execute_batch(
        "CREATE TABLE snapshot (number INTEGER, part INTEGER, body BLOB NOT NULL, PRIMARY KEY (number, part));
         CREATE TABLE latest (id INTEGER PRIMARY KEY CHECK (id = 1), number INTEGER NOT NULL, position INTEGER NOT NULL);
         CREATE TABLE IF NOT EXISTS change (position INTEGER PRIMARY KEY, body BLOB NOT NULL);
         INSERT INTO latest (id, number, position) VALUES (1, 1, 0);",
    )?;
    if is_old {
        // Its positions began at 1 after each snapshot, which is one part whatever its length.
        transaction.execute_batch("INSERT INTO snapshot SELECT 1, 0, memory FROM old; DROP TABLE old")?;
    }
    let fresh = serde_json::to_vec(&Memory::new(generation))?;
    transaction.execute("INSERT OR IGNORE INTO snapshot (number, part, body) VALUES (1, 0, ?1)", params![fresh])?;
    transaction.pragma_update(None, "user_version", SCHEMA)?;
    Ok(transaction.commit()?)
}
