//! The audit log.

use gateway_core::ports::{AuditEntry, AuditLog, AuditQuery, Page, Unavailable};
use rusqlite::{Connection, named_params};

use super::tokens::LAST;
use super::workers::Refusal;
use super::{SqliteRecords, body, json, page, rows};

/// Pages of the log, newest first: everything, one actor's, what is about one target, and both. Little is about one target,
/// and an actor may have done more than anybody could read through to find it: `+` keeps that index out.
pub(super) const LISTS: [&str; 4] = [
    "SELECT body FROM audit WHERE id < :before ORDER BY id DESC LIMIT :limit",
    "SELECT body FROM audit WHERE id < :before AND actor = :actor ORDER BY id DESC LIMIT :limit",
    "SELECT body FROM audit WHERE id < :before AND target = :target ORDER BY id DESC LIMIT :limit",
    "SELECT body FROM audit WHERE id < :before AND +actor = :actor AND target = :target ORDER BY id DESC LIMIT :limit",
];

impl AuditLog for SqliteRecords {
    async fn entries(&self, query: &AuditQuery) -> Result<Page<AuditEntry>, Unavailable> {
        let query = query.clone();
        self.workers
            .read(move |connection| {
                let before = query.page.cursor.as_ref().map_or(LAST, |cursor| cursor.0.as_str()).to_owned();
                let limit = query.page.rows() + 1;
                let mut parameters = named_params! {":before": before, ":limit": limit}.to_vec();
                if let Some(actor) = &query.actor {
                    parameters.push((":actor", actor));
                }
                if let Some(target) = &query.target {
                    parameters.push((":target", target));
                }
                let list = LISTS[usize::from(query.actor.is_some()) + 2 * usize::from(query.target.is_some())];
                let found = rows(connection, list, &parameters, |row| body::<AuditEntry>(row, 0))?;
                Ok(page(found, &query.page, |entry| entry.id.to_string()))
            })
            .await
    }

    async fn note(&self, entry: &AuditEntry) -> Result<(), Unavailable> {
        let entry = entry.clone();
        let write = move |connection: &Connection| {
            let sql = "DELETE FROM audit WHERE id = :id";
            connection.prepare_cached(sql)?.execute(named_params! {":id": entry.id.to_string()})?;
            add(connection, &entry)
        };
        self.workers.write(write).await.map_err(super::write_unavailable)
    }
}

/// Adds an entry to the transaction that makes the change. Two never share an id: one would be lost.
pub(super) fn add(connection: &Connection, entry: &AuditEntry) -> Result<(), Refusal> {
    let sql = "INSERT INTO audit (id, actor, target, body) VALUES (:id, :actor, :target, :body)";
    connection.prepare_cached(sql)?.execute(named_params! {
        ":id": entry.id.to_string(),
        ":actor": entry.actor,
        ":target": entry.target,
        ":body": json(entry)?,
    })?;
    Ok(())
}
