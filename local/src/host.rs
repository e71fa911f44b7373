//! What the operating system gives: time, chance, tasks, and the environment.

use std::future::Future;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gateway_core::ports::{Background, Clock, Random, Vars};
use gateway_core::time::Millis;
use tokio_util::task::TaskTracker;

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        // A clock before 1970 is unset; 0 makes everything expired or not yet valid, which lets nobody in.
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Millis(i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// The system's source of randomness.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes)
            .expect("a system that runs tokio has a source of randomness, and nothing is safe without");
    }
}

/// Runs tasks on tokio, and knows which still run.
#[derive(Debug, Clone, Default)]
pub(crate) struct TokioBackground {
    tasks: TaskTracker,
}

impl TokioBackground {
    /// Waits until every task has ended, for `patience` at most; returns how many still run.
    ///
    /// Tasks that are started meanwhile are waited for, too: the last requests start theirs while they end.
    pub(crate) async fn finish(&self, patience: Duration) -> usize {
        self.tasks.close();
        // Whether it was in time shows in the count.
        let _ = tokio::time::timeout(patience, self.tasks.wait()).await;
        self.tasks.len()
    }
}

impl Background for TokioBackground {
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }
}

/// The process's environment. Variables that are not Unicode are not seen.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Environment;

impl Vars for Environment {
    fn with_prefix(&self, prefix: &str) -> Vec<(String, String)> {
        let pairs =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        pairs.filter(|(name, _)| name.starts_with(prefix)).collect()
    }

    fn var(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test]
    async fn waits_for_what_runs_in_the_background() {
        let background = TokioBackground::default();
        let (release, released) = tokio::sync::oneshot::channel::<()>();
        let done = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&done);
        background.spawn(async move {
            let _ = released.await;
            seen.store(true, Ordering::SeqCst);
        });
        assert_eq!(background.finish(Duration::ZERO).await, 1);
        drop(release);
        assert_eq!(background.finish(Duration::from_mins(1)).await, 0);
        assert!(done.load(Ordering::SeqCst));
    }

    #[test]
    fn tells_the_time_in_milliseconds() {
        // Between 2023 and 2286: seconds and microseconds would be far outside.
        assert!((1_700_000_000_000..9_999_999_999_999).contains(&SystemClock.now().0));
    }

    #[test]
    fn fills_with_other_bytes_each_time() {
        let random = SystemRandom;
        assert_ne!(random.bytes::<32>(), random.bytes::<32>());
    }

    #[test]
    fn reads_variables_by_prefix_and_by_name() {
        // Cargo sets these for every test.
        let found = Environment.with_prefix("CARGO_PKG_NA");
        assert_eq!(found, [("CARGO_PKG_NAME".to_owned(), "gateway-local".to_owned())]);
        assert_eq!(Environment.var("CARGO_PKG_NAME").as_deref(), Some("gateway-local"));
        assert_eq!(Environment.var("CARGO_PKG_NA"), None);
    }
}
