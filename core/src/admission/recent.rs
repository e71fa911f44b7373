//! What a process remembers of its latest verdicts, so that it can foresee the next one.
//!
//! Nothing is decided here: who is foreseen to be admitted is asked about all the same. A right guess saves waiting for the
//! answer before the provider is asked; a wrong one costs a request that is cancelled.

use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lru::LruCache;

use super::{Admit, Admitted};
use crate::id::{TokenId, UserId};
use crate::identity::Email;
use crate::money::{BudgetState, Nanodollars};
use crate::time::Millis;
use crate::version::Epoch;

/// How many tokens are remembered: some hundred bytes each, enough for every token that is busy at once.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(8192).expect("not zero");

/// How many times what a call is estimated to cost has to be left in every budget: other processes spend from it, too.
const MARGIN: i64 = 20;

/// The latest verdicts, by token.
pub struct Recent {
    freshness: Duration,
    known: Mutex<LruCache<TokenId, Known>>,
}

/// An admission that is not long ago.
struct Known {
    asked: Millis,
    user: UserId,
    epoch: Epoch,
    email: Email,
    /// What was left in the tightest budget; `None` if none applied.
    left: Option<Nanodollars>,
}

impl Recent {
    /// Makes a memory of verdicts that are fresh for so long; for no time at all if every call is to wait for its own.
    #[must_use]
    pub fn new(freshness: Duration) -> Self {
        Self { freshness, known: Mutex::new(LruCache::new(CAPACITY)) }
    }

    /// Foresees at `now` that a call will be admitted, and returns the person's address as it was known last.
    #[must_use]
    pub fn foresee(&self, admit: &Admit, now: Millis) -> Option<Email> {
        // Where rules apply, a call that they refuse is not to reach a provider that counts it.
        if self.freshness.is_zero() || admit.preclusion.is_some() || !admit.rules.is_empty() {
            return None;
        }
        let mut known = self.lock();
        let known = known.get(&admit.token)?;
        let is_fresh = known.asked <= now && Duration::from_millis(now.since(known.asked)) < self.freshness;
        let is_same = known.user == admit.user && known.epoch == admit.epoch;
        (is_fresh && is_same && known.has_room(admit)).then(|| known.email.clone())
    }

    /// Remembers that a call was admitted that was asked about at `asked`. One that is free says nothing about budgets.
    pub fn note(&self, admit: &Admit, admitted: &Admitted, asked: Millis) {
        if self.freshness.is_zero() || admit.is_free {
            return;
        }
        let left = admitted.budgets.iter().map(BudgetState::left).min();
        let known = Known { asked, user: admit.user, epoch: admit.epoch, email: admitted.email.clone(), left };
        self.lock().put(admit.token, known);
    }

    /// Forgets what is known of a token: the latest answer was not yes.
    pub fn forget(&self, token: TokenId) {
        self.lock().pop(&token);
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<TokenId, Known>> {
        // Nothing panics while it is held.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn has_room(&self, admit: &Admit) -> bool {
        let Some(left) = self.left else { return true };
        let wanted = admit.estimate.0.checked_mul(MARGIN);
        admit.priced && wanted.is_some_and(|wanted| wanted <= left.0)
    }
}

#[cfg(test)]
#[cfg(feature = "test-support")]
mod tests {
    use super::*;
    use crate::admission::Preclusion;
    use crate::conformance::fixture::admit;
    use crate::money::{Budget, BudgetScope, BudgetSource, WindowKind};
    use crate::time::Timestamp;

    const NOW: Timestamp = Timestamp(1_800_000_000);
    const START: Millis = Millis(NOW.0 * 1000);

    fn later(millis: i64) -> Millis {
        Millis(START.0 + millis)
    }

    fn admitted(spent: Option<i64>) -> Admitted {
        let state = |spent| BudgetState {
            budget: Budget { scope: BudgetScope::Org, window: WindowKind::Total, limit: Nanodollars(1000) },
            source: BudgetSource::Config,
            spent: Nanodollars(spent),
            held: Nanodollars(100),
            reset: None,
        };
        Admitted { email: Email::parse("ann@example.com").unwrap(), budgets: spent.map(state).into_iter().collect() }
    }

    /// Remembers an admission of the token at [`START`], for five seconds.
    fn recent(spent: Option<i64>) -> (Recent, Admit) {
        let recent = Recent::new(Duration::from_secs(5));
        let call = admit(1, 1, NOW, 40, &[]);
        recent.note(&call, &admitted(spent), START);
        (recent, call)
    }

    #[test]
    fn foresees_nothing_without_a_verdict_that_is_fresh() {
        let (recent, call) = recent(None);
        assert!(recent.foresee(&call, later(4999)).is_some());
        assert_eq!(recent.foresee(&call, later(5000)), None);
        assert_eq!(recent.foresee(&call, later(-1)), None);
        assert_eq!(recent.foresee(&admit(2, 2, NOW, 40, &[]), START), None, "somebody else");
        recent.forget(call.token);
        assert_eq!(recent.foresee(&call, START), None);
    }

    #[test]
    fn learns_nothing_from_a_call_that_is_free() {
        let (recent, call) = recent(Some(900));
        recent.note(&Admit { is_free: true, ..call.clone() }, &admitted(None), START);
        assert_eq!(recent.foresee(&call, START), None, "its budget is as full as before");
    }

    #[test]
    fn foresees_nothing_where_every_call_waits() {
        let strict = Recent::new(Duration::ZERO);
        let call = admit(1, 1, NOW, 40, &[]);
        strict.note(&call, &admitted(None), START);
        assert_eq!(strict.foresee(&call, START), None);
    }

    #[test]
    fn foresees_no_call_that_the_front_itself_has_something_against() {
        let (recent, call) = recent(None);
        let precluded = Admit { preclusion: Some(Preclusion::Scope), ..call.clone() };
        assert_eq!(recent.foresee(&precluded, START), None);
        let other_epoch = Admit { epoch: Epoch(call.epoch.0 + 1), ..call.clone() };
        assert_eq!(recent.foresee(&other_epoch, START), None);
        let other_user = Admit { user: admit(2, 2, NOW, 40, &[]).user, ..call };
        assert_eq!(recent.foresee(&other_user, START), None);
    }

    #[test]
    fn foresees_calls_that_leave_room_in_every_budget() {
        // 1000 less 100 that are held less 100 are 20 × 40.
        let (roomy, call) = recent(Some(100));
        assert!(roomy.foresee(&call, START).is_some());
        let dearer = Admit { estimate: Nanodollars(41), ..call.clone() };
        assert_eq!(roomy.foresee(&dearer, START), None);
        let endless = Admit { estimate: Nanodollars(i64::MAX), ..call.clone() };
        assert_eq!(roomy.foresee(&endless, START), None);
        let unpriced = Admit { priced: false, estimate: Nanodollars::ZERO, ..call.clone() };
        assert_eq!(roomy.foresee(&unpriced, START), None);
        let (tight, call) = recent(Some(101));
        assert_eq!(tight.foresee(&call, START), None);
        let (free, unpriced) = (recent(None).0, Admit { priced: false, ..call });
        assert!(free.foresee(&unpriced, START).is_some(), "where no budget applies, no price is needed");
    }
}
