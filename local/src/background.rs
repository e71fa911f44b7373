//! Work in the background.

use std::future::Future;
use std::time::Duration;

use gateway_core::ports::Background;
use tokio_util::task::TaskTracker;

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
}
