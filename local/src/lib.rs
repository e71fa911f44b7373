//! What the program is made of and its black-box tests also need: the ways to a Redis server, and the HTTP client that one
//! of them uses.
//!
//! In scope: adapters that cannot be tested without a second process. Everything else is the program's own.

pub mod http_client;
pub mod redis;
