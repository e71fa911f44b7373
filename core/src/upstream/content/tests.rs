use serde_json::{Value, json};

use super::{Answered, Asked};
use crate::upstream::{Ended, Format, Meter};

fn asked(format: Format, body: &Value, bytes: usize) -> Asked {
    Asked::of(body.to_string().as_bytes(), format, bytes)
}

fn event(data: &Value) -> String {
    format!("event: x\ndata: {data}\n\n")
}

/// Returns what is kept of an answer that comes in pieces of seven bytes.
fn kept(format: Format, is_stream: bool, bytes: usize, answer: &str, ended: Ended) -> Answered {
    let mut meter = Meter::new(format, is_stream).keeping(bytes);
    for piece in answer.as_bytes().chunks(7) {
        meter.feed(piece);
    }
    meter.finish(ended).answered
}

fn streamed(format: Format, events: &[Value]) -> Answered {
    kept(format, true, 1000, &events.iter().map(event).collect::<String>(), Ended::Complete)
}

fn document(format: Format, answer: &Value) -> Answered {
    kept(format, false, 1000, &answer.to_string(), Ended::Complete)
}

#[test]
fn keeps_the_newest_messages() {
    let messages = json!([
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": [{"type": "text", "text": "second"}]},
        {"role": "user", "content": "third"},
    ]);
    let body = json!({"model": "m", "system": "s", "messages": messages, "tools": ["t"]});
    let all = asked(Format::Messages, &body, 1000);
    assert_eq!((Value::Array(all.messages), all.left_out), (messages.clone(), 0));
    // The last message takes 11 bytes of names, 9 of values and 12 besides; what is left is not enough for all of the second.
    let some = asked(Format::ChatCompletions, &body, 60);
    assert_eq!((&some.messages[1], some.left_out), (&messages[2], 1));
    let second = &some.messages[0];
    assert_eq!((some.messages.len(), second["role"].as_str()), (2, None), "{second}");
    assert_eq!(asked(Format::Messages, &body, 1).left_out, 2);
}

#[test]
fn cuts_a_long_text_between_characters() {
    let body = json!({"model": "m", "input": "ä".repeat(100)});
    // A text takes 4 bytes besides: 97 are left for characters of two.
    assert_eq!(asked(Format::Responses, &body, 101).messages, [json!("ä".repeat(48))]);
}

#[test]
fn keeps_no_pictures() {
    let picture = json!({"type": "base64", "media_type": "image/png", "data": "QUJD".repeat(1000)});
    let content = json!([{"type": "image", "source": picture}, {"type": "text", "text": "What is it?"}]);
    let body = json!({"model": "m", "messages": [{"role": "user", "content": content}]});
    let kept = asked(Format::Messages, &body, 300);
    assert_eq!(kept.messages[0]["content"][0]["source"]["data"], "(4000 bytes of base64)");
    assert_eq!(kept.messages[0]["content"][1]["text"], "What is it?");
}

#[test]
fn keeps_nothing_of_what_it_cannot_read() {
    assert_eq!(Asked::of(b"{", Format::Messages, 100), Asked::default());
    assert_eq!(asked(Format::Messages, &json!({"input": "x"}), 100), Asked::default());
}

/// Whoever says it twice is heard as providers hear them.
#[test]
fn reads_the_last_of_two_members() {
    let body = br#"{"messages":["harmless"],"messages":["said"]}"#;
    assert_eq!(Asked::of(body, Format::Messages, 100).messages, [json!("said")]);
}

#[test]
fn puts_a_message_together_as_it_comes_in_one_piece() {
    let blocks = json!([
        {"type": "thinking", "thinking": "hm, hm"},
        {"type": "text", "text": "pong pöng"},
        {"type": "tool_use", "id": "t1", "name": "ls", "input": "{\"a\":1}"},
    ]);
    let delta = |index: u64, delta: &Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
    let start =
        |index: u64, block: &Value| json!({"type": "content_block_start", "index": index, "content_block": block});
    let events = [
        json!({"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 1}}}),
        start(0, &json!({"type": "thinking", "thinking": ""})),
        delta(0, &json!({"type": "thinking_delta", "thinking": "hm, "})),
        delta(0, &json!({"type": "thinking_delta", "thinking": "hm"})),
        delta(0, &json!({"type": "signature_delta", "signature": "s"})),
        start(1, &json!({"type": "text", "text": ""})),
        delta(1, &json!({"type": "text_delta", "text": "pong "})),
        delta(1, &json!({"type": "text_delta", "text": "pöng"})),
        start(2, &json!({"type": "tool_use", "id": "t1", "name": "ls", "input": {}})),
        delta(2, &json!({"type": "input_json_delta", "partial_json": "{\"a\""})),
        delta(2, &json!({"type": "input_json_delta", "partial_json": ":1}"})),
        delta(7, &json!({"type": "text_delta", "text": "of no block"})),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}}),
        json!({"type": "message_stop"}),
    ];
    let expected = Answered { pieces: blocks.as_array().unwrap().clone(), ended: Some("tool_use".to_owned()) };
    assert_eq!(streamed(Format::Messages, &events), expected);
    assert_eq!(document(Format::Messages, &json!({"content": blocks, "stop_reason": "tool_use"})), expected);
}

