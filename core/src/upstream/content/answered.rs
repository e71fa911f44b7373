//! What a model said.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::room::Room;
use crate::upstream::Format;

/// What a model said.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Answered {
    /// Its pieces, as an unstreamed answer of the form has them: Anthropic's blocks, the messages of OpenAI's choices, the items of its
    /// responses. The last one may be cut.
    pub pieces: Vec<Value>,
    /// Why it ended, in the provider's words.
    pub ended: Option<String>,
}

/// Puts together what a model says.
#[derive(Debug)]
pub(in crate::upstream) struct Transcript {
    format: Format,
    room: Room,
    /// The pieces so far, by the numbers that the stream gives them.
    pieces: Vec<(u64, Value)>,
    ended: Option<String>,
    /// The beginning of an item that is not done (responses).
    begun: String,
}

impl Transcript {
    /// Makes one that keeps so many bytes at most.
    pub(in crate::upstream) const fn new(format: Format, bytes: usize) -> Self {
        Self { format, room: Room::of(bytes), pieces: Vec::new(), ended: None, begun: String::new() }
    }

    /// Reads the data of one event. What is not known is passed over.
    pub(in crate::upstream) fn event(&mut self, data: &[u8]) {
        let Ok(event) = serde_json::from_slice::<Value>(data) else { return };
        match self.format {
            Format::Messages => self.message_event(event),
            Format::ChatCompletions => self.chunk(event),
            Format::Responses => self.response_event(event),
            Format::CountTokens | Format::Embeddings => {}
        }
    }

    /// Reads an unstreamed answer.
    pub(in crate::upstream) fn document(&mut self, bytes: &[u8]) {
        let Ok(mut document) = serde_json::from_slice::<Value>(bytes) else { return };
        let (member, ended) = match self.format {
            Format::Messages => ("content", "/stop_reason"),
            Format::ChatCompletions => ("choices", "/choices/0/finish_reason"),
            Format::Responses => ("output", "/status"),
            Format::CountTokens | Format::Embeddings => return,
        };
        self.end(document.pointer(ended));
        let Value::Array(pieces) = document[member].take() else { return };
        for (number, mut piece) in (0..).zip(pieces) {
            let piece = if self.format == Format::ChatCompletions { piece["message"].take() } else { piece };
            self.begin(number, piece);
        }
    }

    /// Returns what the model said, if it said anything that there was room for.
    pub(in crate::upstream) fn finish(mut self) -> Answered {
        if !self.begun.is_empty() {
            let text = json!({"type": "output_text", "text": self.begun});
            self.pieces.push((0, json!({"type": "message", "role": "assistant", "content": [text]})));
        }
        Answered { pieces: self.pieces.into_iter().map(|(_, piece)| piece).collect(), ended: self.ended }
    }

    /// Anthropic's: a block begins, and grows by its deltas.
    fn message_event(&mut self, mut event: Value) {
        let number = event["index"].as_u64().unwrap_or(0);
        match event["type"].as_str() {
            Some("content_block_start") => {
                let block = event["content_block"].take();
                self.begin(number, block);
            }
            Some("content_block_delta") => {
                for (from, to) in [("text", "text"), ("thinking", "thinking"), ("partial_json", "input")] {
                    if let Some(text) = event["delta"][from].as_str() {
                        let room = &mut self.room;
                        let block = self.pieces.iter_mut().rev().find(|(known, _)| *known == number);
                        grow(block.map(|(_, block)| &mut block[to]), room, text);
                    }
                }
            }
            Some("message_delta") => self.end(event.pointer("/delta/stop_reason")),
            _ => {}
        }
    }

    /// OpenAI's chunks: each choice's message grows by its deltas, and so do the calls of tools in it.
    fn chunk(&mut self, mut event: Value) {
        let Value::Array(choices) = event["choices"].take() else { return };
        for mut choice in choices {
            self.end(choice.get("finish_reason"));
            let number = choice["index"].as_u64().unwrap_or(0);
            if !self.pieces.iter().any(|(known, _)| *known == number) {
                self.begin(number, json!({"role": "assistant"}));
            }
            let message = self.pieces.iter_mut().find(|(known, _)| *known == number).map(|(_, message)| message);
            if let (Some(message), Value::Object(delta)) = (message, choice["delta"].take()) {
                merge(message, delta, &mut self.room);
            }
        }
    }

    /// OpenAI's responses: each item comes as a whole once it is done.
    fn response_event(&mut self, mut event: Value) {
        match event["type"].as_str() {
            Some("response.output_text.delta") => {
                if let Some(text) = event["delta"].as_str() {
                    self.begun.push_str(self.room.text(text));
                }
            }
            Some("response.output_item.done") => {
                self.room.free(std::mem::take(&mut self.begun).len());
                let item = event["item"].take();
                self.begin(0, item);
            }
            Some("response.completed" | "response.incomplete" | "response.failed") => {
                self.end(event.pointer("/response/status"));
            }
            _ => {}
        }
    }

    fn begin(&mut self, number: u64, piece: Value) {
        if !self.room.is_full() && !piece.is_null() {
            let piece = self.room.value(piece);
            self.pieces.push((number, piece));
        }
    }

    fn end(&mut self, why: Option<&Value>) {
        let why = why.and_then(Value::as_str).filter(|why| why.len() <= 64);
        self.ended = why.map(str::to_owned).or_else(|| self.ended.take());
    }
}

/// Adds a delta to a message: texts go behind what is there, calls of tools to the call of their number.
fn merge(message: &mut Value, delta: Map<String, Value>, room: &mut Room) {
    for (name, value) in delta {
        match value {
            Value::String(text) if name != "role" => grow(Some(&mut message[name]), room, &text),
            Value::Array(calls) if name == "tool_calls" => {
                for call in calls {
                    merge_call(&mut message["tool_calls"], call, room);
                }
            }
            _ => {}
        }
    }
}

fn merge_call(calls: &mut Value, mut call: Value, room: &mut Room) {
    if !calls.is_array() {
        *calls = json!([]);
    }
    let Value::Array(calls) = calls else { return };
    if let Some(known) = calls.iter_mut().find(|known| known["index"] == call["index"]) {
        if let Some(arguments) = call["function"]["arguments"].as_str() {
            grow(Some(&mut known["function"]["arguments"]), room, arguments);
        }
    } else if !room.is_full() {
        calls.push(room.value(call.take()));
    }
}

/// Puts text behind what a member says, which may be nothing yet.
fn grow(member: Option<&mut Value>, room: &mut Room, text: &str) {
    match member {
        Some(Value::String(said)) => said.push_str(room.text(text)),
        Some(other) => *other = Value::String(room.text(text).to_owned()),
        None => {}
    }
}
