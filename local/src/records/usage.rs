//! The usage log.

use gateway_core::accounts::{Posting, Sums};
use gateway_core::admission::UsageEvent;
use gateway_core::id::LeaseId;
use gateway_core::ports::{Page, Unavailable, UsageLog, UsageQuery};
use rusqlite::{Connection, OptionalExtension as _, named_params};

use super::workers::Refusal;
use super::{SqliteRecords, accounts, arrivals, body, json, page, rows};

/// One page of the log, oldest first: ids sort by the time of the call.
pub(super) const LIST: &str = "SELECT body FROM usage WHERE id > :after ORDER BY id LIMIT :limit";

impl UsageLog for SqliteRecords {
    async fn put_usage(&self, postings: &[Posting]) -> Result<(), Unavailable> {
        let postings = postings.to_vec();
        let write = move |connection: &Connection| {
            let mut sums = Sums::default();
            for posting in &postings {
                put(connection, posting, &mut sums)?;
            }
            accounts::add(connection, &sums)
        };
        self.workers.write(write).await.map_err(super::write_unavailable)
    }

    async fn logged(&self, ids: &[LeaseId]) -> Result<Vec<LeaseId>, Unavailable> {
        let ids = ids.to_vec();
        self.workers
            .read(move |connection| {
                let mut statement = connection.prepare_cached("SELECT 1 FROM usage WHERE id = :id")?;
                let mut logged = Vec::new();
                for id in ids {
                    if statement.exists(named_params! {":id": id.to_string()})? {
                        logged.push(id);
                    }
                }
                Ok(logged)
            })
            .await
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

/// Writes an event, unless the log has it in that revision or a higher one, and adds it to the sums.
fn put(connection: &Connection, posting: &Posting, sums: &mut Sums) -> Result<(), Refusal> {
    let event = &posting.event;
    let id = event.id.to_string();
    let held: Option<UsageEvent> = connection
        .prepare_cached("SELECT body FROM usage WHERE id = :id")?
        .query_row(named_params! {":id": id}, |row| body(row, 0))
        .optional()?;
    if held.as_ref().is_some_and(|held| held.revision >= event.revision) {
        return Ok(());
    }
    sums.post(posting, held.as_ref());
    let sql = "INSERT OR REPLACE INTO usage (id, revision, body) VALUES (:id, :revision, :body)";
    let parameters = named_params! {":id": id, ":revision": event.revision, ":body": json(event)?};
    connection.prepare_cached(sql)?.execute(parameters)?;
    arrivals::add(connection, &id)
}
