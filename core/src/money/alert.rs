//! What is told when a part of a budget is spent.

use serde::{Deserialize, Serialize};

use super::{BudgetState, Counter, Nanodollars, WindowId, WindowKind};
use crate::time::Timestamp;

/// The parts of a budget at which somebody is told, in hundredths, the largest first.
pub const ALERTED_AT: [u8; 4] = [100, 95, 75, 50];

/// Says that a part of a budget is spent. There is one of each part, of each amount, in each window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Whose spending it is. A person is named by their id: records that tell of alerts need not be erased.
    pub counter: Counter,
    /// The kind of window.
    pub window: WindowKind,
    /// The window.
    pub window_id: WindowId,
    /// When it ends, if ever.
    pub reset: Option<Timestamp>,
    /// What may be spent in it.
    pub limit: Nanodollars,
    /// What was spent when it was noticed.
    pub spent: Nanodollars,
    /// The part, in hundredths.
    pub percent: u8,
    /// When it was noticed.
    pub at: Timestamp,
}

impl Alert {
    /// Returns what there is to tell of a budget: of the parts that are spent, the largest. Of nothing no part is spent.
    #[must_use]
    pub fn of(state: &BudgetState, counter: Counter, window_id: WindowId, at: Timestamp) -> Option<Self> {
        let percent =
            ALERTED_AT.into_iter().find(|part| state.budget.limit > Nanodollars::ZERO && state.has_reached(*part))?;
        let BudgetState { budget, spent, reset, .. } = state;
        let (window, limit) = (budget.window, budget.limit);
        Some(Self { counter, window, window_id, reset: *reset, limit, spent: *spent, percent, at })
    }

    /// Returns its name, which no other alert has.
    #[must_use]
    pub fn id(&self) -> String {
        let Self { counter, window_id, limit, percent, .. } = self;
        format!("{counter} {} {} {percent}", window_id.0, limit.0)
    }
}
