//! In which order events arrived in the usage log, in the records in memory, and how far exporters are.

use super::{MemoryRecords, State};
use crate::id::LeaseId;
use crate::ports::{Arrivals, Arrived, Exports, Unavailable};

impl State {
    /// Puts an event at the end.
    pub(super) fn arrive(&mut self, id: LeaseId) {
        self.arrivals.retain(|_, other| *other != id);
        self.arrived += 1;
        self.arrivals.insert(self.arrived, id);
    }
}

impl Arrivals for MemoryRecords {
    async fn arrived(&self, after: u64, limit: u32) -> Result<Arrived, Unavailable> {
        self.read(|state| {
            let rows = state.arrivals.range(after.saturating_add(1)..).take(limit.max(1) as usize);
            let rows: Vec<(u64, LeaseId)> = rows.map(|(place, id)| (*place, *id)).collect();
            let place = rows.last().map_or(after, |(place, _)| *place);
            Arrived { events: rows.iter().filter_map(|(_, id)| state.usage.get(id).cloned()).collect(), place }
        })
        .await
    }
}

impl Exports for MemoryRecords {
    async fn exported(&self, exporter: &str) -> Result<u64, Unavailable> {
        self.read(|state| state.exports.get(exporter).copied().unwrap_or(0)).await
    }

    async fn note_exported(&self, exporter: &str, place: u64) -> Result<(), Unavailable> {
        self.write(|state| {
            let noted = state.exports.entry(exporter.to_owned()).or_default();
            *noted = place.max(*noted);
            Ok(())
        })
        .await
    }
}
