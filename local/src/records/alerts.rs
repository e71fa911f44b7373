//! What there is to tell of budgets that run out.

use gateway_core::money::Alert;
use gateway_core::ports::{Alerts, Unavailable};
use rusqlite::{Connection, named_params};

use super::{SqliteRecords, body, json, rows, write_unavailable};

/// The oldest alerts that wait.
pub(super) const WAITING: &str = "SELECT body FROM alert WHERE waiting IS NOT NULL ORDER BY waiting, id LIMIT :limit";

impl Alerts for SqliteRecords {
    async fn note_alerts(&self, alerts: &[Alert]) -> Result<(), Unavailable> {
        if alerts.is_empty() {
            return Ok(());
        }
        let alerts = alerts.to_vec();
        let write = move |connection: &Connection| {
            let sql = "INSERT INTO alert (id, ends, waiting, body) VALUES (:id, :ends, :at, :body)
                       ON CONFLICT (id) DO NOTHING";
            let mut statement = connection.prepare_cached(sql)?;
            for alert in &alerts {
                statement.execute(named_params! {
                    ":id": alert.id(),
                    ":ends": alert.reset.map(|end| end.0),
                    ":at": alert.at.0,
                    ":body": json(alert)?,
                })?;
            }
            Ok(())
        };
        self.workers.write(write).await.map_err(write_unavailable)
    }

    async fn waiting_alerts(&self, limit: u32) -> Result<Vec<Alert>, Unavailable> {
        let read = move |connection: &Connection| {
            rows(connection, WAITING, named_params! {":limit": limit}, |row| body(row, 0))
        };
        self.workers.read(read).await
    }

    async fn alert_sent(&self, alert: &Alert) -> Result<(), Unavailable> {
        let id = alert.id();
        let write = move |connection: &Connection| {
            let sql = "UPDATE alert SET waiting = NULL WHERE id = :id";
            connection.prepare_cached(sql)?.execute(named_params! {":id": id})?;
            Ok(())
        };
        self.workers.write(write).await.map_err(write_unavailable)
    }
}
