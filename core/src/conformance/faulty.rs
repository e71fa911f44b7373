//! A hot store that fails when it is told to: with the write lost, or with the write applied and only the answer lost.
//! Real stores do both.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use crate::admission::{Admit, Cancel, Install, Installed, Settlement, UsageEvent, Verdict};
use crate::id::{LeaseId, UserId};
use crate::money::{Calendar, Counter, WindowKind};
use crate::ports::{
    Activity, Admission, Answers, Contents, Continuity, Cursor, Duties, Hot, Limits, Loss, OneTime, Page, PageRequest,
    Presence, Recovery, Roster, SessionCounts, SessionQuery, SessionState, Sessions, SpendingQuery, SpendingState,
    Tally, Totals, Unavailable, Usage,
};
use crate::session::{Session, SessionId, TicketHash};
use crate::time::Timestamp;
use crate::version::Generation;

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing happens, and the caller hears of a failure.
    Lost,
    /// It happens, and the caller hears of a failure.
    Applied,
    /// It happens, and the caller never hears of it.
    Stalled,
}

/// Faults that wait for the next calls of any kind. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    next: Arc<Mutex<VecDeque<Option<Fault>>>>,
}

impl Faults {
    /// Makes the next call fail.
    pub fn fail_next(&self, fault: Fault) {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).push_back(Some(fault));
    }

    /// Lets the next call pass, before those that are to fail.
    pub fn pass_next(&self) {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).push_back(None);
    }

    fn take(&self) -> Option<Fault> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).pop_front().flatten()
    }

    /// Runs a call with the fault that waits for it, if one does.
    ///
    /// # Errors
    ///
    /// The call's own, or the fault's.
    pub async fn run<T, E: From<Unavailable>>(&self, call: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        match self.take() {
            None => call.await,
            Some(Fault::Lost) => Err(Unavailable::new("the fake", "lost").into()),
            Some(Fault::Applied) => {
                drop(call.await);
                Err(Unavailable::new("the fake", "applied").into())
            }
            Some(Fault::Stalled) => {
                drop(call.await);
                std::future::pending().await
            }
        }
    }
}

/// A hot store with faults.
#[derive(Debug, Clone)]
pub struct FaultyHot<H> {
    inner: H,
    faults: Faults,
}

impl<H: Hot> FaultyHot<H> {
    /// Puts faults in front of a store.
    #[must_use]
    pub const fn new(inner: H, faults: Faults) -> Self {
        Self { inner, faults }
    }
}

impl<H> FaultyHot<H> {
    /// Returns the store behind.
    pub const fn inner(&self) -> &H {
        &self.inner
    }
}

impl<H: Hot> Hot for FaultyHot<H> {}

impl<H: Hot> Admission for FaultyHot<H> {
    async fn admit(&self, admit: &Admit) -> Result<Verdict, Unavailable> {
        self.faults.run(self.inner.admit(admit)).await
    }

    async fn settle(&self, settlement: &Settlement) -> Result<(), Unavailable> {
        self.faults.run(self.inner.settle(settlement)).await
    }

    async fn cancel(&self, cancel: Cancel) -> Result<(), Unavailable> {
        self.faults.run(self.inner.cancel(cancel)).await
    }

    async fn sweep(&self, now: Timestamp, limit: u32) -> Result<u32, Unavailable> {
        self.faults.run(self.inner.sweep(now, limit)).await
    }

    async fn install(&self, install: &Install) -> Result<Installed, Unavailable> {
        self.faults.run(self.inner.install(install)).await
    }
}

impl<H: Hot> Roster for FaultyHot<H> {
    async fn tally(&self, now: Timestamp) -> Result<Tally, Unavailable> {
        self.faults.run(self.inner.tally(now)).await
    }

    async fn enrolled(&self, generation: Generation, upto: Option<&Cursor>) -> Result<(), Unavailable> {
        self.faults.run(self.inner.enrolled(generation, upto)).await
    }
}

impl<H: Hot> Sessions for FaultyHot<H> {
    async fn open_session(&self, session: &Session) -> Result<(), Unavailable> {
        self.faults.run(self.inner.open_session(session)).await
    }

    async fn session(&self, ticket: &TicketHash, now: Timestamp) -> Result<SessionState, Unavailable> {
        self.faults.run(self.inner.session(ticket, now)).await
    }

    async fn find_session(&self, id: &SessionId) -> Result<Option<Session>, Unavailable> {
        self.faults.run(self.inner.find_session(id)).await
    }

    async fn end_session(&self, id: &SessionId) -> Result<bool, Unavailable> {
        self.faults.run(self.inner.end_session(id)).await
    }
}

