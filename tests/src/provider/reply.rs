use std::fmt::Write as _;
use std::sync::Arc;

use super::asked::{Api, Asked, Endpoint};
use super::behaviour::{Behaviour, Kind, Manner};
use super::gzip::gzip;
use super::head::{head, request_id};
use super::{anthropic, embeddings, models, openai, responses};

/// An answer, ready to be sent.
pub(super) enum Reply {
    /// A head without its end, and what follows.
    Http { head: String, body: Body, manner: Manner },
    /// Bytes, and the end of the connection.
    Raw { bytes: Vec<u8>, manner: Manner },
}

/// What follows a head.
pub(super) enum Body {
    Whole(Arc<[u8]>),
    Events(Events),
}

/// Events as they go out, with their ends.
pub(super) type Events = Box<dyn Iterator<Item = Vec<u8>> + Send>;

impl Body {
    pub(super) fn json(text: String) -> Self {
        Self::Whole(text.into_bytes().into())
    }
}

/// Answers in an API's own envelope that something is wrong.
pub(super) fn refusal(api: Api, status: u16, kind: &str, message: &str, number: u64) -> Reply {
    let body = Body::json(error(api, kind, message, number));
    Reply::Http { head: head(api, status, "application/json", number), body, manner: Manner::default() }
}

/// Answers as the behaviour says.
pub(super) fn scripted(api: Api, asked: &Asked, behaviour: Behaviour, number: u64) -> Reply {
    let (status, content_type, body) = match &behaviour.kind {
        Kind::Raw(bytes) => return Reply::Raw { bytes: bytes.clone(), manner: behaviour.manner },
        Kind::Natural if asked.stream => {
            let events = stream(asked, &behaviour, number);
            let body = if behaviour.gzip {
                Body::Whole(gzip(&events.flatten().collect::<Vec<u8>>()).into())
            } else {
                Body::Events(events)
            };
            (200, "text/event-stream; charset=utf-8", body)
        }
        Kind::Natural => (200, "application/json", whole(natural(api, asked, &behaviour).into_bytes(), &behaviour)),
        Kind::Verbatim { status, body } => (*status, "application/json", whole(body.clone(), &behaviour)),
        Kind::Refusal { status, kind, message } => {
            (*status, "application/json", whole(error(api, kind, message, number).into_bytes(), &behaviour))
        }
    };
    let mut head = head(api, status, content_type, number);
    if behaviour.gzip {
        head.push_str("content-encoding: gzip\r\n");
    }
    for (name, value) in &behaviour.headers {
        write!(head, "{name}: {value}\r\n").expect("a text takes any text");
    }
    Reply::Http { head, body, manner: behaviour.manner }
}

fn whole(body: Vec<u8>, behaviour: &Behaviour) -> Body {
    Body::Whole(if behaviour.gzip { gzip(&body) } else { body }.into())
}

/// Returns what the API answers in one piece when all is well.
pub(super) fn natural(api: Api, asked: &Asked, behaviour: &Behaviour) -> String {
    match asked.endpoint {
        Endpoint::Messages => anthropic::whole(asked, behaviour),
        Endpoint::CountTokens => anthropic::count(),
        Endpoint::Chat => openai::whole(asked, behaviour),
        Endpoint::Responses => responses::whole(asked, behaviour),
        Endpoint::Embeddings => embeddings::whole(asked, behaviour),
        Endpoint::Models => models::list(api).to_owned(),
    }
}

fn stream(asked: &Asked, behaviour: &Behaviour, number: u64) -> Events {
    let (events, api) = match asked.endpoint {
        Endpoint::Chat => (openai::stream(asked, behaviour), Api::OpenAi),
        Endpoint::Responses => (responses::stream(asked, behaviour), Api::OpenAi),
        _ => (anthropic::stream(asked, behaviour), Api::Anthropic),
    };
    let Some(count) = behaviour.fail_after else { return events };
    let body = error(api, "overloaded_error", "Overloaded", number);
    let named = if api == Api::Anthropic { "event: error\n" } else { "" };
    Box::new(events.take(count).chain([format!("{named}data: {body}\n\n").into_bytes()]))
}

fn error(api: Api, kind: &str, message: &str, number: u64) -> String {
    let (kind, message) = (quote(kind), quote(message));
    match api {
        Api::Anthropic => format!(
            r#"{{"type":"error","error":{{"type":{kind},"message":{message}}},"request_id":"{}"}}"#,
            request_id(number)
        ),
        Api::OpenAi => format!(r#"{{"error":{{"message":{message},"type":{kind},"param":null,"code":{kind}}}}}"#),
    }
}

/// Returns a text as JSON.
pub(super) fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Returns an event of an event stream that has a name.
pub(super) fn event(name: &str, data: &str) -> Vec<u8> {
    format!("event: {name}\ndata: {data}\n\n").into_bytes()
}
