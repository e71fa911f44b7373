//! Stores on servers of their own.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use gateway_core::admission::{Refusal, Verdict};
use gateway_core::conformance::fixture::START;
use gateway_core::conformance::host::{FixedClock, SeededRandom};
use gateway_core::ports::Unavailable;
use gateway_core::redis::{RedisHot, Reply, Transport};
use gateway_core::time::Millis;
use tokio::runtime::Runtime;

use crate::way::{Server, Way, start};

/// How long a command may take: far more than it does, and far less than anybody waits for a test.
const DEADLINE: Duration = Duration::from_secs(5);

/// One runtime for all: a connection outlives the call that made it.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("the system can run threads"));

pub(crate) type Store = RedisHot<Recording, FixedClock, SeededRandom>;

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    RUNTIME.block_on(future)
}

/// Remembers which commands were sent. Clones share what they remember.
#[derive(Debug, Clone)]
pub(crate) struct Recording {
    inner: Way,
    sent: Arc<Mutex<Vec<String>>>,
}

impl Recording {
    pub(crate) fn of(inner: Way) -> Self {
        Self { inner, sent: Arc::default() }
    }

    /// Returns what was sent since the last time, by name.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.sent.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sends a command that is no script.
    pub(crate) async fn command(&self, command: &[&str]) -> Reply {
        let command: Vec<String> = command.iter().map(|&part| part.to_owned()).collect();
        self.inner.send(&command).await.expect("the server answers")
    }
}

impl Transport for Recording {
    async fn send(&self, command: &[String]) -> Result<Reply, Unavailable> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(command[0].clone());
        self.inner.send(command).await
    }
}

pub(crate) fn store_on(transport: &Recording, name: &str) -> Store {
    RedisHot::new(transport.clone(), FixedClock::at(Millis(START.0 * 1000)), SeededRandom::default(), name)
}

/// Starts a server; returns a way to it.
pub(crate) async fn server() -> (Recording, Server) {
    start(DEADLINE).await
}

/// Starts a server with a store.
pub(crate) fn store() -> (Store, Server) {
    let (transport, redis) = block_on(server());
    (store_on(&transport, "main"), redis)
}

pub(crate) fn refused(verdict: Verdict) -> Refusal {
    match verdict {
        Verdict::Refused(refusal) => refusal,
        other => unreachable!("not refused: {other:?}"),
    }
}
