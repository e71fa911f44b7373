//! How long an answer may pause, and how long it may take.

use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use crate::http::front::Front;
use crate::ports::{Clock, Platform};
use crate::time::Millis;

/// Both limits of one answer.
pub(super) struct Limits<C: Clock> {
    clock: C,
    end: BoxFuture<'static, ()>,
    idle: Duration,
    /// Runs out `idle` after the answer last went on, or earlier: it is set anew only when it rings.
    pause: BoxFuture<'static, ()>,
    progress: Millis,
}

/// Which limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Overrun {
    /// The whole call took too long.
    #[error("the call took longer than upstream.max_duration")]
    Duration,
    /// Nothing came for too long.
    #[error("the answer paused for longer than upstream.idle")]
    Pause,
}

impl<C: Clock> Limits<C> {
    /// Starts the limits of the answer to a call that came in at `start`.
    pub(super) fn of<P: Platform<Clock = C>>(front: &Front<P>, start: Millis) -> Self {
        let clock = front.platform().clock().clone();
        let limits = &front.config().upstream;
        let seconds = |limit: crate::config::Seconds| Duration::from_secs(limit.0.into());
        let progress = clock.now();
        let left = seconds(limits.max_duration).saturating_sub(Duration::from_millis(progress.since(start)));
        let idle = seconds(limits.idle);
        Self { end: sleep(&clock, left), pause: sleep(&clock, idle), clock, idle, progress }
    }

    /// Notes that the answer went on.
    pub(super) fn progressed(&mut self) {
        self.progress = self.clock.now();
    }

    /// Ready when a limit is reached.
    pub(super) fn poll_overrun(&mut self, cx: &mut Context<'_>) -> Poll<Overrun> {
        if self.end.poll_unpin(cx).is_ready() {
            return Poll::Ready(Overrun::Duration);
        }
        while self.pause.poll_unpin(cx).is_ready() {
            let paused = Duration::from_millis(self.clock.now().since(self.progress));
            let Some(left) = self.idle.checked_sub(paused).filter(|left| !left.is_zero()) else {
                return Poll::Ready(Overrun::Pause);
            };
            self.pause = sleep(&self.clock, left);
        }
        Poll::Pending
    }
}

fn sleep<C: Clock>(clock: &C, duration: Duration) -> BoxFuture<'static, ()> {
    let clock = clock.clone();
    async move { clock.sleep(duration).await }.boxed()
}
