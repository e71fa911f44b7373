//! Changes of which the hot state may not have heard.

use aws_sdk_dynamodb::types::TransactWriteItem;
use gateway_core::ports::{AuditEntry, Outbox, Subject, Unavailable};
use gateway_core::time::Timestamp;
use gateway_core::version::Version;

use super::call::{IS_NEW, unavailable};
use super::item::{number, number_of, text, text_of};
use super::key::{Key, OUTBOX, changed_record};
use super::{DynamoRecords, audit};

impl Outbox for DynamoRecords {
    async fn unapplied(&self, limit: u32) -> Result<Vec<(Subject, Version)>, Unavailable> {
        let request = self.client.query().table_name(&self.table).index_name("index1");
        let request = request.key_condition_expression("pk1 = :pk").expression_attribute_values(":pk", text(OUTBOX));
        let rows =
            Box::pin(request.limit(i32::try_from(limit).unwrap_or(i32::MAX)).send()).await.map_err(unavailable)?;
        let keys: Vec<Key> = rows.items().iter().filter_map(Key::of).collect();
        let rows = self.read_all(&keys).await?;
        let change = |row| {
            let pk = text_of(row, "pk")?;
            let Some(subject) = changed_record(pk) else {
                // Nobody can apply it, and it keeps nobody else's from being applied.
                tracing::error!(pk, "an outbox row is about nothing that is known");
                return Ok(None);
            };
            Ok(Some((subject, Version(number_of(row, "version")?.cast_unsigned()))))
        };
        rows.iter().filter_map(|row| change(row).transpose()).collect()
    }

    async fn applied(&self, subject: Subject, version: Version) -> Result<(), Unavailable> {
        let values = vec![(":version", number(version.0))];
        // If it is not there, somebody else has said so; if it is newer, there is more to apply.
        self.delete_if(&Key::outbox(subject), "version <= :version", values).await.map(drop)
    }
}

impl DynamoRecords {
    /// Returns the end of each change's transaction: what the hot state has to hear, until `ttl` if that is of no use later,
    /// and what the audit log says of it.
    pub(super) fn told(
        &self,
        subject: Subject,
        version: Version,
        entry: &AuditEntry,
        ttl: Option<Timestamp>,
    ) -> Result<[TransactWriteItem; 2], Unavailable> {
        let mut row = Key::outbox(subject).item();
        row.insert("version".to_owned(), number(version.0));
        row.insert("pk1".to_owned(), text(OUTBOX));
        row.insert("sk1".to_owned(), text(entry.id.to_string()));
        if let Some(ttl) = ttl {
            row.insert("ttl".to_owned(), number(ttl.0));
        }
        Ok([self.put(row, None)?, self.put(audit::item(entry), Some(IS_NEW))?])
    }
}
