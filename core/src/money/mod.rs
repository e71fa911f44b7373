//! Money: amounts, prices, what a call costs, and the windows in which budgets count.
//!
//! No floating point touches an amount. Out of scope: who holds and pays ([`crate::admission`]).

mod alert;
mod amount;
mod budget;
mod counter;
mod estimate;
mod price;
mod rates;
mod table;
mod usage;
mod window;

pub use alert::{ALERTED_AT, Alert};
pub use amount::{InvalidAmount, Nanodollars};
pub use budget::{
    BookEntry, BookFull, Budget, BudgetBook, BudgetScope, BudgetSource, BudgetState, InvalidScope, Limits,
};
pub use counter::{Counter, InvalidCounter};
pub use estimate::{CallSize, Estimator};
pub use price::{ConfiguredPrice, Cost, Price, PriceAdditions, ServiceTier};
pub use rates::Rates;
pub use table::PriceTable;
pub use usage::TokenUsage;
pub use window::{Calendar, Window, WindowId, WindowKind};
