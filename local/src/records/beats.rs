//! How often the hot state's beats were counted.

use gateway_core::ports::{Beats, Unavailable};
use rusqlite::{Connection, OptionalExtension as _, named_params};

use super::SqliteRecords;

impl Beats for SqliteRecords {
    async fn beats(&self) -> Result<u64, Unavailable> {
        let read = |connection: &Connection| {
            let count = connection.query_row("SELECT count FROM beats", [], |row| row.get::<_, i64>(0)).optional()?;
            Ok(count.unwrap_or(0).cast_unsigned())
        };
        self.workers.read(read).await
    }

    async fn note_beats(&self, count: u64) -> Result<(), Unavailable> {
        let write = move |connection: &Connection| {
            let sql = "INSERT INTO beats (id, count) VALUES (1, :count)
                       ON CONFLICT (id) DO UPDATE SET count = :count WHERE :count > count";
            connection.prepare_cached(sql)?.execute(named_params! {":count": count.cast_signed()})?;
            Ok(())
        };
        self.workers.write(write).await.map_err(super::write_unavailable)
    }
}
