//! The black-box suite's plumbing; the tests are in `tests/`.
//!
//! In scope: starting each deployment as its own processes, and asking it over HTTP. Out of scope: anything of the
//! gateway's own code; these tests know what its documentation says and nothing else.

mod assertion;
mod browser;
mod call;
mod clickhouse;
mod deployment;
mod environment;
mod fronted;
mod health;
mod hostile_provider;
mod oidc_provider;
mod parameter_store;
mod process;
mod receiver;
mod redis;
mod relay;
mod serverless;
mod sink;
mod store;
mod variables;
mod webhook;

pub mod dynamodb;
pub mod edge;
pub mod lambda;
pub mod lambda_start;
pub mod provider;
pub mod upstash;

pub use assertion::Assertion;
pub use browser::{Browser, Minted, Money, location};
pub use call::{Answer, ask, call, echo, message, refused};
pub use clickhouse::ClickHouse;
pub use deployment::{Deployment, WithoutRecords};
pub use environment::{Unset, place};
pub use fronted::Fronted;
pub use health::assert_alive;
pub use hostile_provider::{HostileProvider, Reply, merged, now};
pub use oidc_provider::OidcProvider;
pub use parameter_store::ParameterStore;
pub use process::{NotReady, Process, free_port};
pub use receiver::Told;
pub use redis::Redis;
pub use relay::Relay;
pub use serverless::Serverless;
pub use sink::Sink;
pub use store::Store;
pub use webhook::{Posted, Webhook};
