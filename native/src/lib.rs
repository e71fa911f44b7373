//! The adapters of every host on an operating system: `local` and `lambda`.
//!
//! In scope: clock, chance and environment, logs, the HTTP client, the ways to Redis, the records in `DynamoDB`, and
//! secrets in AWS's parameter store. Out of scope: what one host alone needs, and every decision.

pub use aws_config::SdkConfig;

pub mod aws;
pub mod dynamodb;
pub mod host;
pub mod http_client;
pub mod logging;
pub mod parameters;
pub mod redis;
