//! Forgetting what nobody asks for any more.

use gateway_core::id::LeaseId;
use gateway_core::ports::{Retention, Unavailable};
use gateway_core::time::Timestamp;
use rusqlite::{Connection, named_params};

use super::{SqliteRecords, rows};

/// Tokens that had expired, some of them.
pub(super) const LIST: &str = "SELECT id FROM token WHERE expiry <= :expired_by LIMIT :limit";

impl Retention for SqliteRecords {
    async fn forget_tokens(&self, expired_by: Timestamp, limit: u32) -> Result<u32, Unavailable> {
        let write = move |connection: &Connection| {
            let expired = named_params! {":expired_by": expired_by.0, ":limit": limit};
            let ids = rows(connection, LIST, expired, |row| row.get::<_, String>(0))?;
            let mut changes = connection.prepare_cached("DELETE FROM outbox WHERE kind = 'token' AND id = :id")?;
            let mut terms = connection.prepare_cached("DELETE FROM token_term WHERE token = :id")?;
            let mut tokens = connection.prepare_cached("DELETE FROM token WHERE id = :id")?;
            for id in &ids {
                changes.execute(named_params! {":id": id})?;
                terms.execute(named_params! {":id": id})?;
                tokens.execute(named_params! {":id": id})?;
            }
            Ok(u32::try_from(ids.len()).unwrap_or(limit))
        };
        self.workers.write(write).await.map_err(super::write_unavailable)
    }

    async fn forget_spent(&self, ended_by: Timestamp, limit: u32) -> Result<u32, Unavailable> {
        let write = move |connection: &Connection| {
            let sql = "DELETE FROM spent WHERE (period, counter) IN
                           (SELECT period, counter FROM spent WHERE ends <= :ended_by LIMIT :limit)";
            let parameters = named_params! {":ended_by": ended_by.0, ":limit": limit};
            let forgotten = connection.prepare_cached(sql)?.execute(parameters)?;
            let sql = "DELETE FROM alert WHERE ends <= :ended_by";
            connection.prepare_cached(sql)?.execute(named_params! {":ended_by": ended_by.0})?;
            Ok(u32::try_from(forgotten).unwrap_or(limit))
        };
        self.workers.write(write).await.map_err(super::write_unavailable)
    }
    async fn forget_usage(&self, before: Timestamp, limit: u32) -> Result<u32, Unavailable> {
        let write = move |connection: &Connection| {
            // Ids sort by the time of the call.
            let sql = "DELETE FROM usage WHERE id IN (SELECT id FROM usage WHERE id < :before LIMIT :limit)";
            let parameters = named_params! {":before": LeaseId::first_at(before).to_string(), ":limit": limit};
            let forgotten = connection.prepare_cached(sql)?.execute(parameters)?;
            Ok(u32::try_from(forgotten).unwrap_or(limit))
        };
        self.workers.write(write).await.map_err(super::write_unavailable)
    }
}
