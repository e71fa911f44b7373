//! The usage log.

use gateway_core::admission::UsageEvent;
use gateway_core::ports::{Page, Unavailable, UsageLog, UsageQuery};
use rusqlite::named_params;

use super::{SqliteRecords, body, json, page, rows};

/// One page of the log, oldest first: ids sort by the time of the call.
pub(super) const LIST: &str = "SELECT body FROM usage WHERE id > :after ORDER BY id LIMIT :limit";

impl UsageLog for SqliteRecords {
    async fn put_usage(&self, events: &[UsageEvent]) -> Result<(), Unavailable> {
        let events = events.to_vec();
        let write = move |connection: &rusqlite::Connection| {
            let sql = "INSERT INTO usage (id, revision, body) VALUES (:id, :revision, :body)
                       ON CONFLICT (id) DO UPDATE SET revision = :revision, body = :body
                       WHERE excluded.revision > usage.revision";
            let mut statement = connection.prepare_cached(sql)?;
            for event in &events {
                statement.execute(named_params! {
                    ":id": event.id.to_string(),
                    ":revision": event.revision,
                    ":body": json(event)?,
                })?;
            }
            Ok(())
        };
        self.workers.write(write).await.map_err(super::write_unavailable)
    }

    async fn usage(&self, query: &UsageQuery) -> Result<Page<UsageEvent>, Unavailable> {
        let query = query.clone();
        self.workers
            .read(move |connection| {
                let after = query.page.cursor.as_ref().map(|cursor| cursor.0.clone());
                let after = after.or_else(|| query.after.map(|id| id.to_string())).unwrap_or_default();
                let parameters = named_params! {":after": after, ":limit": query.page.rows() + 1};
                let found = rows(connection, LIST, parameters, |row| body::<UsageEvent>(row, 0))?;
                Ok(page(found, &query.page, |event| event.id.to_string()))
            })
            .await
    }
}
