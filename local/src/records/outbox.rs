//! Changes of which the hot state may not have heard.

use gateway_core::ports::{Outbox, Subject, Unavailable};
use gateway_core::version::Version;
use rusqlite::{Connection, Row, named_params};

use super::workers::Refusal;
use super::{SqliteRecords, rows, text_error};

/// The oldest changes.
pub(super) const LIST: &str = "SELECT kind, id, version FROM outbox ORDER BY position LIMIT :limit";

impl Outbox for SqliteRecords {
    async fn unapplied(&self, limit: u32) -> Result<Vec<(Subject, Version)>, Unavailable> {
        self.workers.read(move |connection| rows(connection, LIST, named_params! {":limit": limit}, change)).await
    }

    async fn applied(&self, subject: Subject, version: Version) -> Result<(), Unavailable> {
        let write = move |connection: &Connection| {
            let sql = "DELETE FROM outbox WHERE kind = :kind AND id = :id AND version <= :version";
            let (kind, id) = key(subject);
            let version = version.0.cast_signed();
            connection.prepare_cached(sql)?.execute(named_params! {":kind": kind, ":id": id, ":version": version})?;
            Ok(())
        };
        self.workers.write(write).await.map_err(super::write_unavailable)
    }
}

/// Adds a change to the transaction that makes it.
pub(super) fn add(connection: &Connection, subject: Subject, version: Version) -> Result<(), Refusal> {
    let sql = "INSERT INTO outbox (kind, id, version) VALUES (:kind, :id, :version)
               ON CONFLICT (kind, id) DO UPDATE SET version = :version";
    let (kind, id) = key(subject);
    let version = version.0.cast_signed();
    connection.prepare_cached(sql)?.execute(named_params! {":kind": kind, ":id": id, ":version": version})?;
    Ok(())
}

fn key(subject: Subject) -> (&'static str, String) {
    match subject {
        Subject::User(id) => ("user", id.to_string()),
        Subject::Token(id) => ("token", id.to_string()),
        Subject::Budgets => ("budgets", String::new()),
    }
}

fn change(row: &Row) -> rusqlite::Result<(Subject, Version)> {
    let (kind, id, version): (String, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let subject = match kind.as_str() {
        "user" => id.parse().map(Subject::User),
        "budgets" => Ok(Subject::Budgets),
        _ => id.parse().map(Subject::Token),
    };
    let subject = subject.map_err(|error| text_error(1, error))?;
    Ok((subject, Version(version.cast_unsigned())))
}
