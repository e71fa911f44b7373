//! [`Memory`] as a hot store, for tests: no journal, no thread.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::model::Restart;
use crate::admission::{Admit, Cancel, Install, Installed, Settlement, UsageEvent, Verdict};
use crate::id::{LeaseId, UserId};
use crate::memory::{Decision, Memory};
use crate::money::{Calendar, Counter, WindowKind};
use crate::ports::{
    Activity, Admission, Answers, Contents, Continuity, Cursor, Duties, Hot, Limits, Loss, OneTime, Page, PageRequest,
    Presence, Recovery, Roster, SessionCounts, SessionQuery, SessionState, Sessions, SpendingQuery, SpendingState,
    Tally, Totals, Unavailable, Usage,
};
use crate::session::{Session, SessionId, TicketHash};
use crate::time::Timestamp;
use crate::version::Generation;

/// A hot store that lives as long as the test. Clones share it.
#[derive(Debug, Clone)]
pub struct MemoryHot {
    memory: Arc<Mutex<Memory>>,
    /// The next generation.
    generations: Arc<AtomicU64>,
}

impl MemoryHot {
    /// Makes an empty store.
    #[must_use]
    pub fn new(generation: Generation) -> Self {
        let generations = Arc::new(AtomicU64::new(generation.0 + 1));
        Self { memory: Arc::new(Mutex::new(Memory::new(generation))), generations }
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a copy of everything.
    #[must_use]
    pub fn snapshot(&self) -> Memory {
        self.lock().clone()
    }

    /// Goes back to a former memory, without a word.
    pub fn go_back(&self, former: Memory) {
        *self.lock() = former;
    }

    /// Loses everything.
    pub fn wipe(&self) {
        let fresh = self.fresh_generation();
        *self.lock() = Memory::new(fresh);
    }

    /// Returns a generation that was not there yet.
    fn fresh_generation(&self) -> Generation {
        Generation(self.generations.fetch_add(1, Ordering::Relaxed))
    }

    fn decide<T>(&self, decide: impl FnOnce(&Memory) -> Decision<T>) -> T {
        let mut memory = self.lock();
        let (value, changes) = decide(&memory);
        for change in changes {
            memory.apply(change);
        }
        value
    }
}

impl Hot for MemoryHot {}

impl Restart for MemoryHot {
    /// Goes through what a restart does: what is not durable is forgotten, and open leases are charged.
    async fn restart(self, now: Timestamp) -> Self {
        let snapshot = serde_json::to_vec(&*self.lock()).expect("a memory has texts and numbers only");
        let memory = serde_json::from_slice(&snapshot).expect("it was just written");
        let restarted = Self { memory: Arc::new(Mutex::new(memory)), generations: self.generations };
        restarted.decide(|memory| memory.abandon(now));
        restarted
    }
}

impl Admission for MemoryHot {
    async fn admit(&self, admit: &Admit) -> Result<Verdict, Unavailable> {
        Ok(self.decide(|memory| memory.admit(admit)))
    }

    async fn settle(&self, settlement: &Settlement) -> Result<(), Unavailable> {
        self.decide(|memory| memory.settle(settlement));
        Ok(())
    }

    async fn cancel(&self, cancel: Cancel) -> Result<(), Unavailable> {
        self.decide(|memory| memory.cancel(cancel));
        Ok(())
    }

    async fn sweep(&self, now: Timestamp, limit: u32) -> Result<u32, Unavailable> {
        Ok(self.decide(|memory| memory.sweep(now, limit)))
    }

    async fn install(&self, install: &Install) -> Result<Installed, Unavailable> {
        Ok(self.decide(|memory| memory.install(install)))
    }
}

impl Roster for MemoryHot {
    async fn tally(&self, now: Timestamp) -> Result<Tally, Unavailable> {
        Ok(self.decide(|memory| memory.tally(now)))
    }

    async fn enrolled(&self, generation: Generation, upto: Option<&Cursor>) -> Result<(), Unavailable> {
        self.decide(|memory| memory.enrolled(generation, upto));
        Ok(())
    }
}

impl Sessions for MemoryHot {
    async fn open_session(&self, session: &Session) -> Result<(), Unavailable> {
        self.decide(|memory| memory.open_session(session));
        Ok(())
    }

    async fn session(&self, ticket: &TicketHash, now: Timestamp) -> Result<SessionState, Unavailable> {
        Ok(self.decide(|memory| memory.session(ticket, now)))
    }

    async fn find_session(&self, id: &SessionId) -> Result<Option<Session>, Unavailable> {
        Ok(self.lock().find_session(id))
    }

