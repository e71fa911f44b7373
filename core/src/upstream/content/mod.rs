//! What was said in a call, as far as there is room for it: gathered beside the call, in the words of its form.
//!
//! In scope: what is kept of it and what is left out. Out of scope: where it is kept ([`crate::ports::Contents`]), and what of it other
//! systems are told ([`crate::export`]).

mod answered;
mod asked;
mod room;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use answered::Answered;
pub(super) use answered::Transcript;
pub use asked::Asked;

/// What was said in a call.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Content {
    /// By the client.
    pub asked: Asked,
    /// By the model.
    pub answered: Answered,
}

/// Puts something in place of a text that is a picture or a document rather than words.
fn blob(text: &str) -> Value {
    Value::String(format!("({} bytes of base64)", text.len()))
}

#[cfg(test)]
mod tests;
