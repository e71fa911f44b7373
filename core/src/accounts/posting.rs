//! One event in the books.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{DaySum, DaySumKey, RollUp, RollUpKey, day_sum};
use crate::admission::UsageEvent;
use crate::money::{Calendar, Counter, Nanodollars, WindowId, WindowKind};
use crate::time::Timestamp;

/// A usage event with the windows that it counts in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    /// The event, without the addresses of whoever called.
    pub event: UsageEvent,
    /// The windows that were running when the call came in.
    pub calendar: Calendar,
}

/// Names a sum of what was spent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SpentKey {
    /// In which window.
    pub window: WindowId,
    /// By whom.
    pub counter: Counter,
}

/// What was spent in one window by one payer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// In which window, by whom.
    pub key: SpentKey,
    /// How much.
    pub amount: Nanodollars,
}

/// What postings add to the sums.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums {
    /// What was spent, with the end of the window if it has one.
    pub spent: BTreeMap<SpentKey, (Nanodollars, Option<Timestamp>)>,
    /// What the days' roll-ups go up by, or down.
    pub roll_ups: BTreeMap<RollUpKey, RollUp>,
    /// What the days' sums go up by, or down.
    pub days: BTreeMap<DaySumKey, DaySum>,
}

impl Posting {
    /// Dates an event on a time zone's calendar, and takes out of it what would tell who called once their record is erased.
    #[must_use]
    pub fn of(mut event: UsageEvent, zone: &TimeZone) -> Self {
        let calendar = Calendar::at(event.call.at.seconds(), zone);
        event.email = None;
        event.call.address.clear();
        Self { event, calendar }
    }

    fn counters(&self) -> impl Iterator<Item = Counter> {
        let own = [Counter::User(self.event.user), Counter::Token(self.event.token), Counter::Org];
        own.into_iter().chain(self.event.groups.iter().cloned().map(Counter::Group))
    }

    fn roll_up_key(&self) -> RollUpKey {
        RollUpKey {
            day: self.calendar.day().to_owned(),
            user: self.event.user,
            token: self.event.token,
            model: self.event.call.model.clone(),
            provider: self.event.call.provider.clone(),
        }
    }
}

impl Sums {
    /// Adds a posting, in place of a lower revision of the same event if there was one.
    pub fn post(&mut self, posting: &Posting, replaced: Option<&UsageEvent>) {
        let before = replaced.map_or(Nanodollars::ZERO, |event| event.settlement.cost);
        let amount = posting.event.settlement.cost.minus(before);
        for kind in WindowKind::ALL {
            let window = posting.calendar.window(kind);
            for counter in posting.counters() {
                let key = SpentKey { window: window.id.clone(), counter };
                let (sum, _) = self.spent.entry(key).or_insert((Nanodollars::ZERO, window.end));
                *sum = sum.plus(amount);
            }
        }
        let added = DaySum::of(&posting.event, replaced);
        let sum = self.roll_ups.entry(posting.roll_up_key()).or_default();
        *sum = sum.plus(added.usage);
        self.add_to_days(posting, &added);
    }
    fn add_to_days(&mut self, posting: &Posting, added: &DaySum) {
        for key in day_sum::keys(&posting.event, posting.calendar.day()) {
            let has_latency = key.dimension.has_latency();
            let sum = self.days.entry(key).or_default();
            if has_latency {
                sum.add(added);
            } else {
                sum.usage = sum.usage.plus(added.usage);
            }
        }
    }
}
