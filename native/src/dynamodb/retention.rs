//! Forgetting what nobody asks for any more.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use gateway_core::id::LeaseId;
use gateway_core::ports::{Retention, Unavailable};
use gateway_core::time::Timestamp;

use super::DynamoRecords;
use super::call::{AT_ONCE, unavailable};
use super::item::text;
use super::key::{Key, USAGE_SHARDS, usage};

/// The table forgets tokens and what was spent by itself; see the attribute `ttl`. For events how long they are kept may change at
/// any time, also of those that are there.
impl Retention for DynamoRecords {
    async fn forget_tokens(&self, _: Timestamp, _: u32) -> Result<u32, Unavailable> {
        Ok(0)
    }

    async fn forget_spent(&self, _: Timestamp, _: u32) -> Result<u32, Unavailable> {
        Ok(0)
    }

    async fn forget_usage(&self, before: Timestamp, limit: u32) -> Result<u32, Unavailable> {
        let before = text(LeaseId::first_at(before).to_string());
        let mut forgotten = 0;
        for shard in 0..USAGE_SHARDS {
            let query = self.client.query().table_name(&self.table).consistent_read(true);
            let query = query.projection_expression("pk, sk");
            let query = query.key_condition_expression("pk = :pk AND sk < :before");
            let query = query.expression_attribute_values(":pk", text(usage(shard)));
            let query = query.expression_attribute_values(":before", before.clone());
            let query = query.limit((limit - forgotten).cast_signed());
            let answer = Box::pin(query.send()).await.map_err(unavailable)?;
            let keys: Vec<Key> = answer.items().iter().filter_map(Key::of).collect();
            forgotten += u32::try_from(keys.len()).unwrap_or(0);
            let deleted = stream::iter(keys).map(|key| {
                let before = before.clone();
                async move { self.delete_if(&key, "sk < :before", vec![(":before", before)]).await }
            });
            deleted.buffer_unordered(AT_ONCE).try_for_each(|_| async { Ok(()) }).await?;
            if forgotten >= limit {
                break;
            }
        }
        Ok(forgotten)
    }
}
