//! Another generation, and what has to be known and told when a memory was lost.

use super::{Change, Decision, Memory};
use crate::ports::{Loss, Recovery};
use crate::version::Generation;

impl Memory {
    /// Begins the `fresh` generation; see [`crate::ports::Continuity::begin_generation`].
    #[must_use]
    pub fn begin_generation(&self, fresh: Generation) -> Decision<Generation> {
        (fresh, vec![Change::Began { generation: fresh }])
    }

    /// Counts one up, in the `fresh` generation if it has gone back; see [`crate::ports::Continuity::beat`].
    #[must_use]
    pub fn beat(&self, seen: u64, fresh: Generation) -> Decision<u64> {
        let count = self.beats.max(seen) + 1;
        let began = (self.beats < seen).then_some(Change::Began { generation: fresh });
        (count, began.into_iter().chain([Change::Beat { count }]).collect())
    }

    /// Returns what has to be known for a recovery; see [`crate::ports::Continuity::loss`].
    #[must_use]
    pub fn loss(&self) -> Option<Loss> {
        let loss = || Loss {
            generation: self.generation,
            through: self.ledger.newest(),
            has_pending: self.ledger.has_pending(),
            open: self.ledger.open_ids(),
        };
        (!self.recovered).then(loss)
    }

    /// Takes over what was spent; see [`crate::ports::Continuity::recover`].
    #[must_use]
    pub fn recover(&self, recovery: &Recovery) -> Decision<bool> {
        let is_current = self.generation == recovery.generation && self.ledger.is_drained(recovery.through);
        (is_current, is_current.then(|| Change::Recovered(Box::new(recovery.clone()))).into_iter().collect())
    }
}
