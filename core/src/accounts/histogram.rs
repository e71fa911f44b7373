//! How long calls took, counted in classes, so that days add up and percentiles can be read from the sum.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::admission::{ErrorType, UsageEvent};

/// Where the four classes of an octave begin, in thousandths of its beginning: powers of the fourth root of two. So no class is wider
/// than 19 % of its beginning.
const QUARTERS: [u64; 4] = [1000, 1189, 1414, 1682];

/// What is counted as this if it is longer, in milliseconds: seven weeks. No call takes longer than an hour.
const LONGEST: u64 = (1 << 32) - 1;

/// Durations in milliseconds, counted by class. A difference has counts below zero.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Histogram(BTreeMap<u8, i64>);

impl Histogram {
    /// Returns how often each class was counted, where it was.
    pub fn counts(&self) -> impl Iterator<Item = (u8, i64)> {
        self.0.iter().map(|(class, count)| (*class, *count))
    }

    /// Counts what is in a class that many times more.
    pub fn add(&mut self, class: u8, count: i64) {
        let sum = self.0.entry(class).or_default();
        *sum = sum.saturating_add(count);
        if *sum == 0 {
            self.0.remove(&class);
        }
    }

    /// Counts one duration that many times more.
    fn add_duration(&mut self, milliseconds: u64, count: i64) {
        self.add(class(milliseconds), count);
    }

    /// Adds all that another one counted.
    pub fn merge(&mut self, other: &Self) {
        for (class, count) in other.counts() {
            self.add(class, count);
        }
    }

    /// Returns how many durations were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.positive().fold(0, |sum: u64, (_, count)| sum.saturating_add(count))
    }

    /// Returns the duration in milliseconds that `percent` of all do not exceed; none if nothing was counted.
    ///
    /// It lies in the class of the one that ranks there (nearest rank), as far up as that one ranks among those of its class: at most 19 %
    /// from what it was.
    #[must_use]
    pub fn percentile(&self, percent: u32) -> Option<u64> {
        let rank = (u128::from(self.count()) * u128::from(percent.min(100))).div_ceil(100).max(1);
        let mut below: u128 = 0;
        for (class, count) in self.positive() {
            let count = u128::from(count);
            if rank <= below + count {
                let (least, most) = (beginning(class), beginning(class + 1).saturating_sub(1));
                let width = u128::from(most.saturating_sub(least));
                let part = u64::try_from(width * (rank - below) / count).unwrap_or(0);
                return Some(least + part);
            }
            below += count;
        }
        None
    }

    /// What a correction took back before it was counted is not there.
    fn positive(&self) -> impl Iterator<Item = (u8, u64)> {
        self.counts().filter_map(|(class, count)| Some((class, u64::try_from(count).ok().filter(|count| *count > 0)?)))
    }
}

/// How long calls took.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Latency {
    /// Until the first byte of the answer, of calls that ended well.
    pub first_byte: Histogram,
    /// Until the end, of calls whose end was seen.
    pub duration: Histogram,
}

impl Latency {
    /// Counts an event, that many times more.
    pub(super) fn add_event(&mut self, event: &UsageEvent, count: i64) {
        let settlement = &event.settlement;
        if let (None, Some(milliseconds)) = (settlement.error, settlement.first_byte_ms) {
            self.first_byte.add_duration(milliseconds, count);
        }
        if settlement.error != Some(ErrorType::Abandoned) {
            self.duration.add_duration(settlement.duration_ms, count);
        }
    }

    /// Adds all that another one counted.
    pub fn merge(&mut self, other: &Self) {
        self.first_byte.merge(&other.first_byte);
        self.duration.merge(&other.duration);
    }
}

/// Returns the class of a duration: one for nothing at all, and then four for each octave.
fn class(milliseconds: u64) -> u8 {
    let milliseconds = milliseconds.min(LONGEST);
    let Some(octave) = milliseconds.checked_ilog2() else { return 0 };
    let quarters = QUARTERS.iter().filter(|quarter| milliseconds * 1000 >= **quarter << octave).count();
    u8::try_from(octave as usize * QUARTERS.len() + quarters).unwrap_or(u8::MAX)
}

/// Returns the shortest duration of a class, in milliseconds.
fn beginning(class: u8) -> u64 {
    let Some(place) = class.checked_sub(1) else { return 0 };
    let (octave, quarter) = (place / 4, usize::from(place % 4));
    (QUARTERS[quarter] << octave).div_ceil(1000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(durations: impl IntoIterator<Item = u64>) -> Histogram {
        let mut histogram = Histogram::default();
        for milliseconds in durations {
            histogram.add_duration(milliseconds, 1);
        }
        histogram
    }

    #[test]
    fn has_percentiles_near_the_truth() {
        let all = of(1..=1000);
        for (percent, truth) in [(50, 500), (95, 950), (99, 990), (100, 1000)] {
            let told = all.percentile(percent).unwrap();
            assert!(told.abs_diff(truth) * 100 <= truth * 19, "{percent}: {told}");
        }
        assert_eq!(all.count(), 1000);
        assert_eq!(of([0]).percentile(50), Some(0));
        assert_eq!(of([7; 3]).percentile(99), Some(7));
        assert_eq!(Histogram::default().percentile(50), None);
    }

    #[test]
    fn forgets_what_is_taken_back() {
        let mut histogram = of([10, 20, 3000]);
        histogram.add_duration(3000, -1);
        assert_eq!(histogram, of([10, 20]));
        histogram.add_duration(5, -1);
        assert_eq!((histogram.count(), histogram.percentile(0)), (2, of([10]).percentile(50)));
    }

    #[test]
    fn counts_no_further_than_it_can() {
        let mut histogram = of([]);
        histogram.add(3, i64::MAX);
        histogram.merge(&histogram.clone());
        histogram.add(9, i64::MAX);
        histogram.add(10, i64::MAX);
        assert_eq!(histogram.count(), u64::MAX);
        assert_eq!(histogram.percentile(100), Some(beginning(11) - 1));
    }

    proptest! {
        #[test]
        fn puts_each_duration_into_a_narrow_class(milliseconds in prop_oneof![0..5000_u64, 0..=LONGEST]) {
            let class = class(milliseconds);
            prop_assert!(beginning(class) <= milliseconds && milliseconds < beginning(class + 1));
            let told = of([milliseconds]).percentile(50).unwrap();
            prop_assert!(told.abs_diff(milliseconds) * 100 <= milliseconds * 19, "{told}");
        }

        #[test]
        fn adds_up_as_if_counted_together(one in prop::collection::vec(0..90_000_u64, 0..40), two in prop::collection::vec(0..90_000_u64, 0..40)) {
            let mut sum = of(one.iter().copied());
            sum.merge(&of(two.iter().copied()));
            prop_assert_eq!(sum, of(one.into_iter().chain(two)));
        }
    }
}
