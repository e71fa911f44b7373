//! Chance that repeats itself.

use crate::conformance::host::split_mix;

/// Dice that fall the same way for the same seed.
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number below `limit`.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        let number = split_mix(&mut self.0) % limit.max(1) as u64;
        usize::try_from(number).unwrap_or(0)
    }

    /// Returns one of these.
    pub(super) fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let index = self.below(all.len());
        all.get(index)
    }
}
