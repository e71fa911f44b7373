//! What was said, in the words of OpenTelemetry's conventions for generative AI (`gen_ai.input.messages`, `gen_ai.output.messages`),
//! whatever the form of the call.

use serde_json::{Map, Value, json};

use super::Redaction;
use crate::upstream::{Answered, Asked, Content};

/// What was said, ready to be told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Said {
    /// The messages that were sent, the newest last.
    pub(super) input: Value,
    /// The messages that came back; empty if none did.
    pub(super) output: Value,
    /// How many older messages are left out.
    pub(super) left_out: usize,
}

impl Said {
    /// Makes it of what was kept of a call, without what the rules leave out.
    pub(crate) fn of(content: Content, redaction: &Redaction) -> Self {
        let Asked { messages, left_out } = content.asked;
        let input = messages.into_iter().map(|asked| message(asked, "user")).collect();
        Self { input: redaction.value(input), output: redaction.value(output(content.answered)), left_out }
    }
}

/// Returns the messages that a model answered. Blocks and items are parts of one message; OpenAI's choices are a message each.
fn output(Answered { pieces, ended }: Answered) -> Value {
    let ended = finish_reason(ended.as_deref());
    let (choices, parts): (Vec<Value>, Vec<Value>) = pieces.into_iter().partition(is_choice);
    let mut messages: Vec<Value> = choices.into_iter().map(|choice| message(choice, "assistant")).collect();
    let parts: Vec<Value> = parts.into_iter().flat_map(parts_of).collect();
    if !parts.is_empty() {
        messages.push(json!({"role": "assistant", "parts": parts}));
    }
    for message in &mut messages {
        message["finish_reason"] = ended.into();
    }
    messages.into()
}

/// Says whether a piece is the message of one of OpenAI's choices: those have a role, and no type.
fn is_choice(piece: &Value) -> bool {
    piece.get("role").is_some() && piece.get("type").is_none()
}

/// Returns the reason for which an answer ended, in the words of the conventions where they have one.
fn finish_reason(ended: Option<&str>) -> &str {
    match ended {
        Some("end_turn" | "stop_sequence" | "stop" | "completed") => "stop",
        Some("max_tokens" | "length" | "incomplete" | "model_context_window_exceeded") => "length",
        Some("tool_use" | "tool_calls" | "function_call") => "tool_call",
        Some("refusal" | "content_filter") => "content_filter",
        Some(other) if other != "failed" => other,
        Some(_) | None => "error",
    }
}

/// Returns one message: a text, or an object with a role and a content, or an item that is a part by itself.
fn message(said: Value, role: &str) -> Value {
    match said {
        Value::Object(mut members) if members.contains_key("role") => {
            let parts = message_parts(&mut members);
            let role = members.remove("role").unwrap_or_default();
            json!({"role": role, "parts": parts})
        }
        item => {
            let role = item_role(&item).unwrap_or(role).to_owned();
            json!({"role": role, "parts": parts_of(item)})
        }
    }
}

/// Returns who says an item that has no role: what a tool answers is a tool's, and what calls it is the model's.
fn item_role(item: &Value) -> Option<&'static str> {
    let kind = item.get("type")?.as_str()?;
    match kind {
        "reasoning" => Some("assistant"),
        _ if kind.ends_with("_output") => Some("tool"),
        _ if kind.ends_with("_call") => Some("assistant"),
        _ => None,
    }
}

/// Returns the parts of a message: what it reasons, what it says, the tools that it calls; or what a tool answers.
fn message_parts(members: &mut Map<String, Value>) -> Vec<Value> {
    let mut take = |name: &str| members.remove(name).filter(|value| !value.is_null());
    if let Some(id) = take("tool_call_id") {
        return vec![json!({"type": "tool_call_response", "id": id, "response": take("content")})];
    }
    let reasoning = take("reasoning_content").map(|text| json!({"type": "reasoning", "content": text}));
    let content = match take("content") {
        Some(Value::Array(parts)) => parts.into_iter().flat_map(parts_of).collect(),
        Some(one) => parts_of(one),
        None => Vec::new(),
    };
    let refusal = take("refusal").map(|text| json!({"type": "text", "content": text}));
    let calls = match take("tool_calls") {
        Some(Value::Array(calls)) => calls,
        _ => Vec::new(),
    };
    reasoning.into_iter().chain(content).chain(refusal).chain(calls.into_iter().flat_map(parts_of)).collect()
}

