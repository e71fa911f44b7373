//! The hot state over Upstash's REST protocol, before a real Redis server: the same as over TCP, and what only HTTP can get
//! wrong.

#[path = "../redis/amounts.rs"]
mod amounts;
mod connection;
#[path = "../redis/expiry.rs"]
mod expiry;
#[path = "../redis/failures.rs"]
mod failures;
#[path = "../redis/histories.rs"]
mod histories;
#[path = "../redis/presence.rs"]
mod presence;
mod real_database;
#[path = "../redis/roster.rs"]
mod roster;
#[path = "../redis/round_trips.rs"]
mod round_trips;
#[path = "../redis/support.rs"]
mod support;
mod way;

use support::{block_on, store};

gateway_core::hot_conformance!(block_on, store());
