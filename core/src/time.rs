//! Points in time, as values. Nothing here reads a clock: see [`crate::ports::Clock`].

use serde::{Deserialize, Serialize};

/// Whole seconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Returns the time `seconds` later, or the last representable one.
    #[must_use]
    pub const fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Writes it such as `2026-11-23T12:00:00Z` (RFC 3339), to the second.
    #[must_use]
    pub fn rfc3339(self) -> String {
        jiff::Timestamp::from_second(self.0).map_or_else(|_| "the end of time".to_owned(), |at| at.to_string())
    }

    /// Returns how many whole seconds have passed from `earlier` to here; negative if none have.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Milliseconds since the Unix epoch, UTC: what clocks return and what identifiers and durations are made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub i64);

impl Millis {
    /// Returns the whole second this falls into.
    #[must_use]
    pub const fn seconds(self) -> Timestamp {
        Timestamp(self.0.div_euclid(1000))
    }

    /// Returns how many milliseconds have passed from `earlier` to here; 0 if none have.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }
}