/// Returns the parts that a block or an item is. What is not known stays as it is.
fn parts_of(part: Value) -> Vec<Value> {
    let Value::Object(mut members) = part else { return vec![json!({"type": "text", "content": part})] };
    let kind = members.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut take = |name: &str| members.remove(name).unwrap_or_default();
    let part = match kind.as_str() {
        "text" | "input_text" | "output_text" => json!({"type": "text", "content": take("text")}),
        "refusal" => json!({"type": "text", "content": take("refusal")}),
        "thinking" => json!({"type": "reasoning", "content": take("thinking")}),
        "reasoning" => json!({"type": "reasoning", "content": texts(&take("summary"))}),
        "redacted_thinking" => json!({"type": "reasoning", "content": ""}),
        "tool_use" => call(&take("id"), &take("name"), take("input")),
        "function_call" => call(&take("call_id"), &take("name"), take("arguments")),
        "function" => {
            let mut function = take("function");
            call(&take("id"), &function["name"].take(), function["arguments"].take())
        }
        "tool_result" => response(&take("tool_use_id"), take("content")),
        "function_call_output" => response(&take("call_id"), take("output")),
        "message" => return message_parts(&mut members),
        // A picture or a document, of which the data was left out.
        "image" | "image_url" | "input_image" | "document" | "file" | "input_file" | "input_audio" => {
            json!({"type": kind})
        }
        _ => Value::Object(members),
    };
    vec![part]
}

fn call(id: &Value, name: &Value, arguments: Value) -> Value {
    // What is cut stays a text.
    let read = arguments.as_str().and_then(|text| serde_json::from_str(text).ok());
    json!({"type": "tool_call", "id": id, "name": name, "arguments": read.unwrap_or(arguments)})
}

fn response(id: &Value, response: Value) -> Value {
    let response = match response {
        Value::Array(parts) => parts.into_iter().flat_map(parts_of).collect(),
        other => other,
    };
    json!({"type": "tool_call_response", "id": id, "response": response})
}

