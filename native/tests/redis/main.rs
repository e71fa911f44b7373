//! The hot state on a real Redis server: the conformance suite, random histories, and what only a store in another process
//! can get wrong.

mod amounts;
mod connection;
mod expiry;
mod failures;
mod histories;
mod presence;
mod roster;
mod round_trips;
mod support;
mod way;

use support::{block_on, store};

gateway_core::hot_conformance!(block_on, store());
