//! Model providers: what is read of a call's body, what they are sent, and what their answers say of usage.
//!
//! Out of scope: who may call ([`crate::admission`]) and what it costs ([`crate::money`]).

mod anthropic;
mod catalog;
mod content;
mod echo;
mod extra_chunk;
mod format;
#[cfg(test)]
mod generated_tests;
mod headers;
mod meter;
mod openai;
mod passthrough;
mod peek;
mod provider;
mod responses;
mod splice;
mod sse;

pub use catalog::{Catalog, ModelRoute};
pub use content::{Answered, Asked, Content};
pub use echo::{Echo, EchoError};
pub use extra_chunk::ExtraChunk;
pub use format::Format;
pub use headers::{inbound, outbound};
pub use meter::{Ended, Meter, Reading};
pub use passthrough::Passthrough;
pub use peek::{Peek, PeekError, peek};
pub use provider::{Outgoing, Provider};
