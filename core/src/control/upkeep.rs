//! What has to be done from time to time, whoever calls.

use std::collections::BTreeMap;
use std::future::Future;

use super::{Authority, Control};
use crate::accounts::Posting;
use crate::id::TokenId;
use crate::memory::WINDOW_REMEMBERED;
use crate::ports::{
    Admission as _, Duties as _, Outbox as _, Retention as _, Tokens as _, Unavailable, Usage as _, UsageLog as _,
};
use crate::time::Timestamp;

/// How many rows one step takes from a queue: a transaction that takes milliseconds.
const BATCH: u32 = 1000;

/// How many leases one sweep charges at most.
const SWEEP: u32 = 50;

/// The duty of doing all of this, where several processes share a hot state.
const UPKEEP: &str = "upkeep";

/// Seconds in a day, for `last_used`.
const DAY: i64 = 86400;

impl<A: Authority> Control<A> {
    /// Says whether this process is the one that does what has to be done from time to time, for some seconds from now. If it
    /// ends, another one takes over then.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if the hot state does not answer.
    pub async fn is_on_duty(&self, seconds: u32) -> Result<bool, Unavailable> {
        self.hot().claim(UPKEEP, self.name(), seconds).await
    }

    /// Moves usage events from the hot state to the usage log, and notes which tokens were used. Returns how many.
    ///
    /// # Errors
    ///
    /// [`Unavailable`]: what was not moved is moved next time, and nothing is counted twice.
    pub async fn drain_usage(&self) -> Result<usize, Unavailable> {
        let mut moved = 0;
        let zone = self.config().time_zone();
        loop {
            let (events, through) = self.hot().pending_usage(BATCH).await?;
            let is_last = events.len() < BATCH as usize;
            if events.is_empty() {
                return Ok(moved);
            }
            moved += events.len();
            let uses: BTreeMap<TokenId, Timestamp> = events
                .iter()
                .map(|event| (event.token, Timestamp(event.call.at.seconds().0.div_euclid(DAY) * DAY)))
                .collect();
            let postings: Vec<Posting> = events.into_iter().map(|event| Posting::of(event, &zone)).collect();
            self.records().put_usage(&postings).await?;
            self.records().touch(&uses.into_iter().collect::<Vec<_>>()).await?;
            self.hot().discard_usage(through).await?;
            // What came meanwhile waits for the next time: small steps would commit the records all the time.
            if is_last {
                return Ok(moved);
            }
        }
    }

    /// Applies changes of which the hot state may not have heard. Returns how many.
    ///
    /// # Errors
    ///
    /// [`Unavailable`]: the rest is tried again next time.
    pub async fn apply_outbox(&self) -> Result<usize, Unavailable> {
        let changes = self.records().unapplied(BATCH).await?;
        for (subject, _) in &changes {
            self.publish(*subject).await?;
        }
        Ok(changes.len())
    }

    /// Asks the records for nothing in particular.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if they do not answer.
    pub async fn check_records(&self) -> Result<(), Unavailable> {
        self.records().unapplied(1).await.map(drop)
    }

    /// Charges leases of which nothing was heard until well past their time. Returns how many.
    ///
    /// # Errors
    ///
    /// [`Unavailable`]: they are charged next time.
    pub async fn sweep(&self) -> Result<u32, Unavailable> {
        to_the_end(SWEEP, || self.hot().sweep(self.now(), SWEEP)).await
    }

    /// Forgets tokens that expired so long ago that no list shows them. Returns how many.
    ///
    /// # Errors
    ///
    /// [`Unavailable`]: the rest is forgotten next time.
    pub async fn forget_tokens(&self) -> Result<u32, Unavailable> {
        to_the_end(BATCH, || self.records().forget_tokens(self.unlisted(), BATCH)).await
    }

    /// Forgets what was spent in windows that ended so long ago that nothing counts against them. Returns how many sums.
    ///
    /// # Errors
    ///
    /// [`Unavailable`]: the rest is forgotten next time.
    pub async fn forget_spent(&self) -> Result<u32, Unavailable> {
        to_the_end(BATCH, || self.records().forget_spent(self.now().plus(-WINDOW_REMEMBERED), BATCH)).await
    }
}

/// Repeats a step that takes `limit` at once until it finds fewer; returns how many it took in all.
async fn to_the_end<F>(limit: u32, step: impl Fn() -> F) -> Result<u32, Unavailable>
where
    F: Future<Output = Result<u32, Unavailable>>,
{
    let mut all = 0;
    loop {
        let taken = step().await?;
        all += taken;
        if taken < limit {
            return Ok(all);
        }
    }
}
