//! What there is to tell of budgets that run out.

use gateway_core::memory::WINDOW_REMEMBERED;
use gateway_core::money::Alert;
use gateway_core::ports::{Alerts, Unavailable};

use super::DynamoRecords;
use super::call::{Change, IS_NEW, unavailable};
use super::item::{body, json, number, text};
use super::key::{Key, WAITING};

/// When an alert about a window that never ends is forgotten: it would be sent once more then.
const FOR_EVER: i64 = 253_402_300_799;

impl Alerts for DynamoRecords {
    async fn note_alerts(&self, alerts: &[Alert]) -> Result<(), Unavailable> {
        let noted = alerts.iter().map(|alert| Change {
            key: Key::alert(alert),
            update: "SET body = :body, pk1 = :waiting, sk1 = :place, #ttl = :ttl",
            condition: Some(IS_NEW),
            values: vec![
                (":body", json(alert)),
                (":waiting", text(WAITING)),
                (":place", text(format!("{:020} {}", alert.at.0, Key::alert(alert).pk))),
                (":ttl", number(alert.reset.map_or(FOR_EVER, |end| end.plus(WINDOW_REMEMBERED).0))),
            ],
            added: Vec::new(),
        });
        self.change_all(noted.collect()).await
    }

    async fn waiting_alerts(&self, limit: u32) -> Result<Vec<Alert>, Unavailable> {
        let request = self.client.query().table_name(&self.table).index_name("index1");
        let request = request.key_condition_expression("pk1 = :pk").expression_attribute_values(":pk", text(WAITING));
        let rows =
            Box::pin(request.limit(i32::try_from(limit).unwrap_or(i32::MAX)).send()).await.map_err(unavailable)?;
        let keys: Vec<Key> = rows.items().iter().filter_map(Key::of).collect();
        let items = self.read_all(&keys).await?;
        // The index follows the table: one of them may be sent by now.
        items.iter().filter(|item| item.contains_key("pk1")).map(body).collect()
    }

    async fn alert_sent(&self, alert: &Alert) -> Result<(), Unavailable> {
        let sent = self.change(Change {
            key: Key::alert(alert),
            update: "REMOVE pk1, sk1",
            condition: Some("attribute_exists(pk)"),
            values: Vec::new(),
            added: Vec::new(),
        });
        sent.await.map(drop)
    }
}
