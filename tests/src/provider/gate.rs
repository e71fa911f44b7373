use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// How long a test waits for what must happen: a fraction of a second, and the rest for a machine that compiles something
/// else meanwhile.
const PATIENCE: Duration = Duration::from_secs(30);

/// A place where an answer stops until the test lets it go on.
#[derive(Debug, Clone)]
pub struct Gate {
    reached: Arc<watch::Sender<u64>>,
    open: Arc<watch::Sender<bool>>,
}

impl Gate {
    /// Returns a gate that is closed.
    #[must_use]
    pub fn closed() -> Self {
        Self { reached: Arc::new(watch::Sender::new(0)), open: Arc::new(watch::Sender::new(false)) }
    }

    /// Lets go on whatever waits here, now and later.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// Waits until an answer stands here: what comes before the gate was written, and nothing that comes after it.
    ///
    /// # Panics
    ///
    /// If none comes.
    pub async fn reached(&self) {
        at_least(&self.reached, 1, "an answer reaches the gate").await;
    }

    /// Waits here until the gate is open.
    pub(super) async fn pass(&self) {
        self.reached.send_modify(|count| *count += 1);
        // Whoever waits holds a sender: it cannot be closed.
        let _ = self.open.subscribe().wait_for(|open| *open).await;
    }
}

/// Waits until a counter has come to `count`.
///
/// # Panics
///
/// If it does not.
pub(crate) async fn at_least(counter: &watch::Sender<u64>, count: u64, what: &str) {
    let mut counter = counter.subscribe();
    let waited = tokio::time::timeout(PATIENCE, counter.wait_for(|now| *now >= count)).await;
    assert!(waited.is_ok(), "it is awaited that {what}, {count} in all");
}
