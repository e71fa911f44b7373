//! In which order events arrived in the usage log, by the batches in which they were booked, and how far exporters are.
//!
//! A place is the number of a batch. They are booked one after the other, and none is read before it is over.

use std::collections::HashMap;

use gateway_core::admission::UsageEvent;
use gateway_core::id::LeaseId;
use gateway_core::ports::{Arrivals, Arrived, Exports, Unavailable};
use gateway_core::time::Timestamp;

use super::DynamoRecords;
use super::call::{Change, unavailable};
use super::item::{Item, body, json, number, number_of, text};
use super::key::Key;

/// How many batches are noted in one partition.
const IN_ONE: u64 = 1000;

/// How many partitions one reading looks into where they are empty, because what was in them is forgotten.
const LOOKS: usize = 20;

/// How long it is remembered what arrived, in seconds: 400 days. An exporter that is behind for longer misses what is older.
const KEPT: i64 = 400 * 86400;

impl Arrivals for DynamoRecords {
    async fn arrived(&self, after: u64, limit: u32) -> Result<Arrived, Unavailable> {
        let booked = self.booked().await?;
        let mut place = after;
        for _ in 0..LOOKS {
            if place >= booked {
                break;
            }
            // The rest of the partition of the next batch.
            let last = ((place + 1) / IN_ONE * IN_ONE + IN_ONE - 1).min(booked);
            let batches = self.batches(place + 1, last, limit).await?;
            let Some((number, _)) = batches.last() else {
                place = last;
                continue;
            };
            let place = *number;
            let ids = batches.into_iter().flat_map(|(_, ids)| ids);
            return Ok(Arrived { events: self.events(ids).await?, place });
        }
        Ok(Arrived { events: Vec::new(), place })
    }
}

impl Exports for DynamoRecords {
    async fn exported(&self, exporter: &str) -> Result<u64, Unavailable> {
        let noted = self.read(&export(exporter)).await?;
        let noted = noted.map(|item| number_of(&item, "exported")).transpose()?;
        Ok(noted.unwrap_or(0).cast_unsigned())
    }

    async fn note_exported(&self, exporter: &str, place: u64) -> Result<(), Unavailable> {
        let noted = self.change(Change {
            key: export(exporter),
            update: "SET exported = :place",
            condition: Some("attribute_not_exists(exported) OR exported < :place"),
            values: vec![(":place", number(place))],
            added: Vec::new(),
        });
        noted.await.map(drop)
    }
}

impl DynamoRecords {
    /// Notes the events of a batch. Whoever does so again notes the same.
    pub(super) async fn note_arrival(
        &self,
        batch: u64,
        events: impl Iterator<Item = &UsageEvent>,
    ) -> Result<(), Unavailable> {
        let (mut ids, mut newest) = (Vec::new(), Timestamp(0));
        for event in events {
            ids.push(event.id);
            newest = newest.max(event.settlement.at.seconds());
        }
        let noted = self.change(Change {
            key: arrival(batch),
            update: "SET body = :body, #ttl = :ttl",
            condition: None,
            values: vec![(":body", json(&ids)), (":ttl", number(newest.plus(KEPT).0))],
            added: Vec::new(),
        });
        noted.await.map(drop)
    }

    /// Reads the first batches between two of one partition, with `limit` events or one batch more.
    async fn batches(&self, first: u64, last: u64, limit: u32) -> Result<Vec<(u64, Vec<LeaseId>)>, Unavailable> {
        let query = self.client.query().table_name(&self.table).consistent_read(true);
        let query = query.key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last");
        let query = query.expression_attribute_values(":pk", text(arrival(first).pk));
        let query = query.expression_attribute_values(":first", text(arrival(first).sk));
        let query = query.expression_attribute_values(":last", text(arrival(last).sk));
        // Each has one event at least.
        let rows = i32::try_from(limit.clamp(1, 1000)).unwrap_or(1000);
        let answer = Box::pin(query.limit(rows).send()).await.map_err(unavailable)?;
        let (mut batches, mut count) = (Vec::new(), 0);
        for item in answer.items() {
            let ids: Vec<LeaseId> = body(item)?;
            count += ids.len();
            if !batches.is_empty() && count > limit as usize {
                break;
            }
            batches.push((batch_number(item)?, ids));
        }
        Ok(batches)
    }

    /// Reads events as they are now, in this order, each once.
    async fn events(&self, ids: impl Iterator<Item = LeaseId>) -> Result<Vec<UsageEvent>, Unavailable> {
        let ids: Vec<LeaseId> = ids.collect();
        let keys: Vec<Key> = ids.iter().copied().map(Key::usage).collect();
        let found: Result<Vec<UsageEvent>, Unavailable> = self.read_all(&keys).await?.iter().map(body).collect();
        let mut found: HashMap<LeaseId, UsageEvent> = found?.into_iter().map(|event| (event.id, event)).collect();
        // Where one comes twice, the last time counts: a correction is behind what was there before it.
        let mut events: Vec<UsageEvent> = ids.iter().rev().filter_map(|id| found.remove(id)).collect();
        events.reverse();
        Ok(events)
    }
}

fn arrival(batch: u64) -> Key {
    Key::new(format!("ARRIVALS#{}", batch / IN_ONE), format!("{batch:020}"))
}

fn export(exporter: &str) -> Key {
    Key::new(format!("EXPORT#{exporter}"), "EXPORT")
}

/// Reads the number of a batch.
fn batch_number(item: &Item) -> Result<u64, Unavailable> {
    let number = Key::of(item).and_then(|key| key.sk.parse().ok());
    number.ok_or_else(|| Unavailable::new(super::NAME, "a batch has no number"))
}
