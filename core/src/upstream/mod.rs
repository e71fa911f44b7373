//! Model providers: what is read of a call's body, what they are sent, and what their answers say of usage.
//!
//! Out of scope: who may call ([`crate::admission`]) and what it costs ([`crate::money`]).

mod anthropic;
mod echo;
mod headers;
mod meter;
mod openai;
mod peek;
mod sse;

pub use echo::{Echo, EchoError};
pub use headers::{inbound, outbound};
pub use meter::{Ended, Meter, Reading};
pub use peek::{Peek, PeekError, peek};

/// The form of a call and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Anthropic's messages: `POST /v1/messages`.
    Messages,
    /// OpenAI's chat completions: `POST /v1/chat/completions`.
    ChatCompletions,
}

impl Format {
    /// Returns the form of the calls at a path.
    #[must_use]
    pub fn of(path: &str) -> Option<Self> {
        match path {
            "/v1/messages" => Some(Self::Messages),
            "/v1/chat/completions" => Some(Self::ChatCompletions),
            _ => None,
        }
    }
}
