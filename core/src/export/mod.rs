//! Usage events on their way out of the gateway: how each sink is told of them, and what its answers mean.
//!
//! In scope: requests and verdicts, as values, and what is left out of what was said before it is told. Out of scope: which events are sent
//! when ([`crate::control`]).

mod attribute;
mod clickhouse;
mod langfuse;
mod otlp;
mod redaction;
mod request;
mod said;
mod verdict;

use crate::admission::{ErrorType, UsageEvent};
use crate::identity::Email;

pub(crate) use redaction::Redaction;
pub(crate) use request::{RequestError, request};
pub(crate) use said::Said;
pub(crate) use verdict::{Verdict, rejected};

/// A usage event, and what the log does not say of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Exported {
    /// The event.
    pub(crate) event: UsageEvent,
    /// The address of whoever called; none if their record was erased.
    pub(crate) email: Option<Email>,
    /// What was said, if this sink is told and it is still kept.
    pub(crate) said: Option<Said>,
}

impl Exported {
    /// Returns what went wrong, if anything did, as the log writes it.
    fn error(&self) -> Option<&'static str> {
        self.event.settlement.error.map(ErrorType::name)
    }

    /// Returns when the first byte of the answer came, in milliseconds since the epoch.
    fn first_byte_at(&self) -> Option<i64> {
        let after = i64::try_from(self.event.settlement.first_byte_ms?).ok()?;
        self.event.call.at.0.checked_add(after)
    }

    /// Returns all tokens that were read: afresh, from the cache, or on their way into it.
    fn input_tokens(&self) -> u64 {
        let usage = &self.event.settlement.usage;
        let cached = [usage.cache_write_5m, usage.cache_write_1h, usage.cache_read];
        cached.into_iter().fold(usage.input, u64::saturating_add)
    }

    /// Returns what the call cost, as receivers add it up. The exact amount goes beside it.
    #[expect(clippy::cast_precision_loss, reason = "a cost that is exact to 15 digits is good enough for a chart")]
    fn dollars(&self) -> f64 {
        self.event.settlement.cost.0 as f64 / 1e9
    }
}

#[cfg(test)]
mod tests;
