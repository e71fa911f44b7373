//! The hot state in memory, as pure decisions and changes.
//!
//! A decision reads the [`Memory`] and returns its answer with the changes that make it true; [`Memory::apply`] is the only
//! way in which anything changes. A host keeps the durable changes in a journal and applies them again after a restart.
//! In scope: the whole model. Out of scope: where the journal is, and who takes turns.

mod answers;
mod budgets;
mod change;
mod continuity;
mod known;
mod lease;
mod ledger;
mod limits;
mod once;
mod pairs;
mod places;
mod presence;
mod rates;
mod roster;
mod seen;
mod sessions;

use serde::{Deserialize, Serialize};

pub use answers::AnswerKey;
pub use change::Change;
pub use lease::OpenLease;
pub use ledger::WINDOW_REMEMBERED;
pub use once::Full;

pub(crate) use budgets::{Applicable, applicable_to};
pub(crate) use known::REMEMBERED_AFTER_EXPIRY;
pub(crate) use lease::groups;
pub(crate) use ledger::{CLOSED_REMEMBERED, SWEPT_AFTER, SWEPT_REMEMBERED};
pub(crate) use limits::runs_on;
pub(crate) use once::{CONTENT, capacity};
pub(crate) use places::{page, place, placed};
pub(crate) use roster::PRUNED_AFTER;
pub(crate) use seen::{TOKEN_SEEN_EVERY, seen_since};
pub(crate) use sessions::noted_every;

use self::answers::AnswerTable;
use self::known::Known;
use self::ledger::{Ledger, Paying};
use self::limits::LimitTable;
use self::once::OnceTable;
use self::sessions::SessionTable;
use crate::admission::{Admit, Cancel, Install, Installed, Refusal, Settlement, UsageEvent, Verdict};
use crate::id::UserId;
use crate::money::{Calendar, Counter, WindowKind};
use crate::ports::{SessionState, SpendingQuery, SpendingState, Totals};
use crate::session::{Session, SessionId, TicketHash};
use crate::time::Timestamp;
use crate::version::Generation;

/// A decision's answer, and the changes that make it true.
pub type Decision<T> = (T, Vec<Change>);

/// Everything the hot state holds. Serialises without what the records can tell again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Memory {
    generation: Generation,
    /// Whether it was told in this generation what was spent. Written since there are recoveries: what older journals hold
    /// needed none.
    #[serde(default = "was_recovered")]
    recovered: bool,
    /// How often its beats were counted.
    #[serde(default)]
    beats: u64,
    ledger: Ledger,
    sessions: SessionTable,
    #[serde(default)]
    answers: AnswerTable,
    #[serde(skip)]
    known: Known,
    #[serde(skip)]
    once: OnceTable,
    #[serde(skip)]
    limits: LimitTable,
}

const fn was_recovered() -> bool {
    true
}

impl Memory {
    /// Makes an empty memory, in a life of its own.
    #[must_use]
    pub fn new(generation: Generation) -> Self {
        Self {
            generation,
            recovered: false,
            beats: 0,
            ledger: Ledger::default(),
            sessions: SessionTable::default(),
            answers: AnswerTable::default(),
            known: Known::default(),
            once: OnceTable::default(),
            limits: LimitTable::default(),
        }
    }

    /// Takes over from `former` what no journal keeps, when both are one life of the store.
    ///
    /// Versions of records that `former` knew stay known, so that no late installation undoes a newer one, and one-time
    /// values that it handed out stay used.
    #[must_use]
    pub fn succeeding(mut self, former: Self) -> Self {
        self.sessions.seen.take_over_tokens(&former.sessions.seen);
        Self { known: former.known, once: former.once, limits: former.limits, ..self }
    }

