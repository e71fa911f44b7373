//! Records in `records.db`: SQLite with a write-ahead log, one writer that commits in groups, and a few readers.
//!
//! Several processes may share the folder. Columns hold what is searched, JSON bodies the rest.

mod accounts;
mod alerts;
mod arrivals;
mod audit;
mod beats;
mod budgets;
mod day_sums;
mod directory;
mod outbox;
mod retention;
mod schema;
mod sums;
mod tokens;
mod usage;
mod users;
mod weeks;
mod workers;

use std::path::Path;
use std::sync::Arc;

use gateway_core::ports::{AuditEntry, Cursor, Page, PageRequest, Records, Subject, Unavailable, WriteError};
use gateway_core::version::Version;
use rusqlite::{Connection, Row, ToSql};
use serde::de::DeserializeOwned;

pub(crate) use schema::OpenError;
use workers::{Refusal, Workers};

/// What the store is called in errors.
const NAME: &str = "the records";

/// The records of a data folder. Clones share it.
#[derive(Clone)]
pub(crate) struct SqliteRecords {
    workers: Arc<Workers>,
}

impl SqliteRecords {
    /// Opens the records of a data folder, or makes them, and brings their tables up to date.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if they cannot be read, or were written by a newer binary.
    pub(crate) fn open(data: &Path) -> Result<Self, OpenError> {
        Ok(Self { workers: Arc::new(Workers::start(data, schema::BUSY)?) })
    }
}

impl Records for SqliteRecords {}

/// Makes a page of rows of which one more was read than asked for.
fn page<T>(mut items: Vec<T>, request: &PageRequest, cursor: impl Fn(&T) -> String) -> Page<T> {
    let limit = request.rows() as usize;
    let next = if items.len() > limit { items.get(limit - 1).map(|last| Cursor(cursor(last))) } else { None };
    items.truncate(limit);
    Page { items, next }
}

/// Reads rows that a query finds.
fn rows<T>(
    connection: &Connection,
    sql: &str,
    parameters: &[(&str, &dyn ToSql)],
    read: impl Fn(&Row) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_map(parameters, |row| read(row))?.collect()
}

/// Reads a JSON body.
fn body<T: DeserializeOwned>(row: &Row, column: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    serde_json::from_str(text).map_err(|error| text_error(column, error))
}

/// Writes a JSON body.
fn json(value: &impl serde::Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// Says that the version which a write names is not the one that is there, unless it changed its one row.
fn only_one(changed: usize) -> Result<(), Refusal> {
    if changed == 1 { Ok(()) } else { Err(Refusal::Conflict) }
}

/// Ends the transaction of a change: what the hot state has to hear, and what the audit log says of it.
fn tell(connection: &Connection, subject: Subject, version: Version, entry: &AuditEntry) -> Result<(), Refusal> {
    outbox::add(connection, subject, version)?;
    audit::add(connection, entry)
}

/// Says that a column holds a text which means nothing.
fn text_error(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
}

fn unavailable(error: rusqlite::Error) -> Unavailable {
    Unavailable::new(NAME, error)
}

/// What cannot conflict did not: its writes name no version.
fn write_unavailable(error: WriteError) -> Unavailable {
    match error {
        WriteError::Unavailable(error) => error,
        WriteError::Conflict => Unavailable::new(NAME, "a write that names no version was refused"),
    }
}

#[cfg(test)]
mod tests;
