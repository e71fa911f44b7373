//! OpenAI's chat completions: <https://platform.openai.com/docs/api-reference/chat>.

use super::INPUT_TOKENS;
use super::asked::Asked;
use super::behaviour::{Behaviour, Tool};
use super::reply::{Events, quote};
use super::usage::member;

/// What all chunks and answers have: an id, and a time that no clock tells.
const COMMON: &str =
    r#""id":"chatcmpl-mock","created":1704067200,"service_tier":"default","system_fingerprint":"fp_mock""#;
const TOOL_ID: &str = "call_mock000000000000000";

/// Returns a completion as a whole.
pub(super) fn whole(asked: &Asked, behaviour: &Behaviour) -> String {
    let content = &behaviour.content;
    let text = match content.text.1 {
        0 => "null".to_owned(),
        times => quote(&content.text.0.repeat(times)),
    };
    let calls = content.tool.as_ref().map(|Tool { name, input }| {
        let (name, arguments) = (quote(name), quote(input));
        format!(
            r#","tool_calls":[{{"id":"{TOOL_ID}","type":"function","function":{{"name":{name},"arguments":{arguments}}}}}]"#
        )
    });
    let calls = calls.unwrap_or_default();
    let reason = finish_reason(behaviour);
    let choice = |index: usize| {
        format!(
            r#"{{"index":{index},"message":{{"role":"assistant","content":{text}{calls},"refusal":null,"annotations":[]}},"logprobs":null,"finish_reason":"{reason}"}}"#
        )
    };
    let choices: Vec<_> = (0..asked.choices).map(choice).collect();
    let usage = member(behaviour.usage.last(&usage(asked, behaviour)));
    let model = quote(&asked.model);
    format!(r#"{{"object":"chat.completion",{COMMON},"model":{model},"choices":[{}]{usage}}}"#, choices.join(","))
}

/// Returns a completion as a stream.
pub(super) fn stream(asked: &Asked, behaviour: &Behaviour) -> Events {
    let content = &behaviour.content;
    let said = format!(r#"{{"content":{}}}"#, quote(&content.text.0));
    let before = each(asked, r#"{"role":"assistant","content":"","refusal":null}"#, "null");
    let text = each(asked, &said, "null");
    let mut after = Vec::new();
    for delta in content.tool.as_ref().map(calls).unwrap_or_default() {
        after.extend(each(asked, &delta, "null"));
    }
    after.extend(each(asked, "{}", &quote(finish_reason(behaviour))));
    if asked.include_usage {
        let usages = behaviour.usage.later(&usage(asked, behaviour));
        after.extend(usages.into_iter().map(|usage| chunk(asked, "", &member(Some(usage)))));
    }
    after.push(b"data: [DONE]\n\n".to_vec());
    Box::new(before.into_iter().chain(std::iter::repeat_n(text, content.text.1).flatten()).chain(after))
}

/// Returns a chunk with this delta for each choice.
fn each(asked: &Asked, delta: &str, reason: &str) -> Vec<Vec<u8>> {
    let usage = if asked.include_usage { r#","usage":null"# } else { "" };
    let choice = |index: usize| {
        let choice = format!(r#"{{"index":{index},"delta":{delta},"logprobs":null,"finish_reason":{reason}}}"#);
        chunk(asked, &choice, usage)
    };
    (0..asked.choices).map(choice).collect()
}

fn chunk(asked: &Asked, choices: &str, usage: &str) -> Vec<u8> {
    let model = quote(&asked.model);
    let chunk =
        format!(r#"{{"object":"chat.completion.chunk",{COMMON},"model":{model},"choices":[{choices}]{usage}}}"#);
    format!("data: {chunk}\n\n").into_bytes()
}

fn calls(tool: &Tool) -> Vec<String> {
    let (name, arguments) = (quote(&tool.name), quote(&tool.input));
    vec![
        format!(
            r#"{{"tool_calls":[{{"index":0,"id":"{TOOL_ID}","type":"function","function":{{"name":{name},"arguments":""}}}}]}}"#
        ),
        format!(r#"{{"tool_calls":[{{"index":0,"function":{{"arguments":{arguments}}}}}]}}"#),
    ]
}

fn finish_reason(behaviour: &Behaviour) -> &'static str {
    if behaviour.content.tool.is_some() { "tool_calls" } else { "stop" }
}

fn usage(asked: &Asked, behaviour: &Behaviour) -> String {
    let output = (behaviour.content.text.1 * asked.choices) as u64;
    let total = INPUT_TOKENS + output;
    format!(
        r#"{{"prompt_tokens":{INPUT_TOKENS},"completion_tokens":{output},"total_tokens":{total},"prompt_tokens_details":{{"cached_tokens":0,"audio_tokens":0}},"completion_tokens_details":{{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}}"#
    )
}
