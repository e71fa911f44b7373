//! What the program is made of and its black-box tests also need: the way to a Redis server.
//!
//! In scope: adapters that cannot be tested without a second process. Everything else is the program's own.

pub mod redis;
