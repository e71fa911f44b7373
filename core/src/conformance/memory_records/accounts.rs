//! What was spent, in the records in memory: the usage log, its sums, and the beats.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{MemoryRecords, page};
use crate::accounts::{DaySum, DaySumKey, Days, Dimension, Posting, RollUp, RollUpKey, Spent};
use crate::admission::UsageEvent;
use crate::id::{LeaseId, UserId};
use crate::money::WindowId;
use crate::ports::{Accounts, Beats, Page, PageRequest, Unavailable, UsageLog, UsageQuery};

impl UsageLog for MemoryRecords {
    async fn put_usage(&self, postings: &[Posting]) -> Result<(), Unavailable> {
        self.write(|state| {
            for posting in postings {
                let held = state.usage.get(&posting.event.id);
                if held.is_none_or(|held| held.revision < posting.event.revision) {
                    state.sums.post(posting, held);
                    state.usage.insert(posting.event.id, posting.event.clone());
                    state.arrive(posting.event.id);
                }
            }
            Ok(())
        })
        .await
    }

    async fn logged(&self, ids: &[LeaseId]) -> Result<Vec<LeaseId>, Unavailable> {
        self.read(|state| ids.iter().filter(|id| state.usage.contains_key(*id)).copied().collect()).await
    }

    async fn usage(&self, query: &UsageQuery) -> Result<Page<UsageEvent>, Unavailable> {
        self.read(|state| {
            let after = query.page.cursor.as_ref().map(|cursor| cursor.0.clone());
            let after = after.or_else(|| query.after.map(|id| id.to_string())).unwrap_or_default();
            let wanted = state.usage.values().filter(|event| event.id.to_string() > after);
            page(wanted.cloned(), &query.page, |event| event.id.to_string())
        })
        .await
    }
}

impl Accounts for MemoryRecords {
    async fn spent(&self, windows: &[WindowId]) -> Result<Vec<Spent>, Unavailable> {
        self.read(|state| {
            let wanted = state.sums.spent.iter().filter(|(key, _)| windows.contains(&key.window));
            wanted.map(|(key, (amount, _))| Spent { key: key.clone(), amount: *amount }).collect()
        })
        .await
    }

    async fn roll_ups(&self, day: &str, request: &PageRequest) -> Result<Page<(RollUpKey, RollUp)>, Unavailable> {
        self.read(|state| sums_page(&state.sums.roll_ups, |key| key.day == day, request)).await
    }

    async fn user_roll_ups(
        &self,
        user: UserId,
        days: Days,
        request: &PageRequest,
    ) -> Result<Page<(RollUpKey, RollUp)>, Unavailable> {
        self.read(|state| sums_page(&state.sums.roll_ups, |key| key.user == user && is_within(days, &key.day), request))
            .await
    }

    async fn day_sums(
        &self,
        dimension: Dimension,
        days: Days,
        request: &PageRequest,
    ) -> Result<Page<(DaySumKey, DaySum)>, Unavailable> {
        self.read(|state| {
            let is_asked = |key: &DaySumKey| key.dimension == dimension && is_within(days, &key.day);
            sums_page(&state.sums.days, is_asked, request)
        })
        .await
    }
}

/// Returns one page of the sums whose keys are asked for, in their order.
fn sums_page<K, S>(sums: &BTreeMap<K, S>, is_asked: impl Fn(&K) -> bool, request: &PageRequest) -> Page<(K, S)>
where
    K: Clone + Ord + Serialize + DeserializeOwned,
    S: Clone,
{
    let after: Option<K> = request.cursor.as_ref().and_then(|cursor| serde_json::from_str(&cursor.0).ok());
    let rows = sums.iter().filter(|(key, _)| is_asked(key) && after.as_ref().is_none_or(|after| *key > after));
    let name = |(key, _): &(K, S)| serde_json::to_string(key).expect("a key has texts only");
    page(rows.map(|(key, sum)| (key.clone(), sum.clone())), request, name)
}

fn is_within(days: Days, day: &str) -> bool {
    (days.first().as_str()..=days.last().as_str()).contains(&day)
}

impl Beats for MemoryRecords {
    async fn beats(&self) -> Result<u64, Unavailable> {
        self.read(|state| state.beats).await
    }

    async fn note_beats(&self, count: u64) -> Result<(), Unavailable> {
        self.write(|state| {
            state.beats = state.beats.max(count);
            Ok(())
        })
        .await
    }
}
