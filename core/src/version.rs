//! Versions of records, and the generations of the hot state that caches them.

use serde::{Deserialize, Serialize};

/// How often a record has been written: 1 when inserted, one more with each write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub u64);

impl Version {
    /// The version of a record that is there without ever having been written.
    pub const NONE: Self = Self(0);

    /// The version of a record that was just inserted.
    pub const FIRST: Self = Self(1);

    /// Returns the version that a write of this one leaves behind.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A record together with the version that was read: what a write has to name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored<T> {
    /// The record.
    pub value: T,
    /// The version that holds it.
    pub version: Version,
}

/// Counts how often all of a person's tokens, or all of their sessions, were ended at once. What carries an older epoch
/// is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

impl Epoch {
    /// Returns the epoch that ends this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Names one life of the hot state. A store that lost its memory starts another, and entries of the old one count as
/// unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(pub u64);
