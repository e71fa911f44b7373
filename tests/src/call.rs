use reqwest::header::{HeaderMap, SET_COOKIE};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::Deployment;

/// An answer that was read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body's text.
    pub text: String,
    /// The body as JSON; null if it is none.
    pub body: Value,
}

impl Answer {
    /// Reads an answer to its end.
    ///
    /// # Panics
    ///
    /// If it breaks off.
    pub async fn of(response: Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("the answer is whole");
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self { status, headers, text, body }
    }

    /// Returns a header's value, or nothing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Returns the cookies that it sets or deletes.
    pub fn cookies(&self) -> impl Iterator<Item = &str> {
        self.headers.get_all(SET_COOKIE).iter().map(|cookie| cookie.to_str().unwrap_or_default())
    }

    /// Returns the error's type and message in Anthropic's envelope.
    #[must_use]
    pub fn anthropic_error(&self) -> (&str, &str) {
        let error = &self.body["error"];
        (error["type"].as_str().unwrap_or_default(), error["message"].as_str().unwrap_or_default())
    }
}

/// Reads a page that tells a refusal, and checks that nobody is signed in by it.
///
/// # Panics
///
/// If it is no such page.
pub async fn refused(response: Response, status: StatusCode) -> Answer {
    let answer = Answer::of(response).await;
    assert_eq!(answer.status, status, "{}", answer.text);
    assert!(answer.header("content-type").starts_with("text/html"), "a person reads it");
    let session = answer.cookies().find(|cookie| cookie.starts_with("llm_gateway_session="));
    assert_eq!(session, None, "nobody is signed in");
    answer
}

/// Returns the body of a message to the echo model, to be answered with at most `max_tokens`.
#[must_use]
pub fn message(text: &str, max_tokens: u32, stream: bool) -> Value {
    json!({
        "model": "echo",
        "max_tokens": max_tokens,
        "stream": stream,
        "messages": [{"role": "user", "content": text}],
    })
}

/// Calls `POST /v1/messages` with a token, and returns the answer as soon as its head is there.
///
/// # Panics
///
/// If nobody answers.
pub async fn call(deployment: &Deployment, token: &str, body: &Value) -> Response {
    let request = reqwest::Client::new().post(format!("{}/v1/messages", deployment.origin()));
    request.bearer_auth(token).json(body).send().await.expect("the deployment answers")
}

/// Calls `POST /v1/messages` with a token, and reads the answer to its end.
///
/// # Panics
///
/// If it breaks off.
pub async fn ask(deployment: &Deployment, token: &str, body: &Value) -> Answer {
    Answer::of(call(deployment, token, body).await).await
}

/// Says "ping" to the echo model.
pub async fn echo(deployment: &Deployment, token: &str) -> Answer {
    ask(deployment, token, &message("ping", 16, false)).await
}
