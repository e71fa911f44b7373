//! What a client said.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::room::Room;
use crate::upstream::Format;

/// What a client said: the newest messages, in the words of the call's form. Clients send a conversation again with each call.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Asked {
    /// The messages, the oldest first. The oldest may be cut.
    pub messages: Vec<Value>,
    /// How many older ones are left out.
    pub left_out: usize,
}

impl Asked {
    /// Reads the messages of a call's body, of which `bytes` are kept at most. Nothing is kept of what does not read as JSON.
    #[must_use]
    pub fn of(body: &[u8], format: Format, bytes: usize) -> Self {
        // From bytes each time: what reads texts would be in the Worker a second time.
        let read = serde_json::from_slice::<BTreeMap<String, &RawValue>>(body).ok();
        let Some(said) = read.and_then(|members| members.get(format.said()).copied()) else { return Self::default() };
        let all: Vec<&RawValue> = serde_json::from_slice(said.get().as_bytes()).unwrap_or_else(|_| vec![said]);
        let mut room = Room::of(bytes);
        let mut messages = Vec::new();
        for message in all.iter().rev() {
            if room.is_full() {
                break;
            }
            messages.extend(serde_json::from_slice(message.get().as_bytes()).ok().map(|message| room.value(message)));
        }
        messages.reverse();
        Self { left_out: all.len() - messages.len(), messages }
    }
}