    async fn end_session(&self, id: &SessionId) -> Result<bool, Unavailable> {
        Ok(self.decide(|memory| memory.end_session(id)))
    }
}

impl Presence for MemoryHot {
    async fn sessions(&self, query: &SessionQuery) -> Result<Page<Session>, Unavailable> {
        Ok(self.lock().list_sessions(query))
    }

    async fn session_counts(&self, now: Timestamp) -> Result<SessionCounts, Unavailable> {
        Ok(self.lock().session_counts(now))
    }

    async fn seen(&self, now: Timestamp, page: &PageRequest) -> Result<Page<Activity>, Unavailable> {
        Ok(self.lock().seen(now, page))
    }

    async fn seen_count(&self, now: Timestamp) -> Result<u64, Unavailable> {
        Ok(self.lock().seen_count(now))
    }

    async fn activity(&self, users: &[UserId], now: Timestamp) -> Result<Vec<Activity>, Unavailable> {
        Ok(self.lock().activity(users, now))
    }
}

impl Limits for MemoryHot {
    async fn count(&self, name: &str, seconds: u32, now: Timestamp) -> Result<(u64, u32), Unavailable> {
        Ok(self.decide(|memory| memory.count(name, seconds, now)))
    }
}

impl OneTime for MemoryHot {
    async fn keep(
        &self,
        kind: &str,
        id: &str,
        value: &str,
        now: Timestamp,
        expiry: Timestamp,
    ) -> Result<bool, Unavailable> {
        let kept = self.decide(|memory| memory.keep(kind, id, value, now, expiry));
        kept.map_err(|full| Unavailable::new("the hot state", full))
    }

    async fn redeem(&self, kind: &str, id: &str, now: Timestamp) -> Result<Option<String>, Unavailable> {
        Ok(self.decide(|memory| memory.redeem(kind, id, now)))
    }
}

impl Answers for MemoryHot {
    async fn note_answer(&self, id: &str, user: UserId, now: Timestamp, expiry: Timestamp) -> Result<(), Unavailable> {
        self.decide(|memory| memory.note_answer(id, user, now, expiry));
        Ok(())
    }

    async fn answer_maker(&self, id: &str, now: Timestamp) -> Result<Option<UserId>, Unavailable> {
        Ok(self.lock().answer_maker(id, now))
    }
}

impl Contents for MemoryHot {
    async fn keep_content(
        &self,
        id: LeaseId,
        content: &str,
        now: Timestamp,
        expiry: Timestamp,
    ) -> Result<bool, Unavailable> {
        Ok(self.decide(|memory| memory.keep_content(id, content, now, expiry)))
    }

    async fn contents(&self, ids: &[LeaseId], now: Timestamp) -> Result<Vec<Option<String>>, Unavailable> {
        Ok(self.lock().contents(ids, now))
    }

    async fn discard_contents(&self, ids: &[LeaseId]) -> Result<(), Unavailable> {
        self.decide(|memory| memory.discard_contents(ids));
        Ok(())
    }
}

impl Usage for MemoryHot {
    async fn pending_usage(&self, limit: u32) -> Result<(Vec<UsageEvent>, u64), Unavailable> {
        Ok(self.lock().pending_usage(limit))
    }

    async fn discard_usage(&self, through: u64) -> Result<(), Unavailable> {
        self.decide(|memory| memory.discard_usage(through));
        Ok(())
    }

    async fn spending(&self, query: &SpendingQuery) -> Result<SpendingState, Unavailable> {
        Ok(self.lock().spending(query))
    }

    async fn totals(
        &self,
        calendar: &Calendar,
        counters: &[(WindowKind, Counter)],
    ) -> Result<Vec<Totals>, Unavailable> {
        Ok(self.lock().totals(calendar, counters))
    }
}

impl Continuity for MemoryHot {
    async fn begin_generation(&self) -> Result<Generation, Unavailable> {
        let fresh = self.fresh_generation();
        Ok(self.decide(|memory| memory.begin_generation(fresh)))
    }

    async fn beat(&self, seen: u64) -> Result<u64, Unavailable> {
        let fresh = self.fresh_generation();
        Ok(self.decide(|memory| memory.beat(seen, fresh)))
    }

    async fn loss(&self) -> Result<Option<Loss>, Unavailable> {
        Ok(self.lock().loss())
    }

    async fn recover(&self, recovery: &Recovery) -> Result<bool, Unavailable> {
        Ok(self.decide(|memory| memory.recover(recovery)))
    }
}

impl Duties for MemoryHot {
    async fn claim(&self, _: &str, _: &str, _: u32) -> Result<bool, Unavailable> {
        Ok(true)
    }
}
