//! The decisions and HTTP routes of llm-gateway.
//!
//! In scope: everything that must be the same wherever the gateway runs. Out of scope: I/O, clocks, randomness, and the
//! environment; hosts hand those in through [`ports`].
//!
//! | module | what it is about |
//! |---|---|
//! | [`accounts`] | what calls cost, added up for the records |
//! | [`identity`] | people: addresses, roles, status |
//! | [`token`] | issued API tokens: claims, keys, policy |
//! | [`session`] | browser sessions: ticket, record |
//! | [`admission`] | the one decision about a call, and what it holds |
//! | [`money`] | nanodollars, prices, usage, budgets, windows |
//! | [`config`] | the configuration document |
//! | [`control`] | operations on tokens, sessions, users |
//! | [`memory`] | the hot state in memory, as pure decisions and changes |
//! | [`redis`] | the same on Redis, as scripts |
//! | [`scim`] | what the company's directory says of people (SCIM 2.0) |
//! | [`signin`] | the OpenID Connect relying party |
//! | [`upstream`] | model providers: requests, answers, metering |
//! | [`ports`] | the traits that hosts implement |

pub mod accounts;
pub mod admission;
mod chain;
pub mod config;
#[cfg(feature = "test-support")]
pub mod conformance;
pub mod control;
mod export;
pub mod http;
pub mod id;
pub mod identity;
pub mod memory;
pub mod money;
pub mod ports;
pub mod redis;
pub mod scim;
pub mod session;
mod shelf;
#[cfg(test)]
#[path = "../build/shrink.rs"]
mod shrink;
pub mod signin;
pub mod time;
pub mod token;
pub mod upstream;
pub mod version;

pub use chain::Chain;
