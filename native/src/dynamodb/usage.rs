//! The usage log.

use futures_util::future::try_join_all;
use gateway_core::accounts::Posting;
use gateway_core::admission::UsageEvent;
use gateway_core::id::LeaseId;
use gateway_core::ports::{Cursor, Page, Unavailable, UsageLog, UsageQuery};

use super::DynamoRecords;
use super::call::unavailable;
use super::item::{body, text};
use super::key::{Key, USAGE_SHARDS, usage};

impl UsageLog for DynamoRecords {
    async fn put_usage(&self, postings: &[Posting]) -> Result<(), Unavailable> {
        self.book(postings).await
    }

    async fn logged(&self, ids: &[LeaseId]) -> Result<Vec<LeaseId>, Unavailable> {
        let keys: Vec<Key> = ids.iter().copied().map(Key::usage).collect();
        let found = self.read_all(&keys).await?;
        let found: Vec<Key> = found.iter().filter_map(Key::of).collect();
        Ok(ids.iter().copied().filter(|id| found.contains(&Key::usage(*id))).collect())
    }

    async fn usage(&self, query: &UsageQuery) -> Result<Page<UsageEvent>, Unavailable> {
        let after = query.page.cursor.as_ref().map(|cursor| cursor.0.clone());
        let after = after.or_else(|| query.after.map(|id| id.to_string()));
        let rows = query.page.rows();
        let shards = (0..USAGE_SHARDS).map(|shard| self.shard(shard, after.as_deref(), rows + 1));
        let mut items: Vec<UsageEvent> = try_join_all(shards).await?.into_iter().flatten().collect();
        items.sort_by_key(|event| event.id);
        let rows = rows as usize;
        let next =
            if items.len() > rows { items.get(rows - 1).map(|event| Cursor(event.id.to_string())) } else { None };
        items.truncate(rows);
        Ok(Page { items, next })
    }
}

impl DynamoRecords {
    /// Reads the first events of a shard after an id, all of `limit` if there are that many.
    async fn shard(&self, shard: u8, after: Option<&str>, limit: u32) -> Result<Vec<UsageEvent>, Unavailable> {
        let mut events = Vec::new();
        // Ids begin with digits and letters, which sort behind it.
        let mut after = text(after.filter(|after| !after.is_empty()).unwrap_or(" "));
        loop {
            let query = self.client.query().table_name(&self.table).consistent_read(true);
            let query = query.key_condition_expression("pk = :pk AND sk > :after");
            let query = query.expression_attribute_values(":pk", text(usage(shard)));
            let query = query.expression_attribute_values(":after", after);
            let left = limit - u32::try_from(events.len()).unwrap_or(limit);
            let answer = Box::pin(query.limit(left.cast_signed()).send()).await.map_err(unavailable)?;
            for item in answer.items() {
                events.push(body(item)?);
            }
            match answer.last_evaluated_key.and_then(|mut last| last.remove("sk")) {
                Some(last) if events.len() < limit as usize => after = last,
                _ => return Ok(events),
            }
        }
    }
}
