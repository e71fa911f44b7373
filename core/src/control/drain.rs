//! Moving usage into the records, by the schedule and when somebody looks.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use super::recovery::Alone;
use super::{Authority, Control};
use crate::Chain;
use crate::ports::{Clock as _, Duties as _, Unavailable, in_time};
use crate::time::Millis;

/// How old what somebody sees may be, in milliseconds: what it is where the schedule drains.
const FRESH: u64 = 2000;

/// How long whoever looks waits for the newest calls. The front gives the control plane ten seconds for everything.
const PATIENCE: Duration = Duration::from_secs(2);

/// The duty of draining: an event that two processes move at once would be measured by both.
const DUTY: &str = "drain";

/// For how many seconds it is somebody's: longer than the schedule waits between two times, so that whoever looks at usage elsewhere
/// leaves it to the schedule.
const HELD: u32 = 5;

/// What this process remembers of its drains.
pub(super) struct Drains {
    /// Whether one is running.
    running: AtomicBool,
    /// When the last one began, in milliseconds.
    begun: AtomicI64,
}

impl Default for Drains {
    fn default() -> Self {
        Self { running: AtomicBool::new(false), begun: AtomicI64::new(i64::MIN) }
    }
}

impl<A: Authority> Control<A> {
    /// Moves usage into the records, so that somebody who looks sees the newest calls, unless that was done just now. If it fails, they
    /// see what is there.
    pub(crate) async fn catch_up(&self) {
        let begun = Millis(self.drains().begun.load(Ordering::Relaxed));
        if self.clock().now().since(begun) <= FRESH {
            return;
        }
        match in_time(self.clock(), PATIENCE, Box::pin(self.drain_unless_draining())).await {
            Some(Ok(())) => {}
            Some(Err(error)) => tracing::warn!(error = %Chain(&error), "usage is not drained for whoever looks"),
            None => tracing::warn!("usage is not drained in time for whoever looks"),
        }
    }

    /// Moves usage into the records, unless this process is at it, or another one is or just was.
    ///
    /// # Errors
    ///
    /// [`Unavailable`]: the rest is moved next time.
    pub(super) async fn drain_unless_draining(&self) -> Result<(), Unavailable> {
        let Some(_alone) = Alone::enter(&self.drains().running) else { return Ok(()) };
        self.drains().begun.store(self.clock().now().0, Ordering::Relaxed);
        if !self.hot().claim(DUTY, self.name(), HELD).await? {
            return Ok(());
        }
        self.drain_usage().await.map(drop)
    }
}
