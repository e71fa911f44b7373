//! Hot state: what a request needs, fast and shared by every front. One atomic step a call.

use std::future::Future;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Contents, Cursor, Presence, Unavailable};
use crate::accounts::Spent;
use crate::admission::{Admit, Cancel, Install, Installed, Settlement, UsageEvent, Verdict};
use crate::id::{LeaseId, TokenId, UserId};
use crate::money::{Budget, BudgetState, Calendar, Counter, Nanodollars, Window, WindowKind};
use crate::session::{Session, SessionId, TicketHash};
use crate::time::Timestamp;
use crate::version::Generation;

/// Everything the hot state keeps.
pub trait Hot:
    Admission
    + Roster
    + Sessions
    + Presence
    + OneTime
    + Limits
    + Answers
    + Contents
    + Usage
    + Continuity
    + Duties
    + Clone
    + Send
    + Sync
    + 'static
{
}

/// Decides about calls and keeps the ledger.
pub trait Admission {
    /// Decides about a call, and opens its lease if it may be made.
    fn admit(&self, admit: &Admit) -> impl Future<Output = Result<Verdict, Unavailable>> + Send;

    /// Turns a lease into its real cost and the usage event. Idempotent; unknown and cancelled leases stay uncharged.
    fn settle(&self, settlement: &Settlement) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Closes a lease without a charge, now or when it turns up. Idempotent; settled leases stay settled.
    fn cancel(&self, cancel: Cancel) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Charges leases that expired 30 s before `now` at their estimate, at most `limit` of them; returns how many.
    fn sweep(&self, now: Timestamp, limit: u32) -> impl Future<Output = Result<u32, Unavailable>> + Send;

    /// Takes over what the records hold, if it is newer than what is known.
    fn install(&self, install: &Install) -> impl Future<Output = Result<Installed, Unavailable>> + Send;
}

/// Counts the tokens of everybody. What is installed is counted, from then on and for as long as lists show it; a token that
/// is revoked stays so.
pub trait Roster {
    /// Returns how many tokens there are at `now`, by how they stand: in one request, however many there are.
    fn tally(&self, now: Timestamp) -> impl Future<Output = Result<Tally, Unavailable>> + Send;

    /// Notes that the records' tokens have been installed up to there, or all of them: they stay so. In another generation
    /// that says nothing.
    fn enrolled(
        &self,
        generation: Generation,
        upto: Option<&Cursor>,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// How many tokens there are, without those that expired so long ago that no list shows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tally {
    /// All that the records know are counted, each as its [`TokenStatus`](crate::token::TokenStatus) says.
    Counted {
        /// Those that are good.
        active: u64,
        /// Those that are past their expiry, and were not revoked.
        expired: u64,
        /// Those that were revoked, by themselves or with all of their owner's.
        revoked: u64,
    },
    /// Not all tokens of the records have been installed since the generation began.
    Incomplete {
        /// The generation.
        generation: Generation,
        /// How far they have, in the list of everybody's tokens; none if nobody has begun.
        cursor: Option<Cursor>,
    },
}

/// Keeps browser sessions.
pub trait Sessions {
    /// Opens a session.
    fn open_session(&self, session: &Session) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Returns the session that a ticket opens at `now`, and notes the use: at most once a minute, or four times in the
    /// session's idle time if that is shorter.
    fn session(
        &self,
        ticket: &TicketHash,
        now: Timestamp,
    ) -> impl Future<Output = Result<SessionState, Unavailable>> + Send;

    /// Returns the session of that public id, whether its time is over or not.
    fn find_session(&self, id: &SessionId) -> impl Future<Output = Result<Option<Session>, Unavailable>> + Send;

    /// Ends a session; says whether there was one.
    fn end_session(&self, id: &SessionId) -> impl Future<Output = Result<bool, Unavailable>> + Send;
}

/// What a ticket opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionState {
    /// A session of an active user.
    Live(Session),
    /// Nothing: there is no such session, it ran out, its epoch has passed, or its user may not use the gateway.
    Over,
    /// The hot state does not know the session's user in this generation: install them, ask again.
    Unknown {
        /// Whom to install.
        user: UserId,
        /// Under which generation.
        generation: Generation,
    },
}

/// Counts what must not happen too often.
pub trait Limits {
    /// Counts one more under that name, and returns how many there were in the `seconds` that run at `now`, and how many seconds they
    /// run on.
    fn count(
        &self,
        name: &str,
        seconds: u32,
        now: Timestamp,
    ) -> impl Future<Output = Result<(u64, u32), Unavailable>> + Send;
}

/// Keeps values that may be used once: login flows, and the marks that stop replays.
pub trait OneTime {
    /// Keeps a value under a fresh id until `expiry`; says whether the id was free. A store that has no room for more of the
    /// kind is unavailable for it; it forgets nobody's value for another's.
    fn keep(
        &self,
        kind: &str,
        id: &str,
        value: &str,
        now: Timestamp,
        expiry: Timestamp,
    ) -> impl Future<Output = Result<bool, Unavailable>> + Send;

