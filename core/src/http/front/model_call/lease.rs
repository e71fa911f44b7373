//! The lease of a call in flight: whatever happens to the call, its lease is settled or cancelled, once.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::content;
use crate::Chain;
use crate::admission::{Admit, Cancel, ErrorType, Settlement, Verdict};
use crate::http::front::Front;
use crate::id::LeaseId;
use crate::money::{BudgetState, Nanodollars, TokenUsage};
use crate::ports::{Admission as _, Background as _, Clock as _, Platform, Unavailable, within};
use crate::time::Millis;
use crate::upstream::{Answered, Asked, Content};

/// How long one attempt to close a lease may take. Nobody waits for it, so it is generous.
const ATTEMPT: Duration = Duration::from_secs(5);

/// How long to wait after the first failed attempt; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// How often to try: with the pauses doubling up to a minute, about ten minutes. What is still open then, the sweep
/// charges at its estimate.
const ATTEMPTS: u32 = 20;

/// Longest pause between attempts.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Holds a lease from before it is asked for until it is closed. Dropping it, because the client left or the process
/// unwinds, closes it as well.
pub(super) struct Lease<P: Platform> {
    front: Front<P>,
    question: Arc<Admit>,
    stage: Stage,
    /// What the call costs if the client leaves before it is answered; nothing as long as it is with no provider.
    presumed: Option<Ending>,
    /// The budgets that the call counts against, as they stood when it was let in.
    budgets: Vec<BudgetState>,
    /// What the client said, if that is kept.
    asked: Option<Asked>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Asked for; whether it is open is not known.
    Asking,
    /// Open.
    Open,
    /// Closed, or never opened.
    Closed,
}

impl<P: Platform> Lease<P> {
    /// Makes the guard of a lease that is about to be asked for.
    pub(super) fn asking(front: &Front<P>, question: Admit) -> Self {
        Self {
            front: front.clone(),
            question: Arc::new(question),
            stage: Stage::Asking,
            presumed: None,
            budgets: Vec::new(),
            asked: None,
        }
    }

    /// Returns what is asked.
    pub(super) const fn question(&self) -> &Arc<Admit> {
        &self.question
    }

    /// Returns its id.
    pub(super) fn id(&self) -> LeaseId {
        self.question.lease
    }

    /// Returns when the call came in.
    pub(super) fn at(&self) -> Millis {
        self.question.call.at
    }

    /// Returns the front that holds it.
    pub(super) const fn front(&self) -> &Front<P> {
        &self.front
    }

    /// The answer was yes: from now on the call is charged for.
    pub(super) const fn open(&mut self) {
        self.stage = Stage::Open;
    }

    /// Notes how the budgets stand that the call counts against.
    pub(super) fn note_budgets(&mut self, budgets: Vec<BudgetState>) {
        self.budgets = budgets;
    }

    /// Returns the budgets that the call counts against, as they stood when it was let in.
    pub(super) fn budgets(&self) -> &[BudgetState] {
        &self.budgets
    }

    /// Notes what the client said, to be kept with what the model says.
    pub(super) fn note_asked(&mut self, asked: Asked) {
        self.asked = Some(asked);
    }

    /// The call goes to its provider: what it costs from now on if the client leaves.
    pub(super) fn presume(&mut self, ending: Ending) {
        self.presumed = Some(ending);
    }

    /// The answer was no: there is nothing to close.
    pub(super) const fn refused(&mut self) {
        self.stage = Stage::Closed;
    }

    /// Closes the lease without a charge.
    pub(super) fn cancel(&mut self) {
        self.stage = Stage::Closed;
        let (front, lease) = (self.front.clone(), self.id());
        self.front.platform().background().spawn(async move {
            let now = front.now();
            persist(&front, "cancel", || front.platform().hot().cancel(Cancel { lease, now })).await;
        });
    }

    /// Closes the lease with what the call cost.
    pub(super) fn settle(&mut self, mut ending: Ending) {
        self.stage = Stage::Closed;
        let (front, content) = (self.front.clone(), self.content(&mut ending));
        let settlement = self.settlement(ending);
        self.front.platform().background().spawn(async move {
            content::keep(&front, settlement.lease, content).await;
            persist(&front, "settle", || front.platform().hot().settle(&settlement)).await;
        });
    }

