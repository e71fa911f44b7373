//! The suites that every adapter must pass, and fakes that fail on demand.
//!
//! An adapter calls [`hot_conformance!`](crate::hot_conformance) or [`records_conformance!`](crate::records_conformance)
//! once and gets a `#[test]` for each property, so that a new property reaches every store. [`model`] is the ledger told as
//! simply as can be, and the random histories in which every hot store must equal it to the nanodollar.

#![expect(clippy::missing_panics_doc, reason = "a property panics where a store does not have it")]

pub mod faulty;
pub mod fixture;
pub mod histories;
pub mod host;
pub mod hot;
pub mod memory_hot;
pub mod memory_records;
pub mod model;
pub mod records;
pub mod reference;
mod step;

#[cfg(test)]
mod tests;
