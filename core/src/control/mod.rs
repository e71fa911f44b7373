//! The control plane: what may be changed, by whom.

mod actor;

pub use actor::{Actor, Via};
