//! What is counted of calls under rate limits: requests and tokens of the last two minutes, and calls in flight.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::admission::{Limited, MOST, RateLimit, RateMeasure, minute};
use crate::money::TokenUsage;
use crate::time::Timestamp;

/// How a lease counts under rate limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rated {
    /// In which minute.
    minute: i64,
    /// As how many tokens, until it is known how many it used.
    tokens: u64,
    /// Under which names.
    names: Vec<String>,
}

/// What was counted under one name in one minute.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Counts {
    requests: u64,
    tokens: u64,
}

/// One minute. It takes the place of the one two minutes before.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Minute {
    number: i64,
    counts: HashMap<String, Counts>,
}

impl Default for Minute {
    fn default() -> Self {
        Self { number: i64::MIN, counts: HashMap::new() }
    }
}

/// The counts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct RateTable {
    minutes: [Minute; 2],
    in_flight: HashMap<String, u64>,
}

impl RateTable {
    /// Returns the limit that a call has reached. What is over at a known second is told first: whoever comes back then may find
    /// too many calls running, and not the other way round.
    pub(super) fn refusal(&self, limits: &[(String, &RateLimit)], tokens: u64, now: Timestamp) -> Option<Limited> {
        let minute = &self.minutes[place(minute(now))];
        let is_running = minute.number >= self::minute(now);
        let counted = |name: &str| minute.counts.get(name).copied().filter(|_| is_running).unwrap_or_default();
        let by_minute = limits.iter().find_map(|(name, limit)| {
            let Counts { requests, tokens: used } = counted(name);
            let is_over = |most: Option<u64>, count: u64| most.is_some_and(|most| count > most);
            let measure = if is_over(limit.requests_per_minute, requests + 1) {
                RateMeasure::Requests
            } else if used > 0 && is_over(limit.tokens_per_minute, used.saturating_add(tokens)) {
                // The first call of a minute is let in, or a large one never would be.
                RateMeasure::Tokens
            } else {
                return None;
            };
            Some(Limited { limit: (*limit).clone(), measure })
        });
        by_minute.or_else(|| {
            let is_full = |(name, limit): &&(String, &RateLimit)| {
                limit.calls_in_flight.is_some_and(|most| self.in_flight.get(name).is_some_and(|count| *count >= most))
            };
            let full = limits.iter().find(is_full);
            full.map(|(_, limit)| Limited { limit: (*limit).clone(), measure: RateMeasure::InFlight })
        })
    }

    /// Returns how a call counts that is let in at `now`. Where another process's clock is ahead by two minutes, it counts in the minute
    /// of that.
    pub(super) fn rated(&self, names: Vec<String>, tokens: u64, now: Timestamp) -> Option<Rated> {
        let minute = minute(now);
        let minute = self.minutes[place(minute)].number.max(minute);
        (!names.is_empty()).then_some(Rated { minute, tokens: tokens.min(MOST), names })
    }

    pub(super) fn enter(&mut self, rated: &Rated) {
        let minute = &mut self.minutes[place(rated.minute)];
        if minute.number < rated.minute {
            *minute = Minute { number: rated.minute, counts: HashMap::new() };
        }
        for name in &rated.names {
            *self.in_flight.entry(name.clone()).or_default() += 1;
        }
        self.each_count(rated, |counts| {
            counts.requests += 1;
            counts.tokens = counts.tokens.saturating_add(rated.tokens);
        });
    }

    /// A call is over that used so many tokens; as many as were expected, if that is not known.
    pub(super) fn leave(&mut self, rated: &Rated, used: Option<&TokenUsage>) {
        self.land(rated);
        if let Some(used) = used {
            let used = used.uncached().min(MOST);
            self.each_count(rated, |counts| counts.tokens = counts.tokens.saturating_sub(rated.tokens) + used);
        }
    }

    /// A call was given up: it never was.
    pub(super) fn withdraw(&mut self, rated: &Rated) {
        self.land(rated);
        self.each_count(rated, |counts| {
            counts.requests = counts.requests.saturating_sub(1);
            counts.tokens = counts.tokens.saturating_sub(rated.tokens);
        });
    }

    fn land(&mut self, rated: &Rated) {
        for name in &rated.names {
            let Some(count) = self.in_flight.get_mut(name) else { continue };
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.in_flight.remove(name);
            }
        }
    }

    /// Changes the counts of a lease, if its minute is remembered.
    fn each_count(&mut self, rated: &Rated, change: impl Fn(&mut Counts)) {
        let minute = &mut self.minutes[place(rated.minute)];
        if minute.number == rated.minute {
            rated.names.iter().for_each(|name| change(minute.counts.entry(name.clone()).or_default()));
        }
    }
}

/// Returns where a minute is kept: even ones in one place, odd ones in the other.
fn place(minute: i64) -> usize {
    usize::from(minute.rem_euclid(2) == 1)
}
