//! Room for what is said.

use serde_json::{Map, Value};

use super::blob;
use crate::upstream::peek::is_blob;

/// What a value takes besides its text, in bytes: about what JSON needs for it.
const OVERHEAD: usize = 4;

/// How much may still be kept, in bytes.
#[derive(Debug)]
pub(super) struct Room(usize);

impl Room {
    pub(super) const fn of(bytes: usize) -> Self {
        Self(bytes)
    }

    pub(super) const fn is_full(&self) -> bool {
        self.0 == 0
    }

    /// Gives room back.
    pub(super) const fn free(&mut self, bytes: usize) {
        self.0 = self.0.saturating_add(bytes);
    }

    /// Returns as much of the beginning of a text as there is room for.
    pub(super) fn text<'a>(&mut self, text: &'a str) -> &'a str {
        let kept = &text[..text.floor_char_boundary(self.0)];
        // Less than was asked for is the end of it: nothing goes behind a gap.
        self.0 = if kept.len() < text.len() { 0 } else { self.0 - kept.len() };
        kept
    }

    /// Returns as much of a value as there is room for, from its beginning.
    pub(super) fn value(&mut self, value: Value) -> Value {
        self.0 = self.0.saturating_sub(OVERHEAD);
        match value {
            Value::String(text) if is_blob(&text) => blob(&text),
            Value::String(text) => Value::String(self.text(&text).to_owned()),
            Value::Array(values) => {
                let mut kept = Vec::new();
                for value in values {
                    if self.is_full() {
                        break;
                    }
                    kept.push(self.value(value));
                }
                Value::Array(kept)
            }
            Value::Object(members) => {
                let mut kept = Map::new();
                for (name, value) in members {
                    if self.is_full() {
                        break;
                    }
                    self.0 = self.0.saturating_sub(name.len());
                    kept.insert(name, self.value(value));
                }
                Value::Object(kept)
            }
            scalar => scalar,
        }
    }
}
