//! The hot state of one process: [`Memory`] in the hands of one thread, with a journal in `hot.db`.
//!
//! The thread takes what is waiting, decides each in turn, writes all changes in one transaction, and answers only then:
//! what was answered survives the process. In scope: taking turns and keeping the journal. Out of scope: the decisions.

mod journal;
mod owner;

use std::path::Path;
use std::sync::Arc;

use gateway_core::admission::{Admit, Cancel, Install, Installed, Settlement, UsageEvent, Verdict};
use gateway_core::id::{LeaseId, UserId};
use gateway_core::memory::{Decision, Memory};
use gateway_core::money::{Calendar, Counter, WindowKind};
use gateway_core::ports::{
    Activity, Admission, Answers, Contents, Continuity, Cursor, Duties, Hot, Limits, Loss, OneTime, Page, PageRequest,
    Presence, Random as _, Recovery, Roster, SessionCounts, SessionQuery, SessionState, Sessions, SpendingQuery,
    SpendingState, Tally, Totals, Unavailable, Usage,
};
use gateway_core::session::{Session, SessionId, TicketHash};
use gateway_core::time::Timestamp;
use gateway_core::version::Generation;

pub(crate) use journal::JournalError;
use journal::Pace;
use owner::{NAME, Owner};

use gateway_native::host::SystemRandom;

/// The hot state of one process. Clones share it.
#[derive(Clone)]
pub(crate) struct EmbeddedHot {
    owner: Arc<Owner>,
}

impl EmbeddedHot {
    /// Opens the journal of a data folder, or starts one, in `generation` if it is new. Leases that a former process left
    /// open are charged at their estimate as of `now`.
    ///
    /// # Errors
    ///
    /// [`JournalError`] if another process holds the journal, or it cannot be read.
    pub(crate) fn open(data: &Path, generation: Generation, now: Timestamp) -> Result<Self, JournalError> {
        Self::paced(data, generation, now, Pace::default())
    }

    fn paced(data: &Path, generation: Generation, now: Timestamp, pace: Pace) -> Result<Self, JournalError> {
        Ok(Self { owner: Arc::new(Owner::start(data, generation, now, pace)?) })
    }

    async fn decide<T: Send + 'static>(
        &self,
        decide: impl FnOnce(&Memory) -> Decision<T> + Send + 'static,
    ) -> Result<T, Unavailable> {
        self.owner.decide(decide).await
    }
}

impl Hot for EmbeddedHot {}

impl Admission for EmbeddedHot {
    async fn admit(&self, admit: &Admit) -> Result<Verdict, Unavailable> {
        let admit = admit.clone();
        self.decide(move |memory| memory.admit(&admit)).await
    }

    async fn settle(&self, settlement: &Settlement) -> Result<(), Unavailable> {
        let settlement = settlement.clone();
        self.decide(move |memory| memory.settle(&settlement)).await
    }

    async fn cancel(&self, cancel: Cancel) -> Result<(), Unavailable> {
        self.decide(move |memory| memory.cancel(cancel)).await
    }

    async fn sweep(&self, now: Timestamp, limit: u32) -> Result<u32, Unavailable> {
        self.decide(move |memory| memory.sweep(now, limit)).await
    }

    async fn install(&self, install: &Install) -> Result<Installed, Unavailable> {
        let install = install.clone();
        self.decide(move |memory| memory.install(&install)).await
    }
}

impl Roster for EmbeddedHot {
    async fn tally(&self, now: Timestamp) -> Result<Tally, Unavailable> {
        self.decide(move |memory| memory.tally(now)).await
    }

    async fn enrolled(&self, generation: Generation, upto: Option<&Cursor>) -> Result<(), Unavailable> {
        let upto = upto.cloned();
        self.decide(move |memory| memory.enrolled(generation, upto.as_ref())).await
    }
}

impl Sessions for EmbeddedHot {
    async fn open_session(&self, session: &Session) -> Result<(), Unavailable> {
        let session = session.clone();
        self.decide(move |memory| memory.open_session(&session)).await
    }

    async fn session(&self, ticket: &TicketHash, now: Timestamp) -> Result<SessionState, Unavailable> {
        let ticket = *ticket;
        self.decide(move |memory| memory.session(&ticket, now)).await
    }

    async fn find_session(&self, id: &SessionId) -> Result<Option<Session>, Unavailable> {
        let id = id.clone();
        self.decide(move |memory| (memory.find_session(&id), Vec::new())).await
    }

    async fn end_session(&self, id: &SessionId) -> Result<bool, Unavailable> {
        let id = id.clone();
        self.decide(move |memory| memory.end_session(&id)).await
    }
}

impl Presence for EmbeddedHot {
    async fn sessions(&self, query: &SessionQuery) -> Result<Page<Session>, Unavailable> {
        let query = query.clone();
        self.decide(move |memory| (memory.list_sessions(&query), Vec::new())).await
    }

    async fn session_counts(&self, now: Timestamp) -> Result<SessionCounts, Unavailable> {
        self.decide(move |memory| (memory.session_counts(now), Vec::new())).await
    }

