//! Attributes, as OTLP writes them in JSON.

use serde_json::{Value, json};

/// Attributes in the order in which they were added.
#[derive(Debug, Default)]
pub(super) struct Attributes(Vec<Value>);

impl Attributes {
    pub(super) fn text(&mut self, key: &str, value: impl Into<String>) {
        self.add(key, &json!({"stringValue": value.into()}));
    }

    /// Adds a text, unless there is none.
    pub(super) fn optional(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.text(key, value);
        }
    }

    pub(super) fn flag(&mut self, key: &str, value: bool) {
        self.add(key, &json!({"boolValue": value}));
    }

    /// Adds a number, which is written as a text: JSON's readers take no more than 53 bits (proto3's mapping).
    pub(super) fn integer(&mut self, key: &str, value: i64) {
        self.add(key, &json!({"intValue": value.to_string()}));
    }

    pub(super) fn count(&mut self, key: &str, value: u64) {
        self.integer(key, i64::try_from(value).unwrap_or(i64::MAX));
    }

    pub(super) fn double(&mut self, key: &str, value: f64) {
        self.add(key, &json!({"doubleValue": value}));
    }

    pub(super) fn texts(&mut self, key: &str, values: &[String]) {
        if !values.is_empty() {
            let values: Vec<Value> = values.iter().map(|value| json!({"stringValue": value})).collect();
            self.add(key, &json!({"arrayValue": {"values": values}}));
        }
    }

    pub(super) fn into_json(self) -> Value {
        Value::Array(self.0)
    }

    fn add(&mut self, key: &str, value: &Value) {
        self.0.push(json!({"key": key, "value": value}));
    }
}
