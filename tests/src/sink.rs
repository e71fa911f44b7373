//! Something that takes usage events, and can be down.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::StatusCode;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::free_port;
use crate::receiver::{Told, serve};

/// How long something may take to be sent: a minute of pauses after failures, on a busy machine.
const SOON: Duration = Duration::from_mins(2);

/// Takes what is posted to it, while it is up. It ends with the runtime that started it.
#[derive(Debug)]
pub struct Sink {
    port: u16,
    state: Arc<Mutex<State>>,
    server: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct State {
    taken: Vec<Told>,
    refused: Vec<Told>,
    /// What is answered while it is not all well.
    status: Option<StatusCode>,
}

impl Sink {
    /// Makes one that is down.
    ///
    /// # Panics
    ///
    /// If no port is free.
    #[must_use]
    pub fn down() -> Self {
        Self { port: free_port().expect("a port is free"), state: Arc::default(), server: None }
    }

    /// Returns its address, without a path.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Has it listen, and answer with that status.
    ///
    /// # Panics
    ///
    /// If somebody else took its port.
    pub async fn answer(&mut self, status: u16) {
        let status = StatusCode::from_u16(status).expect("it is a status");
        lock(&self.state).status = (!status.is_success()).then_some(status);
        if self.server.is_none() {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await.expect("its port is free");
            let state = Arc::clone(&self.state);
            self.server = Some(tokio::spawn(serve(listener, move |told| take(&state, told))));
        }
    }

    /// Returns what it was told and has taken.
    #[must_use]
    pub fn taken(&self) -> Vec<Told> {
        lock(&self.state).taken.clone()
    }

    /// Returns what it has taken as JSON, each line of each body by itself.
    #[must_use]
    pub fn rows(&self) -> Vec<Value> {
        let taken = self.taken();
        taken.iter().flat_map(|told| told.text.lines()).filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Waits until it has refused so many requests.
    ///
    /// # Panics
    ///
    /// If that takes longer than anybody waits.
    pub async fn until_refused(&self, count: usize) {
        self.until(|state| state.refused.len() >= count).await;
    }

    /// Waits until what it has taken is enough.
    ///
    /// # Panics
    ///
    /// If that takes longer than anybody waits.
    pub async fn until_taken(&self, is_enough: impl Fn(&[Told]) -> bool) {
        self.until(|state| is_enough(&state.taken)).await;
    }

    async fn until(&self, is_so: impl Fn(&State) -> bool) {
        let waiting = async {
            while !is_so(&lock(&self.state)) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(SOON, waiting).await;
        assert!(waited.is_ok(), "that never came: {:?}", lock(&self.state));
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn take(state: &Mutex<State>, told: Told) -> StatusCode {
    let mut state = lock(state);
    let status = state.status.unwrap_or_default();
    if status.is_success() {
        state.taken.push(told);
    } else {
        state.refused.push(told);
    }
    status
}