    /// The client left before it was known whether its call is admitted, and a provider has it already: asks again, which
    /// changes nothing, and closes the lease with what the call cost if it is open.
    fn settle_if_admitted(&mut self, mut ending: Ending) {
        self.stage = Stage::Closed;
        let (front, content) = (self.front.clone(), self.content(&mut ending));
        let settlement = self.settlement(ending);
        let question = Arc::clone(&self.question);
        self.front.platform().background().spawn(async move {
            let (clock, hot) = (front.platform().clock(), front.platform().hot());
            match within(clock, ATTEMPT, "the hot state", hot.admit(&question)).await {
                Ok(Verdict::Admitted(_)) => {
                    content::keep(&front, settlement.lease, content).await;
                    persist(&front, "settle", || hot.settle(&settlement)).await;
                }
                Ok(Verdict::Refused(_) | Verdict::Unknown(_)) => {}
                Err(error) => {
                    tracing::warn!(error = %Chain(&error), "it is not known whether a call was admitted");
                    let cancel = Cancel { lease: question.lease, now: front.now() };
                    persist(&front, "cancel", || hot.cancel(cancel)).await;
                }
            }
        });
    }

    /// Takes out what was said, if that is kept.
    fn content(&mut self, ending: &mut Ending) -> Option<Content> {
        let answered = std::mem::take(&mut ending.answered);
        self.asked.take().map(|asked| Content { asked, answered })
    }

    fn settlement(&self, ending: Ending) -> Settlement {
        let at = self.front.platform().clock().now();
        Settlement {
            lease: self.id(),
            at,
            model_served: ending.model_served,
            usage: ending.usage,
            cost: ending.cost,
            priced: ending.priced,
            estimated: ending.estimated,
            status: ending.status,
            error: ending.error,
            first_byte_ms: ending.first_byte.map(|first| first.since(self.at())),
            duration_ms: at.since(self.at()),
        }
    }
}

impl<P: Platform> Drop for Lease<P> {
    fn drop(&mut self) {
        let gone = |presumed| Ending { error: Some(ErrorType::ClientGone), ..presumed };
        match (self.stage, self.presumed.take()) {
            (Stage::Asking, None) => self.cancel(),
            (Stage::Asking, Some(presumed)) => self.settle_if_admitted(gone(presumed)),
            (Stage::Open, presumed) => self.settle(gone(presumed.unwrap_or_default())),
            (Stage::Closed, _) => {}
        }
    }
}

/// How a call ended, as far as the one who watched it can tell. By default it cost nothing, for which there was no price
/// needed.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) model_served: Option<String>,
    pub(super) kept_as: Vec<String>,
    /// What the model said, if that is kept.
    pub(super) answered: Answered,
    pub(super) usage: TokenUsage,
    pub(super) cost: Nanodollars,
    pub(super) priced: bool,
    pub(super) estimated: bool,
    pub(super) status: u16,
    pub(super) error: Option<ErrorType>,
    pub(super) first_byte: Option<Millis>,
}

impl Default for Ending {
    fn default() -> Self {
        Self {
            model_served: None,
            kept_as: Vec::new(),
            answered: Answered::default(),
            usage: TokenUsage::default(),
            cost: Nanodollars::ZERO,
            priced: true,
            estimated: false,
            status: 0,
            error: None,
            first_byte: None,
        }
    }
}

/// Repeats an idempotent write until the hot state has said that it took it.
pub(super) async fn persist<P, F>(front: &Front<P>, what: &'static str, attempt: impl Fn() -> F)
where
    P: Platform,
    F: Future<Output = Result<(), Unavailable>>,
{
    let clock = front.platform().clock();
    let mut pause = FIRST_PAUSE;
    for _ in 0..ATTEMPTS {
        let Err(error) = within(clock, ATTEMPT, "the hot state", attempt()).await else { return };
        tracing::warn!(error = %Chain(&error), what, "the hot state has not taken it; trying again");
        clock.sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    tracing::error!(what, "given up; a lease that stays open is charged at its estimate by the sweep");
}
