//! What has to be done from time to time, whoever calls.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use futures_util::future::join_all;

use super::{Authority, Control, measures};
use crate::Chain;
use crate::accounts::Posting;
use crate::id::TokenId;
use crate::memory::WINDOW_REMEMBERED;
use crate::ports::{
    Admission as _, Duties as _, Http, Outbox as _, Retention as _, Tokens as _, Unavailable, Usage as _, UsageLog as _,
};
use crate::time::Timestamp;

/// How many rows one step takes from a queue: a transaction that takes milliseconds.
const BATCH: u32 = 1000;

/// How many changes are applied at once.
const AT_ONCE: usize = 8;

/// How many leases one sweep charges at most.
const SWEEP: u32 = 50;

/// How many times old events are forgotten at once: what is left comes a minute later, and keeps nobody waiting.
const FORGETTING: u32 = 10;

/// The duty of doing all of this, where several processes share a hot state.
const UPKEEP: &str = "upkeep";

/// Seconds in a day, for `last_used`.
const DAY: i64 = 86400;

/// What has to be done from time to time, by one process for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chore {
    /// Restores a hot state that has lost its memory. The first call that it does not know does so, too.
    Recover,
    /// Moves usage events into the usage log.
    Drain,
    /// Applies changes of which the hot state may not have heard.
    ApplyOutbox,
    /// Charges leases of which nothing was heard.
    Sweep,
    /// Tells somebody that budgets run out.
    Alert,
    /// Tells other systems of usage events.
    Export,
    /// Repairs what the hot state may have lost.
    Repair,
    /// Has the hot state count everybody's tokens, if it does not.
    Enrol,
    /// Forgets old tokens.
    ForgetTokens,
    /// Forgets old sums.
    ForgetSpent,
    /// Forgets old events of the usage log.
    ForgetUsage,
}

impl Chore {
    /// All of them, the most urgent first: what was taken away has to be gone, and usage can wait.
    pub const ALL: [Self; 11] = [
        Self::Recover,
        Self::ApplyOutbox,
        Self::Repair,
        Self::Sweep,
        Self::Drain,
        Self::Alert,
        Self::Export,
        Self::Enrol,
        Self::ForgetTokens,
        Self::ForgetSpent,
        Self::ForgetUsage,
    ];

    /// Returns how long to wait between two times, where something is there to do them.
    #[must_use]
    pub const fn period(self) -> Duration {
        match self {
            Self::Recover | Self::ApplyOutbox | Self::Alert | Self::Export | Self::Enrol => Duration::from_secs(5),
            Self::Drain => Duration::from_secs(2),
            Self::Sweep => Duration::from_secs(30),
            Self::Repair | Self::ForgetUsage => Duration::from_mins(1),
            // There is little of it each day.
            Self::ForgetTokens | Self::ForgetSpent => Duration::from_hours(1),
        }
    }

    /// Returns what to say if it cannot be done.
    const fn failure(self) -> &'static str {
        match self {
            Self::Recover => "the hot state is not recovered",
            Self::Drain => "usage is not drained",
            Self::ApplyOutbox => "changes are not applied",
            Self::Sweep => "leases are not swept",
            Self::Alert => "alerts are not sent",
            Self::Export => "usage events are not exported",
            Self::Repair => "the hot state is not repaired",
            Self::Enrol => "tokens are not enrolled",
            Self::ForgetTokens => "old tokens are not forgotten",
            Self::ForgetSpent => "old sums are not forgotten",
            Self::ForgetUsage => "old usage is not forgotten",
        }
    }
}

impl<A: Authority> Control<A> {
    /// Does a chore, and says whether it could; why not is logged. What is left is done next time. What others are told is sent with
    /// `client`.
    pub async fn attend_to(&self, chore: Chore, client: &impl Http) -> bool {
        let done = match chore {
            Chore::Recover => self.recover().await,
            Chore::Drain => self.drain_unless_draining().await,
            Chore::ApplyOutbox => self.apply_outbox().await.map(drop),
            Chore::Sweep => self.sweep().await.map(drop),
            Chore::Alert => self.send_alerts(client).await.map(drop),
            Chore::Export => self.export(client).await.map(drop),
            Chore::Repair => self.repair().await.map(drop),
            Chore::Enrol if self.was_enrolled_lately() => Ok(()),
            Chore::Enrol => self.enrol().await.map(drop),
            Chore::ForgetTokens => self.forget_tokens().await.map(drop),
            Chore::ForgetSpent => self.forget_spent().await.map(drop),
            Chore::ForgetUsage => self.forget_usage().await.map(drop),
        };
        if let Err(error) = &done {
            tracing::warn!(error = %Chain(error), "{}", chore.failure());
        }
        done.is_ok()
    }

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
            measures::note_waiting(&events, self.now());
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
            self.note_alerts(&postings).await?;
            self.records().touch(&uses.into_iter().collect::<Vec<_>>()).await?;
            self.hot().discard_usage(through).await?;
            for posting in &postings {
                measures::measure(&posting.event, self.config());
            }
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
        measures::note_changes(changes.len());
        let published = changes.iter().map(|(subject, _)| self.publish(*subject)).collect();
        all_of(published).await?;
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

    /// Forgets events of the usage log that are older than the configuration has them kept, some of them. Returns how many.
    ///
    /// # Errors
    ///
    /// [`Unavailable`]: the rest is forgotten next time.
    pub async fn forget_usage(&self) -> Result<u32, Unavailable> {
        let before = self.now().plus(-self.config().usage.keep.get());
        let mut all = 0;
        for _ in 0..FORGETTING {
            let forgotten = self.records().forget_usage(before, BATCH).await?;
            all += forgotten;
            if forgotten < BATCH {
                break;
            }
        }
        Ok(all)
    }
}

/// Does all of it, some at once; what fails keeps nothing else from being done.
///
/// # Errors
///
/// The last failure.
pub(super) async fn all_of<F>(steps: Vec<F>) -> Result<(), Unavailable>
where
    F: Future<Output = Result<(), Unavailable>>,
{
    let mut done = Ok(());
    let mut steps = steps.into_iter().peekable();
    while steps.peek().is_some() {
        for step in join_all(steps.by_ref().take(AT_ONCE)).await {
            done = step.and(done);
        }
    }
    done
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
