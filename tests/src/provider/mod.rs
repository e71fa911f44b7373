//! A provider of models that answers as it is told: a mock of Anthropic's and OpenAI's HTTP APIs.
//!
//! In scope: the documented shapes of both APIs, answers that a test scripts ([`Behaviour`]) or that a request asks for
//! by the name of its model ([`Behaviour::of_model`]), what reached the provider byte for byte ([`Received`]), and
//! whether the caller stayed until the end. Out of scope: models, and HTTP beyond what clients of these APIs send; it
//! speaks HTTP/1.1 by itself, so that nothing stands between a test and the bytes.
//!
//! Where nothing else was asked, an answer is [`TEXT`], from [`INPUT_TOKENS`] and as many tokens as the text has events.

mod anthropic;
mod asked;
mod behaviour;
mod connection;
mod embeddings;
mod gate;
mod gzip;
mod head;
mod models;
mod names;
mod openai;
mod record;
mod reply;
mod request;
mod responses;
mod server;
mod shared;
mod usage;

pub use behaviour::Behaviour;
pub use gate::Gate;
pub(crate) use gate::at_least;
pub use record::Received;
pub use server::{KEY, MockProvider, Options};

/// What one event of text says, and an answer in which nothing else was asked for says [`TIMES`] times.
pub const TEXT: &str = "pong ";

/// How many events of text an answer has where nothing else was asked for.
pub const TIMES: usize = 3;

/// How many tokens of input an answer reports where nothing else was asked for.
pub const INPUT_TOKENS: u64 = 12;
