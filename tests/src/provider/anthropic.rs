//! Anthropic's messages: <https://docs.anthropic.com/en/api/messages>.

use super::INPUT_TOKENS;
use super::asked::Asked;
use super::behaviour::{Behaviour, Tool};
use super::reply::{Events, event, quote};
use super::usage::member;

const ID: &str = "msg_mock0000000000000000";
const TOOL_ID: &str = "toolu_mock00000000000000";
const SIGNATURE: &str = "bW9jaw==";

/// Returns a message as a whole.
pub(super) fn whole(asked: &Asked, behaviour: &Behaviour) -> String {
    let content = &behaviour.content;
    let mut blocks = Vec::new();
    if let Some(thought) = &content.thinking {
        blocks.push(format!(r#"{{"type":"thinking","thinking":{},"signature":"{SIGNATURE}"}}"#, quote(thought)));
    }
    if content.text.1 > 0 {
        let text = quote(&content.text.0.repeat(content.text.1));
        blocks.push(format!(r#"{{"type":"text","text":{text}}}"#));
    }
    if let Some(Tool { name, input }) = &content.tool {
        blocks.push(format!(r#"{{"type":"tool_use","id":"{TOOL_ID}","name":{},"input":{input}}}"#, quote(name)));
    }
    let usage = member(behaviour.usage.last(&usage(behaviour)));
    let (model, reason) = (quote(&asked.model), stop_reason(behaviour));
    format!(
        r#"{{"model":{model},"id":"{ID}","type":"message","role":"assistant","content":[{}],"stop_reason":"{reason}","stop_sequence":null{usage}}}"#,
        blocks.join(",")
    )
}

/// Returns an answer to `count_tokens`.
pub(super) fn count() -> String {
    format!(r#"{{"input_tokens":{INPUT_TOKENS}}}"#)
}

/// Returns a message as a stream.
pub(super) fn stream(asked: &Asked, behaviour: &Behaviour) -> Events {
    let content = &behaviour.content;
    let mut before = vec![start(asked, behaviour)];
    let mut index = 0;
    if let Some(thought) = &content.thinking {
        before.push(block_start(index, r#"{"type":"thinking","thinking":"","signature":""}"#));
        before.push(delta(index, &format!(r#"{{"type":"thinking_delta","thinking":{}}}"#, quote(thought))));
        before.push(delta(index, &format!(r#"{{"type":"signature_delta","signature":"{SIGNATURE}"}}"#)));
        before.push(block_stop(index));
        index += 1;
    }
    let (text, times) = (&content.text.0, content.text.1);
    let mut after = Vec::new();
    if times > 0 {
        before.push(block_start(index, r#"{"type":"text","text":""}"#));
        before.push(event("ping", r#"{"type": "ping"}"#));
        after.push(block_stop(index));
    }
    let said = delta(index, &format!(r#"{{"type":"text_delta","text":{}}}"#, quote(text)));
    if let Some(tool) = &content.tool {
        let index = if times > 0 { index + 1 } else { index };
        after.extend(use_of(index, tool));
    }
    after.extend(end(behaviour));
    Box::new(before.into_iter().chain(std::iter::repeat_n(said, times)).chain(after))
}

fn start(asked: &Asked, behaviour: &Behaviour) -> Vec<u8> {
    let usage = member(behaviour.usage.start(&usage(behaviour)));
    let model = quote(&asked.model);
    event(
        "message_start",
        &format!(
            r#"{{"type":"message_start","message":{{"model":{model},"id":"{ID}","type":"message","role":"assistant","content":[],"stop_reason":null,"stop_sequence":null{usage}}}}}"#
        ),
    )
}

fn use_of(index: usize, tool: &Tool) -> Vec<Vec<u8>> {
    let name = quote(&tool.name);
    let block = format!(r#"{{"type":"tool_use","id":"{TOOL_ID}","name":{name},"input":{{}}}}"#);
    // The first is always empty, and what comes is cut anywhere.
    let middle = tool.input.floor_char_boundary(tool.input.len() / 2);
    let (first, second) = tool.input.split_at(middle);
    let parts = ["", first, second];
    let partial = |part| delta(index, &format!(r#"{{"type":"input_json_delta","partial_json":{}}}"#, quote(part)));
    let mut events = vec![block_start(index, &block)];
    events.extend(parts.into_iter().map(partial));
    events.push(block_stop(index));
    events
}

fn end(behaviour: &Behaviour) -> Vec<Vec<u8>> {
    let reason = stop_reason(behaviour);
    let delta = |usage: Option<String>| {
        let usage = member(usage);
        event(
            "message_delta",
            &format!(r#"{{"type":"message_delta","delta":{{"stop_reason":"{reason}","stop_sequence":null}}{usage}}}"#),
        )
    };
    let mut events: Vec<_> = behaviour.usage.later(&usage(behaviour)).into_iter().map(Some).map(delta).collect();
    if events.is_empty() {
        events.push(delta(None));
    }
    events.push(event("message_stop", r#"{"type":"message_stop"}"#));
    events
}

fn block_start(index: usize, block: &str) -> Vec<u8> {
    let data = format!(r#"{{"type":"content_block_start","index":{index},"content_block":{block}}}"#);
    event("content_block_start", &data)
}

fn delta(index: usize, delta: &str) -> Vec<u8> {
    event("content_block_delta", &format!(r#"{{"type":"content_block_delta","index":{index},"delta":{delta}}}"#))
}

fn block_stop(index: usize) -> Vec<u8> {
    event("content_block_stop", &format!(r#"{{"type":"content_block_stop","index":{index}}}"#))
}

fn stop_reason(behaviour: &Behaviour) -> &'static str {
    if behaviour.content.tool.is_some() { "tool_use" } else { "end_turn" }
}

fn usage(behaviour: &Behaviour) -> String {
    let output = behaviour.content.text.1;
    format!(
        r#"{{"input_tokens":{INPUT_TOKENS},"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"cache_creation":{{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0}},"output_tokens":{output},"service_tier":"standard"}}"#
    )
}