    /// Makes a change. Applying the same changes in the same order makes the same memory.
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::Opened(lease) => self.ledger.open(*lease),
            Change::Charged(event) => {
                self.known.prune(event.settlement.at.seconds());
                self.ledger.charge(*event);
            }
            Change::Cancelled(cancel) => self.ledger.cancel(cancel),
            Change::Discarded { through } => self.ledger.discard(through),
            Change::SessionOpened(session) => self.sessions.open(*session),
            Change::SessionSeen { id, at } => self.sessions.see(&id, at),
            Change::SessionEnded { id } => self.sessions.end(&id),
            Change::TokenSeen { user, at } => self.sessions.seen.by_token(user, at),
            Change::Counted { name, now, end } => self.limits.add(name, end, now),
            Change::Answered { key, user, now, expiry } => self.answers.note(key, user, now, expiry),
            Change::Learned { users, tokens } => self.known.learn(users, tokens),
            Change::LearnedBudgets(budgets) => self.known.learn_budgets(budgets),
            Change::Enrolled { upto } => self.known.roster.enrolled(upto),
            Change::Unlisted { by } => self.known.roster.prune(by),
            Change::Kept { key, value, now, expiry } => self.once.keep(key, value, now, expiry),
            Change::Redeemed { key } => self.once.forget(&key),
            Change::Began { generation } => {
                self.generation = generation;
                self.recovered = false;
                self.known = Known::default();
            }
            Change::Beat { count } => self.beats = count,
            Change::Recovered(recovery) => {
                self.recovered = true;
                self.beats = self.beats.max(recovery.beats);
                self.ledger.recover(&recovery);
            }
        }
    }

    /// Decides about a call; see [`crate::ports::Admission::admit`].
    #[must_use]
    pub fn admit(&self, admit: &Admit) -> Decision<Verdict> {
        let Some((user, token, book)) = self.known.caller(admit.user, admit.token) else {
            return (Verdict::Unknown(self.generation), Vec::new());
        };
        if let Some(refusal) = known::refusal(user, token, admit) {
            return (Verdict::Refused(refusal), Vec::new());
        }
        let payer = Paying { user, book };
        if let Some(answer) = self.ledger.answered(admit, &payer) {
            return (answer, Vec::new());
        }
        if let Some(preclusion) = admit.preclusion {
            return (Verdict::Refused(Refusal::Precluded(preclusion)), Vec::new());
        }
        if let Some(denial) = admit.rules.denial(&payer.caller(admit)) {
            return (Verdict::Refused(Refusal::Denied(denial)), Vec::new());
        }
        let (verdict, mut changes) = self.ledger.admit(admit, &payer);
        if matches!(verdict, Verdict::Admitted(_)) {
            changes.extend(self.sessions.seen.token_seen(admit.user, admit.now));
        }
        (verdict, changes)
    }

    /// Decides how a lease ends; see [`crate::ports::Admission::settle`].
    #[must_use]
    pub fn settle(&self, settlement: &Settlement) -> Decision<()> {
        ((), self.ledger.settle(settlement).into_iter().collect())
    }

    /// Decides to give a lease up; see [`crate::ports::Admission::cancel`].
    #[must_use]
    pub fn cancel(&self, cancel: Cancel) -> Decision<()> {
        let changes = if self.ledger.may_cancel(cancel.lease) { vec![Change::Cancelled(cancel)] } else { Vec::new() };
        ((), changes)
    }

    /// Charges leases that expired well before `now`, at most `limit`; see [`crate::ports::Admission::sweep`].
    #[must_use]
    pub fn sweep(&self, now: Timestamp, limit: u32) -> Decision<u32> {
        let changes: Vec<Change> = self.ledger.sweep(now, limit);
        (u32::try_from(changes.len()).unwrap_or(limit), changes)
    }

    /// Charges every open lease: the process that held them is gone.
    #[must_use]
    pub fn abandon(&self, now: Timestamp) -> Decision<()> {
        ((), self.ledger.abandon(now))
    }

    /// Takes over what the records hold; see [`crate::ports::Admission::install`].
    #[must_use]
    pub fn install(&self, install: &Install) -> Decision<Installed> {
        if install.generation != self.generation {
            return (Installed::Stale(self.generation), Vec::new());
        }
        if !self.recovered {
            return (Installed::Unrecovered, Vec::new());
        }
        (Installed::Done, self.known.news(install))
    }

    /// Opens a session.
    #[must_use]
    pub fn open_session(&self, session: &Session) -> Decision<()> {
        ((), vec![Change::SessionOpened(Box::new(session.clone()))])
    }

    /// Looks a session up; see [`crate::ports::Sessions::session`].
    #[must_use]
    pub fn session(&self, ticket: &TicketHash, now: Timestamp) -> Decision<SessionState> {
        let Some(session) = self.sessions.live(ticket, now) else { return (SessionState::Over, Vec::new()) };
        let Some(user) = self.known.user(session.user) else {
            let unknown = SessionState::Unknown { user: session.user, generation: self.generation };
            return (unknown, Vec::new());
        };
        if !user.status.is_active(now) || session.epoch < user.session_epoch {
            return (SessionState::Over, Vec::new());
        }
        let seen = sessions::seen(session, now).into_iter().collect();
        (SessionState::Live(session.clone()), seen)
    }

    /// Returns a session; see [`crate::ports::Sessions::find_session`].
    #[must_use]
    pub fn find_session(&self, id: &SessionId) -> Option<Session> {
        self.sessions.find(id).cloned()
    }

    /// Ends a session; says whether there was one.
    #[must_use]
    pub fn end_session(&self, id: &SessionId) -> Decision<bool> {
        let existed = self.sessions.has(id);
        (existed, existed.then(|| Change::SessionEnded { id: id.clone() }).into_iter().collect())
    }

    /// Notes who made an answer; see [`crate::ports::Answers::note_answer`].
    #[must_use]
    pub fn note_answer(&self, id: &str, user: UserId, now: Timestamp, expiry: Timestamp) -> Decision<()> {
        let key = AnswerKey::of(id);
        // Whoever made it first made it: a provider does not give an id twice.
        let changes = match self.answers.maker(key, now) {
            Some(_) => Vec::new(),
            None => vec![Change::Answered { key, user, now, expiry }],
        };
        ((), changes)
    }

    /// Returns who made an answer; see [`crate::ports::Answers::answer_maker`].
    #[must_use]
    pub fn answer_maker(&self, id: &str, now: Timestamp) -> Option<UserId> {
        self.answers.maker(AnswerKey::of(id), now)
    }

    /// Returns the oldest events that were not discarded; see [`crate::ports::Usage::pending_usage`].
    #[must_use]
    pub fn pending_usage(&self, limit: u32) -> (Vec<UsageEvent>, u64) {
        self.ledger.pending(limit)
    }

    /// Forgets events; see [`crate::ports::Usage::discard_usage`].
    #[must_use]
    pub fn discard_usage(&self, through: u64) -> Decision<()> {
        ((), vec![Change::Discarded { through }])
    }

    /// Returns how a person's money stands; see [`crate::ports::Usage::spending`].
    #[must_use]
    pub fn spending(&self, query: &SpendingQuery) -> SpendingState {
        match self.known.payer(query.user) {
            Some((user, book)) => SpendingState::Known(self.ledger.spending(query, &Paying { user, book })),
            None => SpendingState::Unknown(self.generation),
        }
    }

    /// Returns what counters say; see [`crate::ports::Usage::totals`].
    #[must_use]
    pub fn totals(&self, calendar: &Calendar, counters: &[(WindowKind, Counter)]) -> Vec<Totals> {
        let totals = |(kind, counter): &(WindowKind, Counter)| self.ledger.totals(&calendar.window(*kind).id, counter);
        counters.iter().map(totals).collect()
    }
}
