//! The mock of the model providers does as it is told, so that tests of the gateway can believe it.

use futures_util::StreamExt as _;
use gateway_tests::Answer;
use gateway_tests::provider::{Behaviour, Gate, KEY, MockProvider, TEXT};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

async fn post(provider: &MockProvider, path: &str, body: &Value) -> Response {
    let request = reqwest::Client::new().post(format!("{}{path}", provider.url()));
    request.header("x-api-key", KEY).bearer_auth(KEY).json(body).send().await.expect("it answers")
}

async fn answer(provider: &MockProvider, path: &str, body: &Value) -> Answer {
    Answer::of(post(provider, path, body).await).await
}

/// Returns the names and data of a stream's events.
fn events(stream: &str) -> Vec<(&str, Value)> {
    assert!(stream.ends_with("\n\n"), "{stream}");
    let event = |text| -> (&str, Value) {
        let (name, data) = str::split_once(text, "data: ").expect("each event has data");
        (name.trim_start_matches("event: ").trim_end(), serde_json::from_str(data).unwrap_or(Value::Null))
    };
    stream.trim_end().split("\n\n").map(event).collect()
}

#[tokio::test]
async fn streams_a_message_with_usage_at_both_ends() {
    let provider = MockProvider::start().await;
    provider.next(Behaviour::text("é").events(2).thinking("hm").usage(&json!({"input_tokens": 7, "output_tokens": 9})));
    let answer = answer(&provider, "/v1/messages", &json!({"model": "m", "stream": true})).await;
    let events = events(&answer.text);
    assert!(events.iter().all(|(name, data)| data["type"] == *name), "{}", answer.text);
    assert_eq!(events[0].1["message"]["usage"], json!({"input_tokens": 7, "output_tokens": 1}));
    let delta = events.iter().find(|(name, _)| *name == "message_delta").expect("there is one");
    assert_eq!(delta.1["usage"], json!({"input_tokens": 7, "output_tokens": 9}));
    let deltas = events.iter().filter_map(|(_, data)| data["delta"]["text"].as_str());
    assert_eq!(deltas.collect::<String>(), "éé");
    assert_eq!(events.last().expect("there are some").0, "message_stop");
}

#[tokio::test]
async fn calls_the_tool_that_the_request_has() {
    let provider = MockProvider::start().await;
    let tools = json!([{"name": "look"}, {"type": "function", "function": {"name": "look"}}]);
    let ask = json!({"model": "mock-tool", "stream": true, "tools": tools, "input": "go",
                     "messages": [{"role": "user", "content": "go"}]});
    let message = answer(&provider, "/v1/messages", &ask).await;
    assert!(events(&message.text).iter().any(|(_, data)| data["content_block"]["name"] == "look"), "{}", message.text);
    let chat = answer(&provider, "/v1/chat/completions", &ask).await;
    let call = |data: &Value| data["choices"][0]["delta"]["tool_calls"][0]["function"]["name"] == "look";
    assert!(events(&chat.text).iter().any(|(_, data)| call(data)), "{}", chat.text);
    let ask = json!({"model": "mock-tool", "tools": tools, "input": "go"});
    let response = answer(&provider, "/v1/responses", &ask).await;
    assert_eq!(response.body["output"][1]["name"], "look", "{}", response.text);
}

#[tokio::test]
async fn reports_usage_in_chat_streams_only_where_it_was_asked_for() {
    let provider = MockProvider::start().await;
    let mut ask = json!({"model": "m", "stream": true, "n": 2});
    let without = answer(&provider, "/v1/chat/completions", &ask).await;
    assert!(!without.text.contains("usage"), "{}", without.text);
    assert!(without.text.ends_with("data: [DONE]\n\n"));
    ask["stream_options"] = json!({"include_usage": true});
    let with = answer(&provider, "/v1/chat/completions", &ask).await;
    let events = events(&with.text);
    let (last, chunks) = events[..events.len() - 1].split_last().expect("there are some");
    assert_eq!((&last.1["choices"], &last.1["usage"]["completion_tokens"]), (&json!([]), &json!(6)));
    assert!(chunks.iter().all(|(_, chunk)| chunk["usage"].is_null() && chunk.get("usage").is_some()));
    assert!(chunks.iter().any(|(_, chunk)| chunk["choices"][0]["index"] == 1));
}

#[tokio::test]
async fn completes_responses_with_their_usage() {
    let provider = MockProvider::start().await;
    let stream = answer(&provider, "/v1/responses", &json!({"model": "m", "stream": true, "input": "go"})).await;
    let events = events(&stream.text);
    for (number, (name, data)) in events.iter().enumerate() {
        assert_eq!((&data["type"], &data["sequence_number"]), (&json!(name), &json!(number)));
    }
    let (name, last) = events.last().expect("there are some");
    assert_eq!(*name, "response.completed");
    assert_eq!(last["response"]["output"][0]["content"][0]["text"], TEXT.repeat(3));
    assert_eq!(last["response"]["usage"]["output_tokens"], 3);
}

