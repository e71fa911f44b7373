//! Why the journal cannot be used.

use std::path::PathBuf;

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
    /// The log cannot be forced to the disk.
    #[error("cannot force {path} to the disk")]
    Sync { path: PathBuf, source: std::io::Error },
    /// No thread can be started.
    #[error("no thread can be started")]
    Thread(#[source] std::io::Error),
}
