//! What was used and spent in one day.

use serde::{Deserialize, Serialize};

use crate::admission::UsageEvent;
use crate::id::{TokenId, UserId};
use crate::money::Nanodollars;

/// Which calls are added up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RollUpKey {
    /// The day on the configured time zone's calendar, such as `2026-11-23`.
    pub day: String,
    /// Who called.
    pub user: UserId,
    /// With which token.
    pub token: TokenId,
    /// The model asked for.
    pub model: String,
    /// The configured provider that served it.
    pub provider: String,
}

/// What they add up to. A difference has members below zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RollUp {
    /// Calls.
    pub requests: i64,
    /// Tokens read afresh.
    pub input: i64,
    /// Tokens written to the cache for five minutes.
    pub cache_write_5m: i64,
    /// Tokens written to the cache for an hour.
    pub cache_write_1h: i64,
    /// Tokens read from the cache.
    pub cache_read: i64,
    /// Tokens generated.
    pub output: i64,
    /// Nanodollars.
    pub cost: Nanodollars,
    /// Calls that went wrong.
    pub errors: i64,
    /// Calls whose usage is an estimate.
    pub estimated: i64,
    /// Calls of which something had no price.
    pub unpriced: i64,
}

impl RollUp {
    /// Returns what one event adds.
    pub(super) fn of(event: &UsageEvent) -> Self {
        let settlement = &event.settlement;
        let tokens = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        Self {
            requests: 1,
            input: tokens(settlement.usage.input),
            cache_write_5m: tokens(settlement.usage.cache_write_5m),
            cache_write_1h: tokens(settlement.usage.cache_write_1h),
            cache_read: tokens(settlement.usage.cache_read),
            output: tokens(settlement.usage.output),
            cost: settlement.cost,
            errors: settlement.error.is_some().into(),
            estimated: settlement.estimated.into(),
            unpriced: (!settlement.priced).into(),
        }
    }

    /// Returns the sum, each member at most the largest there is.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        self.with(other, i64::saturating_add)
    }

    /// Returns the difference, each member at least the smallest there is.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        self.with(other, i64::saturating_sub)
    }

    fn with(self, other: Self, combine: impl Fn(i64, i64) -> i64) -> Self {
        Self {
            requests: combine(self.requests, other.requests),
            input: combine(self.input, other.input),
            cache_write_5m: combine(self.cache_write_5m, other.cache_write_5m),
            cache_write_1h: combine(self.cache_write_1h, other.cache_write_1h),
            cache_read: combine(self.cache_read, other.cache_read),
            output: combine(self.output, other.output),
            cost: Nanodollars(combine(self.cost.0, other.cost.0)),
            errors: combine(self.errors, other.errors),
            estimated: combine(self.estimated, other.estimated),
            unpriced: combine(self.unpriced, other.unpriced),
        }
    }
}
