//! Token counts of one call.

use serde::{Deserialize, Serialize};

/// The tokens of one call, by the kinds that have prices of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TokenUsage {
    /// Read afresh: neither from the cache nor written to it.
    pub input: u64,
    /// Written to the cache for five minutes.
    pub cache_write_5m: u64,
    /// Written to the cache for an hour.
    pub cache_write_1h: u64,
    /// Read from the cache.
    pub cache_read: u64,
    /// Generated, reasoning included.
    pub output: u64,
}

impl TokenUsage {
    /// Returns all but those read from a cache: what rate limits count, as Anthropic's own do.
    #[must_use]
    pub fn uncached(&self) -> u64 {
        [self.cache_write_5m, self.cache_write_1h, self.output].into_iter().fold(self.input, u64::saturating_add)
    }
}
