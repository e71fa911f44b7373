//! The way to a Redis database over HTTP: Upstash's REST API (<https://upstash.com/docs/redis/features/restapi>).
//!
//! One request for each command, so that it also works where no connection can be kept. What is sent and what comes back is
//! text that we wrote ourselves, so nothing asks for answers in base64.

use std::fmt;
use std::time::Duration;

use axum::body::to_bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, StatusCode};
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use super::{NAME, Reply, Transport};
use crate::config::UpstashDatabase;
use crate::ports::{Body, Clock, Http, Unavailable, within};

/// The longest answer that is read, in bytes: a thousand usage events are a few megabytes.
const LONGEST: usize = 16 * 1024 * 1024;

/// The way to one database. Clones share the client.
#[derive(Clone)]
pub struct UpstashTransport<H, C> {
    http: H,
    clock: C,
    url: String,
    authorization: HeaderValue,
    deadline: Duration,
}

/// Why an answer is none.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("it does not take our token")]
    Token,
    #[error("it answered with the status {0}")]
    Status(u16),
    #[error("its answer cannot be read")]
    Body(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What comes back for a command: one of both.
#[derive(Deserialize)]
struct Outcome {
    #[serde(default)]
    result: Part,
    error: Option<String>,
}

/// A result, or a part of one.
#[derive(Default, Deserialize)]
#[serde(untagged)]
enum Part {
    Nil(()),
    Integer(i64),
    Text(String),
    List(Vec<Part>),
    #[default]
    #[serde(skip)]
    Missing,
}

impl<H: Http, C: Clock> UpstashTransport<H, C> {
    /// Makes a way to a database; each command has `deadline` to be answered. Nothing is asked yet.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if no header can carry the token.
    pub fn new(http: H, clock: C, database: &UpstashDatabase, deadline: Duration) -> Result<Self, Unavailable> {
        let mut authorization = HeaderValue::try_from(format!("Bearer {}", database.token.expose_secret()))
            .map_err(|_| Unavailable::new(NAME, Unusable::Token))?;
        authorization.set_sensitive(true);
        Ok(Self { http, clock, url: database.url.as_str().to_owned(), authorization, deadline })
    }

    async fn exchange(&self, command: &[String]) -> Result<Reply, Unavailable> {
        let body = serde_json::to_vec(command).map_err(|error| Unavailable::new(NAME, error))?;
        let request = Request::builder()
            .method(Method::POST)
            .uri(&self.url)
            .header(AUTHORIZATION, self.authorization.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(Body::from(body))
            .map_err(|error| Unavailable::new(NAME, error))?;
        let answer = self.http.send(request).await.map_err(|error| Unavailable::new(NAME, error))?;
        let status = answer.status();
        let body = to_bytes(answer.into_body(), LONGEST).await.map_err(|error| Unusable::Body(error.into()));
        body.and_then(|body| reply(status, &body)).map_err(|error| Unavailable::new(NAME, error))
    }
}

impl<H: Http, C: Clock> Transport for UpstashTransport<H, C> {
    async fn send(&self, command: &[String]) -> Result<Reply, Unavailable> {
        within(&self.clock, self.deadline, NAME, self.exchange(command)).await
    }
}

impl<H, C> fmt::Debug for UpstashTransport<H, C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("UpstashTransport").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Reads an answer. What Redis refuses comes with 400, or among results with 200; other statuses are about the request.
fn reply(status: StatusCode, body: &[u8]) -> Result<Reply, Unusable> {
    match status {
        StatusCode::OK | StatusCode::BAD_REQUEST => {}
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(Unusable::Token),
        other => return Err(Unusable::Status(other.as_u16())),
    }
    let outcome: Outcome = serde_json::from_slice(body).map_err(|error| Unusable::Body(error.into()))?;
    match outcome {
        Outcome { error: Some(message), .. } => Ok(Reply::Error(message)),
        Outcome { result, error: None } if status == StatusCode::OK => {
            result.reply().ok_or_else(|| Unusable::Body("it has neither a result nor an error".into()))
        }
        Outcome { .. } => Err(Unusable::Status(status.as_u16())),
    }
}

impl Part {
    fn reply(self) -> Option<Reply> {
        Some(match self {
            Self::Nil(()) => Reply::Nil,
            Self::Integer(number) => Reply::Integer(number),
            Self::Text(text) => Reply::Text(text),
            Self::List(parts) => Reply::List(parts.into_iter().map(Self::reply).collect::<Option<_>>()?),
            Self::Missing => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Result<Reply, String> {
        reply(StatusCode::from_u16(status).unwrap(), body.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn reads_results_exactly() {
        let list = Reply::List(vec![Reply::Text("a\u{0}ü".to_owned()), Reply::Nil, Reply::List(Vec::new())]);
        for (body, expected) in [
            (r#"{"result":null}"#, Reply::Nil),
            (r#"{"result":9007199254740993}"#, Reply::Integer(9_007_199_254_740_993)),
            (r#"{"result":-9223372036854775808}"#, Reply::Integer(i64::MIN)),
            (r#"{"result":"9007199254740993"}"#, Reply::Text("9007199254740993".to_owned())),
            (r#"{"result":["a\u0000\u00fc",null,[]]}"#, list),
        ] {
            assert_eq!(read(200, body), Ok(expected), "{body}");
        }
    }

    #[test]
    fn takes_an_error_for_a_reply_whatever_the_status() {
        for status in [200, 400] {
            let error = read(status, r#"{"error":"NOSCRIPT No matching script."}"#);
            assert_eq!(error, Ok(Reply::Error("NOSCRIPT No matching script.".to_owned())));
        }
    }

    #[test]
    fn takes_nothing_else_for_an_answer() {
        for (status, body) in [
            (200, ""),
            (200, "{}"),
            (200, "null"),
            (200, "\"OK\""),
            (200, r#"{"result":1.5}"#),
            (200, r#"{"result":9223372036854775808}"#),
            (200, r#"{"result":{"a":1}}"#),
            (200, r#"{"result":"a"#),
            (200, "<html>"),
            (204, ""),
            (302, r#"{"result":"OK"}"#),
            (400, r#"{"result":"OK"}"#),
            (429, r#"{"error":"ERR max requests limit exceeded"}"#),
            (500, r#"{"error":"ERR"}"#),
            (503, r#"{"result":"OK"}"#),
        ] {
            assert!(read(status, body).is_err(), "{status} {body}");
        }
        for status in [401, 403] {
            assert_eq!(read(status, r#"{"error":"Unauthorized"}"#).unwrap_err(), "it does not take our token");
        }
    }
}
