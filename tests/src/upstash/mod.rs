//! Upstash's REST protocol over a plain Redis server, so that its clients can be tried without Upstash.
//!
//! In scope: commands in the body or in the path, pipelines, transactions, both encodings of strings, and the count of
//! requests. Out of scope: event streams (`/subscribe`, `/monitor`), RESP2 answers, tokens in the address, and commands
//! that concern a connection, because there is a new one for each request.

mod bridge;
mod command;
mod redis;
mod reply;

pub use bridge::{Options, UpstashBridge};
pub(crate) use command::Command;
pub(crate) use redis::Redis;
pub(crate) use reply::Reply;
