//! In which order events arrived in the usage log, and how far exporters are.

use gateway_core::admission::UsageEvent;
use gateway_core::ports::{Arrivals, Arrived, Exports, Unavailable};
use rusqlite::{Connection, OptionalExtension as _, named_params};

use super::workers::Refusal;
use super::{SqliteRecords, body, rows, write_unavailable};

/// Some events after a place. The order of the tables is said, because the other one would read the whole log.
pub(super) const LIST: &str =
    "SELECT arrival.place, usage.body FROM arrival CROSS JOIN usage ON usage.id = arrival.event
                               WHERE arrival.place > :after ORDER BY arrival.place LIMIT :limit";

impl Arrivals for SqliteRecords {
    async fn arrived(&self, after: u64, limit: u32) -> Result<Arrived, Unavailable> {
        // No place is beyond what SQLite can count.
        let Ok(first) = i64::try_from(after) else { return Ok(Arrived { events: Vec::new(), place: after }) };
        self.workers
            .read(move |connection| {
                let read = |row: &rusqlite::Row| Ok((row.get::<_, i64>(0)?, body::<UsageEvent>(row, 1)?));
                let found = rows(connection, LIST, named_params! {":after": first, ":limit": limit.max(1)}, read)?;
                let place = found.last().map_or(after, |(place, _)| place.cast_unsigned());
                Ok(Arrived { events: found.into_iter().map(|(_, event)| event).collect(), place })
            })
            .await
    }
}

impl Exports for SqliteRecords {
    async fn exported(&self, exporter: &str) -> Result<u64, Unavailable> {
        let exporter = exporter.to_owned();
        let read = move |connection: &Connection| {
            let sql = "SELECT place FROM export WHERE exporter = :exporter";
            let mut statement = connection.prepare_cached(sql)?;
            let place = statement.query_row(named_params! {":exporter": exporter}, |row| row.get::<_, i64>(0));
            Ok(place.optional()?.unwrap_or(0).cast_unsigned())
        };
        self.workers.read(read).await
    }

    async fn note_exported(&self, exporter: &str, place: u64) -> Result<(), Unavailable> {
        let exporter = exporter.to_owned();
        let write = move |connection: &Connection| {
            let sql = "INSERT INTO export (exporter, place) VALUES (:exporter, :place)
                       ON CONFLICT (exporter) DO UPDATE SET place = :place WHERE :place > place";
            let parameters = named_params! {":exporter": exporter, ":place": place.cast_signed()};
            connection.prepare_cached(sql)?.execute(parameters)?;
            Ok(())
        };
        self.workers.write(write).await.map_err(write_unavailable)
    }
}

/// Has an event arrive, in the transaction that writes it: at the end, wherever it was before.
pub(super) fn add(connection: &Connection, id: &str) -> Result<(), Refusal> {
    let sql = "INSERT OR REPLACE INTO arrival (event) VALUES (:id)";
    connection.prepare_cached(sql)?.execute(named_params! {":id": id})?;
    Ok(())
}