impl<H: Hot> Presence for FaultyHot<H> {
    async fn sessions(&self, query: &SessionQuery) -> Result<Page<Session>, Unavailable> {
        self.faults.run(self.inner.sessions(query)).await
    }

    async fn session_counts(&self, now: Timestamp) -> Result<SessionCounts, Unavailable> {
        self.faults.run(self.inner.session_counts(now)).await
    }

    async fn seen(&self, now: Timestamp, page: &PageRequest) -> Result<Page<Activity>, Unavailable> {
        self.faults.run(self.inner.seen(now, page)).await
    }

    async fn seen_count(&self, now: Timestamp) -> Result<u64, Unavailable> {
        self.faults.run(self.inner.seen_count(now)).await
    }

    async fn activity(&self, users: &[UserId], now: Timestamp) -> Result<Vec<Activity>, Unavailable> {
        self.faults.run(self.inner.activity(users, now)).await
    }
}

impl<H: Hot> Limits for FaultyHot<H> {
    async fn count(&self, name: &str, seconds: u32, now: Timestamp) -> Result<(u64, u32), Unavailable> {
        self.faults.run(self.inner.count(name, seconds, now)).await
    }
}

impl<H: Hot> OneTime for FaultyHot<H> {
    async fn keep(
        &self,
        kind: &str,
        id: &str,
        value: &str,
        now: Timestamp,
        expiry: Timestamp,
    ) -> Result<bool, Unavailable> {
        self.faults.run(self.inner.keep(kind, id, value, now, expiry)).await
    }

    async fn redeem(&self, kind: &str, id: &str, now: Timestamp) -> Result<Option<String>, Unavailable> {
        self.faults.run(self.inner.redeem(kind, id, now)).await
    }
}

impl<H: Hot> Answers for FaultyHot<H> {
    async fn note_answer(&self, id: &str, user: UserId, now: Timestamp, expiry: Timestamp) -> Result<(), Unavailable> {
        self.faults.run(self.inner.note_answer(id, user, now, expiry)).await
    }

    async fn answer_maker(&self, id: &str, now: Timestamp) -> Result<Option<UserId>, Unavailable> {
        self.faults.run(self.inner.answer_maker(id, now)).await
    }
}

impl<H: Hot> Contents for FaultyHot<H> {
    async fn keep_content(
        &self,
        id: LeaseId,
        content: &str,
        now: Timestamp,
        expiry: Timestamp,
    ) -> Result<bool, Unavailable> {
        self.faults.run(self.inner.keep_content(id, content, now, expiry)).await
    }

    async fn contents(&self, ids: &[LeaseId], now: Timestamp) -> Result<Vec<Option<String>>, Unavailable> {
        self.faults.run(self.inner.contents(ids, now)).await
    }

    async fn discard_contents(&self, ids: &[LeaseId]) -> Result<(), Unavailable> {
        self.faults.run(self.inner.discard_contents(ids)).await
    }
}

impl<H: Hot> Usage for FaultyHot<H> {
    async fn pending_usage(&self, limit: u32) -> Result<(Vec<UsageEvent>, u64), Unavailable> {
        self.faults.run(self.inner.pending_usage(limit)).await
    }

    async fn discard_usage(&self, through: u64) -> Result<(), Unavailable> {
        self.faults.run(self.inner.discard_usage(through)).await
    }

    async fn spending(&self, query: &SpendingQuery) -> Result<SpendingState, Unavailable> {
        self.faults.run(self.inner.spending(query)).await
    }

    async fn totals(
        &self,
        calendar: &Calendar,
        counters: &[(WindowKind, Counter)],
    ) -> Result<Vec<Totals>, Unavailable> {
        self.faults.run(self.inner.totals(calendar, counters)).await
    }
}

impl<H: Hot> Continuity for FaultyHot<H> {
    async fn begin_generation(&self) -> Result<Generation, Unavailable> {
        self.faults.run(self.inner.begin_generation()).await
    }

    async fn beat(&self, seen: u64) -> Result<u64, Unavailable> {
        self.faults.run(self.inner.beat(seen)).await
    }

    async fn loss(&self) -> Result<Option<Loss>, Unavailable> {
        self.faults.run(self.inner.loss()).await
    }

    async fn recover(&self, recovery: &Recovery) -> Result<bool, Unavailable> {
        self.faults.run(self.inner.recover(recovery)).await
    }
}

impl<H: Hot> Duties for FaultyHot<H> {
    async fn claim(&self, duty: &str, holder: &str, seconds: u32) -> Result<bool, Unavailable> {
        self.faults.run(self.inner.claim(duty, holder, seconds)).await
    }
}