    async fn seen(&self, now: Timestamp, page: &PageRequest) -> Result<Page<Activity>, Unavailable> {
        let page = page.clone();
        self.decide(move |memory| (memory.seen(now, &page), Vec::new())).await
    }

    async fn seen_count(&self, now: Timestamp) -> Result<u64, Unavailable> {
        self.decide(move |memory| (memory.seen_count(now), Vec::new())).await
    }

    async fn activity(&self, users: &[UserId], now: Timestamp) -> Result<Vec<Activity>, Unavailable> {
        let users = users.to_vec();
        self.decide(move |memory| (memory.activity(&users, now), Vec::new())).await
    }
}

impl Limits for EmbeddedHot {
    async fn count(&self, name: &str, seconds: u32, now: Timestamp) -> Result<(u64, u32), Unavailable> {
        let name = name.to_owned();
        self.decide(move |memory| memory.count(&name, seconds, now)).await
    }
}

impl OneTime for EmbeddedHot {
    async fn keep(
        &self,
        kind: &str,
        id: &str,
        value: &str,
        now: Timestamp,
        expiry: Timestamp,
    ) -> Result<bool, Unavailable> {
        let (kind, id, value) = (kind.to_owned(), id.to_owned(), value.to_owned());
        let kept = self.decide(move |memory| memory.keep(&kind, &id, &value, now, expiry)).await?;
        kept.map_err(|full| Unavailable::new(NAME, full))
    }

    async fn redeem(&self, kind: &str, id: &str, now: Timestamp) -> Result<Option<String>, Unavailable> {
        let (kind, id) = (kind.to_owned(), id.to_owned());
        self.decide(move |memory| memory.redeem(&kind, &id, now)).await
    }
}

impl Answers for EmbeddedHot {
    async fn note_answer(&self, id: &str, user: UserId, now: Timestamp, expiry: Timestamp) -> Result<(), Unavailable> {
        let id = id.to_owned();
        self.decide(move |memory| memory.note_answer(&id, user, now, expiry)).await
    }

    async fn answer_maker(&self, id: &str, now: Timestamp) -> Result<Option<UserId>, Unavailable> {
        let id = id.to_owned();
        self.decide(move |memory| (memory.answer_maker(&id, now), Vec::new())).await
    }
}

impl Contents for EmbeddedHot {
    async fn keep_content(
        &self,
        id: LeaseId,
        content: &str,
        now: Timestamp,
        expiry: Timestamp,
    ) -> Result<bool, Unavailable> {
        let content = content.to_owned();
        self.decide(move |memory| memory.keep_content(id, &content, now, expiry)).await
    }

    async fn contents(&self, ids: &[LeaseId], now: Timestamp) -> Result<Vec<Option<String>>, Unavailable> {
        let ids = ids.to_vec();
        self.decide(move |memory| (memory.contents(&ids, now), Vec::new())).await
    }

    async fn discard_contents(&self, ids: &[LeaseId]) -> Result<(), Unavailable> {
        let ids = ids.to_vec();
        self.decide(move |memory| memory.discard_contents(&ids)).await
    }
}

impl Usage for EmbeddedHot {
    async fn pending_usage(&self, limit: u32) -> Result<(Vec<UsageEvent>, u64), Unavailable> {
        self.decide(move |memory| (memory.pending_usage(limit), Vec::new())).await
    }

    async fn discard_usage(&self, through: u64) -> Result<(), Unavailable> {
        self.decide(move |memory| memory.discard_usage(through)).await
    }

    async fn spending(&self, query: &SpendingQuery) -> Result<SpendingState, Unavailable> {
        let query = query.clone();
        self.decide(move |memory| (memory.spending(&query), Vec::new())).await
    }

    async fn totals(
        &self,
        calendar: &Calendar,
        counters: &[(WindowKind, Counter)],
    ) -> Result<Vec<Totals>, Unavailable> {
        let (calendar, counters) = (calendar.clone(), counters.to_vec());
        self.decide(move |memory| (memory.totals(&calendar, &counters), Vec::new())).await
    }
}

impl Continuity for EmbeddedHot {
    async fn begin_generation(&self) -> Result<Generation, Unavailable> {
        let fresh = fresh_generation();
        self.decide(move |memory| memory.begin_generation(fresh)).await
    }

    async fn beat(&self, seen: u64) -> Result<u64, Unavailable> {
        let fresh = fresh_generation();
        self.decide(move |memory| memory.beat(seen, fresh)).await
    }

    async fn loss(&self) -> Result<Option<Loss>, Unavailable> {
        self.decide(move |memory| (memory.loss(), Vec::new())).await
    }

    async fn recover(&self, recovery: &Recovery) -> Result<bool, Unavailable> {
        let recovery = recovery.clone();
        self.decide(move |memory| memory.recover(&recovery)).await
    }
}

impl Duties for EmbeddedHot {
    /// There is no other process.
    async fn claim(&self, _: &str, _: &str, _: u32) -> Result<bool, Unavailable> {
        Ok(true)
    }
}

/// Returns a name for a generation that nobody has used.
fn fresh_generation() -> Generation {
    Generation(u64::from_be_bytes(SystemRandom.bytes()))
}

#[cfg(test)]
mod tests;
