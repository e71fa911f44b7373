//! How often something has happened lately.

use std::collections::BTreeMap;

use crate::time::Timestamp;

/// How many counts are held at most, some hundred bytes each; beyond it one of those that end first goes. Whoever has that many
/// addresses to come from is not held back by what counts each of them.
const CAPACITY: usize = 100_000;

/// How many counts whose time is over one more makes room for: more than one, so that they go faster than they come.
const PRUNED_AT_ONCE: usize = 4;

/// The counts of the windows that run, by the window's end and the name.
#[derive(Debug, Clone, Default)]
pub(super) struct LimitTable {
    counts: BTreeMap<(Timestamp, String), u64>,
}

/// Returns how many seconds a window runs on at `now`: 1 at least. Windows begin where their length divides the time.
pub(crate) fn runs_on(seconds: u32, now: Timestamp) -> u32 {
    let seconds = seconds.max(1);
    let gone = now.0.rem_euclid(i64::from(seconds));
    u32::try_from(gone).map_or(1, |gone| seconds - gone)
}

impl LimitTable {
    pub(super) fn count(&self, name: &str, end: Timestamp) -> u64 {
        self.counts.get(&(end, name.to_owned())).copied().unwrap_or(0)
    }

    pub(super) fn add(&mut self, name: String, end: Timestamp, now: Timestamp) {
        for _ in 0..PRUNED_AT_ONCE {
            let is_full = self.counts.len() >= CAPACITY;
            let Some(first) = self.counts.first_entry().filter(|first| is_full || first.key().0 <= now) else { break };
            first.remove();
        }
        *self.counts.entry((end, name)).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::{CAPACITY, LimitTable, runs_on};
    use crate::time::Timestamp;

    #[test]
    fn runs_on_to_the_next_multiple() {
        for (now, expected) in [(0, 60), (1, 59), (59, 1), (60, 60), (-1, 1)] {
            assert_eq!(runs_on(60, Timestamp(now)), expected, "{now}");
        }
        assert_eq!(runs_on(0, Timestamp(7)), 1);
    }

    #[test]
    fn holds_no_more_counts_than_it_has_room_for() {
        let mut table = LimitTable::default();
        for number in 0..CAPACITY + 10 {
            table.add(number.to_string(), Timestamp(60), Timestamp(0));
        }
        assert_eq!(table.counts.len(), CAPACITY);
        for number in 0..CAPACITY {
            table.add(number.to_string(), Timestamp(120), Timestamp(60));
        }
        assert_eq!(table.counts.len(), CAPACITY);
        assert_eq!(table.count("7", Timestamp(60)), 0, "what is over goes first");
        assert_eq!(table.count("7", Timestamp(120)), 1);
    }
}
