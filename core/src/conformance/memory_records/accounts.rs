//! What was spent, in the records in memory: the usage log, its sums, and the beats.

use super::{MemoryRecords, page};
use crate::accounts::{Adder, Days, Posting, Row, Spent, SumQuery, SumSource};
use crate::admission::UsageEvent;
use crate::id::LeaseId;
use crate::money::WindowId;
use crate::ports::{Accounts, Beats, Page, Unavailable, UsageLog, UsageQuery};

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

    async fn sums(&self, query: &SumQuery) -> Result<Option<Vec<Row>>, Unavailable> {
        self.read(|state| {
            let mut adder = Adder::new(query);
            match query.source {
                SumSource::Days(dimension) => {
                    let days = state.sums.days.iter().filter(|(key, _)| key.dimension == dimension);
                    let days = days.filter(|(key, _)| is_within(query.days, &key.day));
                    days.for_each(|(key, sum)| adder.add(Row::of_day((key.clone(), sum.clone()))));
                }
                SumSource::Own(_) | SumSource::RollUps => {
                    let is_asked = |user| query.source == SumSource::RollUps || query.source == SumSource::Own(user);
                    let roll_ups = state.sums.roll_ups.iter().filter(|(key, _)| is_asked(key.user));
                    let roll_ups = roll_ups.filter(|(key, _)| is_within(query.days, &key.day));
                    roll_ups.for_each(|(key, sum)| adder.add(Row::of_roll_up((key.clone(), *sum))));
                }
            }
            adder.end()
        })
        .await
    }
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