/// Returns the texts of a summary, a line each.
fn texts(summary: &Value) -> String {
    let texts = summary.as_array().into_iter().flatten().filter_map(|part| part["text"].as_str());
    texts.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(messages: &[Value], pieces: &[Value], ended: &str) -> Said {
        let content = Content {
            asked: Asked { messages: messages.to_vec(), left_out: 3 },
            answered: Answered { pieces: pieces.to_vec(), ended: Some(ended.to_owned()) },
        };
        Said::of(content, &Redaction::of(&crate::config::Content::default()).unwrap())
    }

    fn text(content: &str) -> Value {
        json!({"type": "text", "content": content})
    }

    #[test]
    fn tells_anthropics_messages() {
        let result = json!({"type": "tool_result", "tool_use_id": "t0", "content": [{"type": "text", "text": "a.rs"}]});
        let picture = json!({"type": "image", "source": {"type": "base64", "data": "(4000 bytes of base64)"}});
        let said = said(
            &[
                json!({"role": "user", "content": "ping"}),
                json!({"role": "user", "content": [result, {"type": "text", "text": "go on"}, picture]}),
            ],
            &[
                json!({"type": "thinking", "thinking": "hm", "signature": "s"}),
                json!({"type": "text", "text": "pong"}),
                json!({"type": "tool_use", "id": "t1", "name": "ls", "input": {"a": 1}}),
                json!({"type": "server_tool_use", "id": "t2", "name": "web_search"}),
            ],
            "tool_use",
        );
        let response = json!({"type": "tool_call_response", "id": "t0", "response": [text("a.rs")]});
        let expected = json!([
            {"role": "user", "parts": [text("ping")]},
            {"role": "user", "parts": [response, text("go on"), {"type": "image"}]},
        ]);
        assert_eq!((said.input, said.left_out), (expected, 3));
        let parts = json!([
            {"type": "reasoning", "content": "hm"},
            text("pong"),
            {"type": "tool_call", "id": "t1", "name": "ls", "arguments": {"a": 1}},
            {"type": "server_tool_use", "id": "t2", "name": "web_search"},
        ]);
        assert_eq!(said.output, json!([{"role": "assistant", "parts": parts, "finish_reason": "tool_call"}]));
    }

    #[test]
    fn tells_openais_completions() {
        let call = json!({"type": "function", "id": "c1", "function": {"name": "ls", "arguments": "{\"a\":1}"}});
        let said = said(
            &[
                json!({"role": "system", "content": "be brief"}),
                json!({"role": "assistant", "content": null, "tool_calls": [call]}),
                json!({"role": "tool", "tool_call_id": "c1", "content": "a.rs"}),
            ],
            &[
                json!({"role": "assistant", "reasoning_content": "hm", "content": "pong"}),
                json!({"role": "assistant", "refusal": "no"}),
            ],
            "length",
        );
        let call = json!({"type": "tool_call", "id": "c1", "name": "ls", "arguments": {"a": 1}});
        let expected = json!([
            {"role": "system", "parts": [text("be brief")]},
            {"role": "assistant", "parts": [call]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "a.rs"}]},
        ]);
        assert_eq!(said.input, expected);
        let reasoning = json!({"type": "reasoning", "content": "hm"});
        let expected = json!([
            {"role": "assistant", "parts": [reasoning, text("pong")], "finish_reason": "length"},
            {"role": "assistant", "parts": [text("no")], "finish_reason": "length"},
        ]);
        assert_eq!(said.output, expected);
    }

    #[test]
    fn tells_openais_responses() {
        let call = json!({"type": "function_call", "call_id": "c1", "name": "ls", "arguments": "{\"a\":"});
        let said = said(
            &[
                json!("ping"),
                json!({"role": "user", "content": [{"type": "input_text", "text": "more"}]}),
                call.clone(),
                json!({"type": "function_call_output", "call_id": "c1", "output": "a.rs"}),
            ],
            &[
                json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}),
                json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "pong"}]}),
                call,
            ],
            "completed",
        );
        let call = json!({"type": "tool_call", "id": "c1", "name": "ls", "arguments": "{\"a\":"});
        let expected = json!([
            {"role": "user", "parts": [text("ping")]},
            {"role": "user", "parts": [text("more")]},
            {"role": "assistant", "parts": [call]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "a.rs"}]},
        ]);
        assert_eq!(said.input, expected);
        let parts = json!([{"type": "reasoning", "content": "hm"}, text("pong"), call]);
        assert_eq!(said.output, json!([{"role": "assistant", "parts": parts, "finish_reason": "stop"}]));
    }

    /// Also in what a tool is called with, which comes as a text of JSON.
    #[test]
    fn tells_nothing_that_the_rules_leave_out() {
        let arguments = json!({"to": "bob@example.com"}).to_string();
        let call = json!({"type": "tool_use", "id": "t", "name": "mail", "input": arguments});
        let said = said(&[json!({"role": "user", "content": "I am ann@example.com"})], &[call], "stop");
        assert_eq!(said.input[0]["parts"][0]["content"], "I am [email]");
        assert_eq!(said.output[0]["parts"][0]["arguments"], json!({"to": "[email]"}));
    }

    #[test]
    fn tells_of_no_answer_where_none_came() {
        let said = said(&[json!("ping")], &[], "stop");
        assert_eq!(said.output, json!([]));
    }
}