#[tokio::test]
async fn refuses_other_keys_in_the_envelope_of_the_api() {
    let provider = MockProvider::start().await;
    provider.expect_key("another");
    let message = answer(&provider, "/v1/messages", &json!({"model": "m"})).await;
    assert_eq!(message.status, StatusCode::UNAUTHORIZED);
    assert_eq!(message.anthropic_error(), ("authentication_error", "invalid x-api-key"));
    let chat = answer(&provider, "/v1/chat/completions", &json!({"model": "m"})).await;
    assert_eq!((chat.status, &chat.body["error"]["code"]), (StatusCode::UNAUTHORIZED, &json!("invalid_api_key")));
}

#[tokio::test]
async fn takes_the_key_in_either_header_of_anthropic() {
    let provider = MockProvider::start().await;
    for (name, value) in [("x-api-key", KEY.to_owned()), ("authorization", format!("Bearer {KEY}"))] {
        let request = reqwest::Client::new().post(format!("{}/v1/messages", provider.url())).header(name, value);
        let answer = request.json(&json!({"model": "m"})).send().await.expect("it answers");
        assert_eq!(answer.status(), StatusCode::OK, "{name}");
    }
}

#[tokio::test]
async fn stands_at_a_gate_until_it_is_opened() {
    let provider = MockProvider::start().await;
    let gate = Gate::closed();
    provider.on_model("m", Behaviour::default().stall_after(1, &gate));
    let mut stream = post(&provider, "/v1/messages", &json!({"model": "m", "stream": true})).await.bytes_stream();
    gate.reached().await;
    let first = stream.next().await.expect("an event").expect("it is whole");
    assert!(first.starts_with(b"event: message_start") && first.ends_with(b"\n\n"), "{first:?}");
    gate.open();
    let rest: Vec<_> = stream.map(|piece| piece.expect("it is whole")).collect().await;
    assert!(rest.concat().ends_with(b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"));
}

#[tokio::test]
async fn notices_that_a_caller_has_gone() {
    let provider = MockProvider::start().await;
    let gate = Gate::closed();
    provider.next(Behaviour::default().stall_after(1, &gate));
    provider.next(Behaviour::default().hold(&gate));
    let streaming = post(&provider, "/v1/messages", &json!({"model": "m", "stream": true})).await;
    gate.reached().await;
    assert_eq!(provider.aborts(), 0);
    drop(streaming);
    provider.aborted(1).await;
    let body = json!({"model": "m"});
    let waiting = tokio::time::timeout(std::time::Duration::from_millis(50), post(&provider, "/v1/messages", &body));
    assert!(waiting.await.is_err(), "nothing is answered before the gate is open");
    provider.aborted(2).await;
}

#[tokio::test]
async fn cuts_a_stream_and_ends_another_with_an_error() {
    let provider = MockProvider::start().await;
    let ask = |model: &str| json!({"model": model, "stream": true});
    let cut = post(&provider, "/v1/messages", &ask("mock-cut-2")).await;
    assert!(cut.text().await.is_err(), "the end is missing");
    let failed = answer(&provider, "/v1/messages", &ask("mock-fail-2")).await;
    let events = events(&failed.text);
    assert_eq!((events.len(), events[2].0), (3, "error"));
    provider.next(Behaviour::raw(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"));
    assert!(post(&provider, "/v1/messages", &ask("m")).await.text().await.is_err(), "the end is missing");
}

#[tokio::test]
async fn answers_in_gzip_that_others_can_read() {
    let provider = MockProvider::start().await;
    provider.next(Behaviour::answer(200, "{\"é\":1}").gzip().header("x-more", "1"));
    let answer = post(&provider, "/v1/messages", &json!({"model": "m"})).await;
    assert_eq!(
        (&answer.headers()["content-encoding"], &answer.headers()["x-more"]),
        (&"gzip".parse().unwrap(), &"1".parse().unwrap())
    );
    let member = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(member.path(), answer.bytes().await.unwrap()).unwrap();
    let output = std::process::Command::new("gzip").args(["-dc"]).stdin(member.reopen().unwrap()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "{\"é\":1}");
}

#[tokio::test]
async fn keeps_what_it_received_byte_for_byte() {
    let provider = MockProvider::start().await;
    let body = futures_util::stream::iter(["{\"model\" ", ": \"m\"}"].map(Ok::<_, std::io::Error>));
    let request = reqwest::Client::new().post(format!("{}/v1/messages?beta=true", provider.url()));
    let request = request.header("x-twice", "a").header("X-Twice", "b").header("x-api-key", KEY);
    let answer = request.body(reqwest::Body::wrap_stream(body)).send().await.expect("it answers");
    assert_eq!(answer.status(), StatusCode::OK);
    let received = provider.received(1).await.remove(0);
    assert_eq!(received.body, b"{\"model\" : \"m\"}");
    assert_eq!(received.values("x-twice"), [b"a", b"b"]);
    assert_eq!((received.target.as_str(), received.path()), ("/v1/messages?beta=true", "/v1/messages"));
}

#[tokio::test]
async fn is_gone_once_it_is_dropped() {
    let provider = MockProvider::start().await;
    let url = provider.url();
    drop(provider);
    while reqwest::get(&url).await.is_ok() {}
}
