//! The built-in provider `echo`: answers with what it was told, for trying the gateway out without anybody's account.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Format;
use crate::ports::Clock;

/// Bytes of text that this provider calls a token.
const BYTES_PER_TOKEN: usize = 4;

/// What the model says when it was told nothing.
const NOTHING: &str = "(nothing to echo)";

/// The provider.
#[derive(Debug, Clone, Copy, Default)]
pub struct Echo {
    /// How long to wait before each word of a stream.
    pub pace: Duration,
}

/// Why a body cannot be echoed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("messages must be a list of objects with a role and a content of texts")]
pub struct EchoError;

#[derive(Deserialize)]
struct Request {
    model: String,
    #[serde(default)]
    stream: Option<bool>,
    #[serde(default)]
    max_tokens: Option<usize>,
    #[serde(default)]
    max_completion_tokens: Option<usize>,
    #[serde(default)]
    system: Option<Content>,
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    #[serde(default)]
    content: Option<Content>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Blocks(Vec<Block>),
}

#[derive(Deserialize)]
struct Block {
    #[serde(default)]
    text: Option<String>,
}

impl Content {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Blocks(blocks) => {
                blocks.iter().filter_map(|block| block.text.as_deref()).collect::<Vec<_>>().join("\n")
            }
        }
    }
}

/// What will be answered.
struct Answer {
    id: String,
    model: String,
    text: String,
    is_cut: bool,
    input_tokens: usize,
    output_tokens: usize,
}

impl Echo {
    /// Answers a call with the text of its last user message, streamed or not, in the form that was asked for.
    ///
    /// A token is four started bytes: of all texts for the input, of the answer for the output, which ends at the limit
    /// that the call sets. `request` makes the answer's id. Streams always tell their usage.
    ///
    /// # Errors
    ///
    /// [`EchoError`] if there are no messages to read, which OpenAI's newer forms do not have.
    pub fn answer<C: Clock>(
        self,
        format: Format,
        body: &[u8],
        request: &str,
        clock: &C,
    ) -> Result<Response<Body>, EchoError> {
        let call: Request = serde_json::from_slice(body).map_err(|_| EchoError)?;
        let is_stream = call.stream == Some(true);
        let answer = Answer::to(&call, request).ok_or(EchoError)?;
        Ok(match (format, is_stream) {
            (Format::Messages, false) => document(&answer.message()),
            (Format::Messages, true) => self.stream(answer.message_events(), clock),
            (Format::ChatCompletions, false) => document(&answer.completion()),
            (Format::ChatCompletions, true) => self.stream(answer.completion_chunks(), clock),
            (Format::CountTokens, _) => document(&json!({"input_tokens": answer.input_tokens})),
            (Format::Responses | Format::Embeddings, _) => return Err(EchoError),
        })
    }

    fn stream<C: Clock>(self, events: Vec<String>, clock: &C) -> Response<Body> {
        let (clock, pace) = (clock.clone(), self.pace);
        let events = stream::unfold(events.into_iter(), move |mut events| {
            let clock = clock.clone();
            async move {
                let event = events.next()?;
                if !pace.is_zero() {
                    clock.sleep(pace).await;
                }
                Some((Ok::<_, std::convert::Infallible>(Bytes::from(event)), events))
            }
        });
        let mut response = Response::new(Body::from_stream(events));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    }
}

impl Answer {
    fn to(call: &Request, request: &str) -> Option<Self> {
        let texts = call.system.iter().chain(call.messages.iter().filter_map(|message| message.content.as_ref()));
        let input_tokens = texts.map(|content| tokens(&content.text())).sum();
        let last = call.messages.iter().rev().find(|message| message.role == "user")?;
        let mut text = last.content.as_ref().map(Content::text).unwrap_or_default();
        if text.is_empty() {
            NOTHING.clone_into(&mut text);
        }
        let most = call.max_tokens.into_iter().chain(call.max_completion_tokens).min().unwrap_or(usize::MAX);
        let is_cut = tokens(&text) > most;
        if is_cut {
            let mut end = most.saturating_mul(BYTES_PER_TOKEN).min(text.len());
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            text.truncate(end);
        }
        let id = request.trim_start_matches("req_").to_owned();
        let output_tokens = tokens(&text);
        Some(Self { id, model: call.model.clone(), text, is_cut, input_tokens, output_tokens })
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        self.text.split_inclusive(char::is_whitespace)
    }

    fn message(&self) -> Value {
        json!({
            "id": format!("msg_{}", self.id),
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": [{"type": "text", "text": self.text}],
            "stop_reason": self.stop_reason(),
            "stop_sequence": null,
            "usage": {"input_tokens": self.input_tokens, "output_tokens": self.output_tokens},
        })
    }

    fn message_events(&self) -> Vec<String> {
        let start = json!({"type": "message_start", "message": {
            "id": format!("msg_{}", self.id),
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": [],
            "stop_reason": null,
            "stop_sequence": null,
            "usage": {"input_tokens": self.input_tokens, "output_tokens": 0},
        }});
        let block = json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}});
        let word =
            |text| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}});
        let end = [
            json!({"type": "content_block_stop", "index": 0}),
            json!({
                "type": "message_delta",
                "delta": {"stop_reason": self.stop_reason(), "stop_sequence": null},
                "usage": {"output_tokens": self.output_tokens},
            }),
            json!({"type": "message_stop"}),
        ];
        let events = [start, block].into_iter().chain(self.words().map(word)).chain(end);
        events
            .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default()))
            .collect()
    }

    const fn stop_reason(&self) -> &'static str {
        if self.is_cut { "max_tokens" } else { "end_turn" }
    }

    fn completion(&self) -> Value {
        let message = json!({"role": "assistant", "content": self.text, "refusal": null});
        let choice = json!({"index": 0, "message": message, "logprobs": null, "finish_reason": self.finish_reason()});
        json!({
            "id": format!("chatcmpl-{}", self.id),
            "object": "chat.completion",
            "created": 0,
            "model": self.model,
            "choices": [choice],
            "usage": self.completion_usage(),
        })
    }

    fn completion_chunks(&self) -> Vec<String> {
        let chunk = |choices: Value, usage: Value| {
            let chunk = json!({
                "id": format!("chatcmpl-{}", self.id),
                "object": "chat.completion.chunk",
                "created": 0,
                "model": self.model,
                "choices": choices,
                "usage": usage,
            });
            format!("data: {chunk}\n\n")
        };
        let choice = |delta: Value, finish: Value| json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
        let first = chunk(choice(json!({"role": "assistant", "content": ""}), Value::Null), Value::Null);
        let words = self.words().map(|text| chunk(choice(json!({"content": text}), Value::Null), Value::Null));
        let end = [
            chunk(choice(json!({}), json!(self.finish_reason())), Value::Null),
            chunk(json!([]), self.completion_usage()),
            "data: [DONE]\n\n".to_owned(),
        ];
        std::iter::once(first).chain(words).chain(end).collect()
    }

    fn completion_usage(&self) -> Value {
        json!({
            "prompt_tokens": self.input_tokens,
            "completion_tokens": self.output_tokens,
            "total_tokens": self.input_tokens + self.output_tokens,
        })
    }

    const fn finish_reason(&self) -> &'static str {
        if self.is_cut { "length" } else { "stop" }
    }
}

fn tokens(text: &str) -> usize {
    text.len().div_ceil(BYTES_PER_TOKEN)
}

fn document(value: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = StatusCode::OK;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
