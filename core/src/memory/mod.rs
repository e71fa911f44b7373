//! The hot state in memory: decisions as pure functions, changes as values that a journal can keep.
