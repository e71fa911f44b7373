//! OpenAI's responses: <https://platform.openai.com/docs/api-reference/responses>.

use super::INPUT_TOKENS;
use super::asked::Asked;
use super::behaviour::{Behaviour, Tool};
use super::reply::{Events, event, quote};

const ID: &str = "resp_mock000000000000000";
const MESSAGE: &str = "msg_mock0000000000000000";
const CALL: &str = "fc_mock00000000000000000";

/// Returns a response as a whole.
pub(super) fn whole(asked: &Asked, behaviour: &Behaviour) -> String {
    let mut items = Vec::new();
    if behaviour.content.text.1 > 0 {
        items.push(message(behaviour));
    }
    items.extend(behaviour.content.tool.as_ref().map(|tool| call(tool, &tool.input, "completed")));
    let usage = behaviour.usage.last(&usage(behaviour)).unwrap_or_else(|| "null".to_owned());
    response(asked, "completed", &items.join(","), &usage)
}

/// Returns a response as a stream. There is no `[DONE]` at its end.
pub(super) fn stream(asked: &Asked, behaviour: &Behaviour) -> Events {
    let running = response(asked, "in_progress", "", "null");
    let mut before = vec![
        ("response.created", format!(r#""response":{running}"#)),
        ("response.in_progress", format!(r#""response":{running}"#)),
    ];
    let mut after = Vec::new();
    let times = behaviour.content.text.1;
    if times > 0 {
        before.extend(message_start());
        after.extend(message_end(behaviour));
    }
    if let Some(tool) = &behaviour.content.tool {
        after.extend(call_events(usize::from(times > 0), tool));
    }
    after.push(("response.completed", format!(r#""response":{}"#, whole(asked, behaviour))));
    let at = format!(r#""item_id":"{MESSAGE}","output_index":0,"content_index":0"#);
    let text = format!(r#"{at},"delta":{},"logprobs":[]"#, quote(&behaviour.content.text.0));
    let said = std::iter::repeat_n(("response.output_text.delta", text), times);
    let numbered = before.into_iter().chain(said).chain(after).enumerate();
    Box::new(numbered.map(|(number, (name, members))| {
        event(name, &format!(r#"{{"type":"{name}","sequence_number":{number},{members}}}"#))
    }))
}

/// An event's name, and its members beside type and number.
type Event = (&'static str, String);

fn message_start() -> [Event; 2] {
    let item =
        format!(r#"{{"id":"{MESSAGE}","type":"message","status":"in_progress","role":"assistant","content":[]}}"#);
    let part = r#"{"type":"output_text","annotations":[],"logprobs":[],"text":""}"#;
    [
        ("response.output_item.added", format!(r#""output_index":0,"item":{item}"#)),
        (
            "response.content_part.added",
            format!(r#""item_id":"{MESSAGE}","output_index":0,"content_index":0,"part":{part}"#),
        ),
    ]
}

fn message_end(behaviour: &Behaviour) -> [Event; 3] {
    let at = format!(r#""item_id":"{MESSAGE}","output_index":0,"content_index":0"#);
    [
        ("response.output_text.done", format!(r#"{at},"text":{},"logprobs":[]"#, text(behaviour))),
        ("response.content_part.done", format!(r#"{at},"part":{}"#, part(behaviour))),
        ("response.output_item.done", format!(r#""output_index":0,"item":{}"#, message(behaviour))),
    ]
}

fn call_events(index: usize, tool: &Tool) -> [Event; 4] {
    let at = format!(r#""item_id":"{CALL}","output_index":{index}"#);
    let arguments = quote(&tool.input);
    [
        ("response.output_item.added", format!(r#""output_index":{index},"item":{}"#, call(tool, "", "in_progress"))),
        ("response.function_call_arguments.delta", format!(r#"{at},"delta":{arguments}"#)),
        ("response.function_call_arguments.done", format!(r#"{at},"arguments":{arguments}"#)),
        (
            "response.output_item.done",
            format!(r#""output_index":{index},"item":{}"#, call(tool, &tool.input, "completed")),
        ),
    ]
}

fn response(asked: &Asked, status: &str, items: &str, usage: &str) -> String {
    let model = quote(&asked.model);
    format!(
        r#"{{"id":"{ID}","object":"response","created_at":1704067200,"status":"{status}","background":false,"error":null,"incomplete_details":null,"instructions":null,"max_output_tokens":null,"model":{model},"output":[{items}],"parallel_tool_calls":true,"previous_response_id":null,"reasoning":{{"effort":null,"summary":null}},"service_tier":"default","store":false,"temperature":1.0,"text":{{"format":{{"type":"text"}}}},"tool_choice":"auto","tools":[],"top_p":1.0,"truncation":"disabled","usage":{usage},"user":null,"metadata":{{}}}}"#
    )
}

fn message(behaviour: &Behaviour) -> String {
    let part = part(behaviour);
    format!(r#"{{"id":"{MESSAGE}","type":"message","status":"completed","role":"assistant","content":[{part}]}}"#)
}

fn part(behaviour: &Behaviour) -> String {
    format!(r#"{{"type":"output_text","annotations":[],"logprobs":[],"text":{}}}"#, text(behaviour))
}

fn text(behaviour: &Behaviour) -> String {
    quote(&behaviour.content.text.0.repeat(behaviour.content.text.1))
}

fn call(tool: &Tool, arguments: &str, status: &str) -> String {
    let (name, arguments) = (quote(&tool.name), quote(arguments));
    format!(
        r#"{{"id":"{CALL}","type":"function_call","status":"{status}","arguments":{arguments},"call_id":"call_mock","name":{name}}}"#
    )
}

fn usage(behaviour: &Behaviour) -> String {
    let output = behaviour.content.text.1 as u64;
    let total = INPUT_TOKENS + output;
    format!(
        r#"{{"input_tokens":{INPUT_TOKENS},"input_tokens_details":{{"cached_tokens":0}},"output_tokens":{output},"output_tokens_details":{{"reasoning_tokens":0}},"total_tokens":{total}}}"#
    )
}
