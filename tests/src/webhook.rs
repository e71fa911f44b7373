use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::HeaderMap;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::receiver::{Told, serve};

/// How long something may take to be sent: alerts are looked for every few seconds.
const SOON: Duration = Duration::from_mins(1);

/// Takes what is posted to it. It ends with the runtime that started it.
#[derive(Debug)]
pub struct Webhook {
    url: String,
    state: Arc<Mutex<State>>,
}

/// Something that was posted.
#[derive(Debug, Clone)]
pub struct Posted {
    /// The headers.
    pub headers: HeaderMap,
    /// The body's text.
    pub text: String,
    /// The body as JSON; null if it is none.
    pub body: Value,
}

#[derive(Debug, Default)]
struct State {
    posted: Vec<Posted>,
    /// What the next are answered; then all is well.
    answers: VecDeque<u16>,
}

impl Webhook {
    /// Starts one.
    ///
    /// # Panics
    ///
    /// If no port is free.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
        let url = format!("http://{}/hook", listener.local_addr().expect("it listens"));
        let state: Arc<Mutex<State>> = Arc::default();
        let kept = Arc::clone(&state);
        tokio::spawn(serve(listener, move |told| take(&kept, told)));
        Self { url, state }
    }

    /// Returns its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Answers the next post with that status.
    pub fn answer_next(&self, status: u16) {
        lock(&self.state).answers.push_back(status);
    }

    /// Returns everything that was posted.
    #[must_use]
    pub fn posted(&self) -> Vec<Posted> {
        lock(&self.state).posted.clone()
    }

    /// Waits until so much was posted, and returns it.
    ///
    /// # Panics
    ///
    /// If that takes longer than anybody waits.
    pub async fn until_posted(&self, count: usize) -> Vec<Posted> {
        let waiting = async {
            while self.posted().len() < count {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(SOON, waiting).await;
        assert!(waited.is_ok(), "{count} were expected: {:?}", self.posted());
        self.posted()
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn take(state: &Mutex<State>, Told { headers, text, .. }: Told) -> StatusCode {
    let mut state = lock(state);
    state.posted.push(Posted { headers, body: serde_json::from_str(&text).unwrap_or_default(), text });
    state.answers.pop_front().and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or_default()
}
