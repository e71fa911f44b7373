//! What calls cost, added up for the records: by window and payer, so that budgets outlive the hot state, and by day, so
//! that people see what they spent.
//!
//! In scope: what one event adds to which sums, and what its correction takes back. Out of scope: where sums are kept; a
//! store writes them together with the events, so that each event counts once.

mod breakdown;
mod day_sum;
mod days;
mod histogram;
mod posting;
mod roll_up;
mod sum_query;

pub use breakdown::{Breakdown, By, Facts, InvalidBreakdown, Row};
pub use day_sum::{DaySum, DaySumKey, Dimension};
pub use days::Days;
pub use histogram::{Histogram, Latency};
pub use posting::{Posting, Spent, SpentKey, Sums};
pub use roll_up::{RollUp, RollUpKey};
pub use sum_query::{Adder, SumQuery, SumSource};