    /// Returns the value and forgets it, so that nobody gets it twice; `None` if it is gone or was never there.
    fn redeem(
        &self,
        kind: &str,
        id: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<String>, Unavailable>> + Send;
}

/// Knows who made which of the answers that providers keep: one key of ours serves everybody there, so it is here that nobody
/// continues somebody else's.
pub trait Answers {
    /// Notes that a person made an answer, until `expiry`. An answer that is known stays whose it is.
    fn note_answer(
        &self,
        id: &str,
        user: UserId,
        now: Timestamp,
        expiry: Timestamp,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Returns who made an answer, if that is known.
    fn answer_maker(
        &self,
        id: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<UserId>, Unavailable>> + Send;
}

/// Hands out what calls cost.
pub trait Usage {
    /// Returns the oldest events that were not discarded, with the position to discard through.
    fn pending_usage(&self, limit: u32) -> impl Future<Output = Result<(Vec<UsageEvent>, u64), Unavailable>> + Send;

    /// Forgets the events through that position: they are in the usage log.
    fn discard_usage(&self, through: u64) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Returns how a person's budgets stand, and what they spent.
    fn spending(&self, query: &SpendingQuery) -> impl Future<Output = Result<SpendingState, Unavailable>> + Send;

    /// Returns what each of these says in the running window of its kind, in their order.
    fn totals(
        &self,
        calendar: &Calendar,
        counters: &[(WindowKind, Counter)],
    ) -> impl Future<Output = Result<Vec<Totals>, Unavailable>> + Send;
}

/// Notices when the store has lost its memory, or went back to an older one, and takes over what the records can tell.
///
/// A store that did begins another generation: nobody is known in it until they are installed anew, and nobody can be until
/// it was told again what was spent.
pub trait Continuity {
    /// Begins another generation, and returns it.
    fn begin_generation(&self) -> impl Future<Output = Result<Generation, Unavailable>> + Send;

    /// Counts one up and returns the count. A store that has not come as far as `seen`, which it returned once, has gone back
    /// to an older memory: it begins another generation, and goes on from there.
    fn beat(&self, seen: u64) -> impl Future<Output = Result<u64, Unavailable>> + Send;

    /// Returns what has to be known for a recovery, or `None` if the store needs none.
    fn loss(&self) -> impl Future<Output = Result<Option<Loss>, Unavailable>> + Send;

    /// Takes over what was spent, in place of what the store believes. Says whether it did: otherwise more has happened since
    /// the loss was looked at.
    fn recover(&self, recovery: &Recovery) -> impl Future<Output = Result<bool, Unavailable>> + Send;
}

/// What a store knows that has lost its memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Its generation.
    pub generation: Generation,
    /// The position of its newest usage event.
    pub through: u64,
    /// Whether events wait for the usage log. Only if none does, the log has all of them up to that position.
    pub has_pending: bool,
    /// The leases that it takes for open.
    pub open: Vec<LeaseId>,
}

/// What a store is told after a loss.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// The generation of the loss.
    pub generation: Generation,
    /// The position of the loss: every event up to there is in the log, and in `spent`.
    pub through: u64,
    /// Leases that it took for open, and that were closed in what it lost.
    pub closed: Vec<LeaseId>,
    /// The windows that are running.
    pub windows: Vec<Window>,
    /// What was spent in them.
    pub spent: Vec<Spent>,
    /// How far its beats had been counted.
    pub beats: u64,
    /// When.
    pub now: Timestamp,
}

/// Shares work among the processes that use the store.
pub trait Duties {
    /// Takes over a duty, or keeps it, for some seconds; says whether it is the holder's. Time is the store's own.
    fn claim(&self, duty: &str, holder: &str, seconds: u32) -> impl Future<Output = Result<bool, Unavailable>> + Send;
}

/// What a counter says in one window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// What was spent.
    pub spent: Nanodollars,
    /// What running calls hold.
    pub held: Nanodollars,
}

/// Asks how a person's money stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpendingQuery {
    /// Whose.
    pub user: UserId,
    /// One of their tokens, if its budgets are asked for, too.
    pub token: Option<TokenId>,
    /// The running windows.
    pub calendar: Calendar,
    /// Budgets from the configuration.
    pub budgets: Arc<[Budget]>,
}

/// The answer to [`SpendingQuery`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpendingState {
    /// How it stands.
    Known(Spending),
    /// The hot state does not know the person, or the budgets, in this generation: install them, ask again.
    Unknown(Generation),
}

/// How a person's money stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spending {
    /// What they spent and what their running calls hold, in each window, shortest first.
    pub windows: Vec<(WindowKind, Totals)>,
    /// The budgets that apply to them.
    pub budgets: Vec<BudgetState>,
}
