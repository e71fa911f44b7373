use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::gate::at_least;

/// A request as it reached the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names and values in their order, with repetitions, and spelt as they came.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// The body, without the framing of HTTP.
    pub body: Vec<u8>,
}

impl Received {
    /// Returns the first header of this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.values(name).first().copied()
    }

    /// Returns all headers of this name, in any case.
    #[must_use]
    pub fn values(&self, name: &str) -> Vec<&[u8]> {
        let named = self.headers.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name.as_bytes()));
        named.map(|(_, value)| value.as_slice()).collect()
    }

    /// Returns the path without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

/// What happened at the provider so far.
#[derive(Debug)]
pub(super) struct Record {
    kept: Option<Mutex<Vec<Received>>>,
    received: watch::Sender<u64>,
    aborted: watch::Sender<u64>,
    completed: watch::Sender<u64>,
}

impl Record {
    /// Returns an empty record; without `keep` it counts and keeps nothing.
    pub(super) fn new(keep: bool) -> Self {
        let kept = keep.then(Mutex::default);
        let counter = || watch::Sender::new(0);
        Self { kept, received: counter(), aborted: counter(), completed: counter() }
    }

    pub(super) fn receive(&self, request: &Received) {
        if let Some(kept) = &self.kept {
            lock(kept).push(request.clone());
        }
        increment(&self.received);
    }

    pub(super) fn complete(&self) {
        increment(&self.completed);
    }

    pub(super) fn abort(&self) {
        increment(&self.aborted);
    }

    pub(super) fn requests(&self) -> Vec<Received> {
        self.kept.as_ref().map(|kept| lock(kept).clone()).unwrap_or_default()
    }

    pub(super) fn aborts(&self) -> u64 {
        *self.aborted.borrow()
    }

    pub(super) async fn received(&self, count: u64) {
        at_least(&self.received, count, "requests arrive").await;
    }

    pub(super) async fn aborted(&self, count: u64) {
        at_least(&self.aborted, count, "callers go away").await;
    }

    pub(super) async fn completed(&self, count: u64) {
        at_least(&self.completed, count, "answers end").await;
    }
}

fn increment(counter: &watch::Sender<u64>) {
    counter.send_modify(|count| *count += 1);
}

/// Locks, whatever panicked meanwhile: what is kept is whole at any time.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