#[test]
fn puts_choices_together_as_they_come_in_one_piece() {
    let call =
        json!({"index": 0, "id": "c1", "type": "function", "function": {"name": "ls", "arguments": "{\"a\":1}"}});
    let messages = [
        json!({"role": "assistant", "content": "pong pong", "reasoning_content": "hm", "tool_calls": [call]}),
        json!({"role": "assistant", "content": "other"}),
    ];
    let chunk = |index: u64, delta: &Value, reason: Option<&str>| json!({"choices": [{"index": index, "delta": delta, "finish_reason": reason}]});
    let begun = json!({"index": 0, "id": "c1", "type": "function", "function": {"name": "ls", "arguments": "{"}});
    let more = json!({"index": 0, "function": {"arguments": "\"a\":1}"}});
    let events = [
        chunk(0, &json!({"role": "assistant", "content": null, "reasoning_content": "hm"}), None),
        chunk(0, &json!({"content": "pong "}), None),
        chunk(1, &json!({"role": "assistant", "content": "other"}), None),
        chunk(0, &json!({"content": "pong", "tool_calls": [begun]}), None),
        chunk(0, &json!({"tool_calls": [more]}), None),
        chunk(0, &json!({}), Some("tool_calls")),
        json!({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}),
    ];
    let expected = Answered { pieces: messages.to_vec(), ended: Some("tool_calls".to_owned()) };
    assert_eq!(streamed(Format::ChatCompletions, &events), expected);
    let choices: Vec<Value> =
        messages.iter().map(|message| json!({"message": message, "finish_reason": "tool_calls"})).collect();
    assert_eq!(document(Format::ChatCompletions, &json!({"choices": choices})), expected);
}

#[test]
fn keeps_items_that_are_done_and_the_beginning_of_one_that_is_not() {
    let item = |text: &str| {
        let content = json!([{"type": "output_text", "text": text}]);
        json!({"type": "message", "role": "assistant", "content": content})
    };
    let delta = |text: &str| json!({"type": "response.output_text.delta", "delta": text});
    let events =
        [delta("po"), delta("ng"), json!({"type": "response.output_item.done", "item": item("pong")}), delta("and th")];
    let cut = kept(Format::Responses, true, 1000, &events.iter().map(event).collect::<String>(), Ended::Cut);
    assert_eq!(cut, Answered { pieces: vec![item("pong"), item("and th")], ended: None });
    let whole = json!({"output": [item("pong")], "status": "completed"});
    let ended = json!({"type": "response.completed", "response": whole});
    let expected = Answered { pieces: vec![item("pong")], ended: Some("completed".to_owned()) };
    assert_eq!(streamed(Format::Responses, &[delta("pong"), events[2].clone(), ended]), expected);
    assert_eq!(document(Format::Responses, &whole), expected);
}

/// However much a provider says, and however it numbers it.
#[test]
fn keeps_no_more_than_there_is_room_for() {
    let mut stream = String::new();
    for index in 0..2000_u64 {
        let block = json!({"type": "text", "text": ""});
        stream += &event(&json!({"type": "content_block_start", "index": u64::MAX - index, "content_block": block}));
        let delta = json!({"type": "text_delta", "text": "x".repeat(20)});
        stream += &event(&json!({"type": "content_block_delta", "index": u64::MAX - index, "delta": delta}));
    }
    let kept = kept(Format::Messages, true, 1000, &stream, Ended::Complete);
    assert!(serde_json::to_string(&kept).unwrap().len() < 2000);
    assert!(kept.pieces.len() > 10);
}

#[test]
fn keeps_nothing_unasked() {
    let mut meter = Meter::new(Format::Messages, false);
    meter.feed(br#"{"content":[{"type":"text","text":"pong"}]}"#);
    assert_eq!(meter.finish(Ended::Complete).answered, Answered::default());
}
