//! Records: the durable truth. Every write names the version it read and takes the audit entry that tells of it; record,
//! entry and outbox row are written together or not at all.

use std::future::Future;

use serde::{Deserialize, Serialize};

use super::{PeopleList, PeopleQuery, Unavailable};
use crate::accounts::{Posting, Row, Spent, SumQuery};
use crate::admission::UsageEvent;
use crate::id::{AuditId, LeaseId, TokenId, UserId};
use crate::identity::{Email, Name, User};
use crate::money::{Alert, BudgetBook, WindowId};
use crate::time::Timestamp;
use crate::token::Token;
use crate::version::{Stored, Version};

/// Everything the records keep.
pub trait Records:
    Users
    + Tokens
    + Budgets
    + Alerts
    + Directory
    + AuditLog
    + UsageLog
    + Accounts
    + Arrivals
    + Exports
    + Outbox
    + Beats
    + Retention
    + Clone
    + Send
    + Sync
    + 'static
{
}

/// Keeps people.
pub trait Users {
    /// Returns the user, or `None` if there is none of that id.
    fn user(&self, id: UserId) -> impl Future<Output = Result<Option<Stored<User>>, Unavailable>> + Send;

    /// Returns the user whom that name leads to.
    fn user_named(&self, name: &Name) -> impl Future<Output = Result<Option<Stored<User>>, Unavailable>> + Send;

    /// Writes a new user, in version 1.
    ///
    /// # Errors
    ///
    /// - [`WriteError::Conflict`]: the id, one of their names, or the entry's id is taken; nothing was written.
    /// - [`WriteError::Unavailable`]: the outcome is unknown. Read before retrying.
    fn insert_user(&self, user: &User, audit: &AuditEntry) -> impl Future<Output = Result<(), WriteError>> + Send;

    /// Writes `next` if the store still holds `seen`, in that version. What led to the user and does no more is free again.
    ///
    /// # Errors
    ///
    /// - [`WriteError::Conflict`]: another writer came first, there is no such user, or one of their names or the entry's id is
    ///   taken; nothing was written.
    /// - [`WriteError::Unavailable`]: the outcome is unknown. Read before retrying.
    fn replace_user(
        &self,
        next: &User,
        seen: &Stored<User>,
        audit: &AuditEntry,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;
}

/// Keeps issued tokens. What is not held here was never issued.
pub trait Tokens {
    /// Returns the token, or `None` if no such token is held.
    fn token(&self, id: TokenId) -> impl Future<Output = Result<Option<Stored<Token>>, Unavailable>> + Send;

    /// Returns one page of a user's tokens, newest first.
    fn tokens(&self, query: &TokenQuery) -> impl Future<Output = Result<Page<Stored<Token>>, Unavailable>> + Send;

    /// Writes a new token, in version 1.
    ///
    /// # Errors
    ///
    /// - [`WriteError::Conflict`]: the id, or the entry's id, is taken; nothing was written.
    /// - [`WriteError::Unavailable`]: the outcome is unknown.
    fn insert_token(&self, token: &Token, audit: &AuditEntry) -> impl Future<Output = Result<(), WriteError>> + Send;

    /// Writes `next` if the store still holds version `seen`. `last_used` is left as it is.
    ///
    /// # Errors
    ///
    /// - [`WriteError::Conflict`]: another writer came first, there is no such token, or the entry's id is taken; nothing
    ///   was written.
    /// - [`WriteError::Unavailable`]: the outcome is unknown. Read before retrying.
    fn replace_token(
        &self,
        next: &Token,
        seen: Version,
        audit: &AuditEntry,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;

    /// Sets `last_used` of each token that has an earlier one. Versions stay; unknown tokens are passed over.
    fn touch(&self, uses: &[(TokenId, Timestamp)]) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// Keeps the book of budgets.
pub trait Budgets {
    /// Returns the book: an empty one, in [`Version::NONE`], if nothing was ever written in it.
    fn budget_book(&self) -> impl Future<Output = Result<Stored<BudgetBook>, Unavailable>> + Send;

    /// Writes `next` if the store still holds version `seen`.
    ///
    /// # Errors
    ///
    /// - [`WriteError::Conflict`]: another writer came first, or the entry's id is taken; nothing was written.
    /// - [`WriteError::Unavailable`]: the outcome is unknown. Read before retrying.
    fn replace_budget_book(
        &self,
        next: &BudgetBook,
        seen: Version,
        audit: &AuditEntry,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;
}

/// Keeps what there is to tell of budgets that run out, until it is told, and then that it was.
pub trait Alerts {
    /// Notes alerts. One that was noted before stays as it is, whether it was sent or waits.
    fn note_alerts(&self, alerts: &[Alert]) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Returns the oldest alerts that were not sent.
    fn waiting_alerts(&self, limit: u32) -> impl Future<Output = Result<Vec<Alert>, Unavailable>> + Send;

    /// Notes that an alert was sent: it waits no more, and is not noted again.
    fn alert_sent(&self, alert: &Alert) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// Finds tokens and people, whoever they belong to.
pub trait Directory {
    /// Returns one page of everybody's tokens: the newest first, or, where something is searched for, in the order of the
    /// terms.
    fn all_tokens(&self, search: &TokenSearch)
    -> impl Future<Output = Result<Page<Stored<Token>>, Unavailable>> + Send;

    /// Returns these people, in any order; those who are not known are left out.
    fn people(&self, ids: &[UserId]) -> impl Future<Output = Result<Vec<Stored<User>>, Unavailable>> + Send;

    /// Returns the people who have that address: mostly one. Whoever was written before is among them; nobody is whose record was
    /// erased.
    fn people_at(&self, email: &Email) -> impl Future<Output = Result<Vec<Stored<User>>, Unavailable>> + Send;

    /// Returns one page of a list of people.
    fn list_people(&self, query: &PeopleQuery) -> impl Future<Output = Result<Page<Stored<User>>, Unavailable>> + Send;

    /// Returns how many people a list has.
    fn count_people(&self, list: &PeopleList) -> impl Future<Output = Result<u64, Unavailable>> + Send;
}

/// Keeps the audit log. Entries of changes arrive with the change.
pub trait AuditLog {
    /// Returns one page of entries, newest first.
    fn entries(&self, query: &AuditQuery) -> impl Future<Output = Result<Page<AuditEntry>, Unavailable>> + Send;

    /// Notes an event that changed no record, such as a refused sign-in, in place of what was noted under that id before.
    fn note(&self, entry: &AuditEntry) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// Keeps what calls cost.
pub trait UsageLog {
    /// Writes events by their id, and adds them to the [`Accounts`]; a higher revision replaces a lower one, also there, and
    /// anything else changes nothing.
    fn put_usage(&self, postings: &[Posting]) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Returns which of these events the log has.
    fn logged(&self, ids: &[LeaseId]) -> impl Future<Output = Result<Vec<LeaseId>, Unavailable>> + Send;

    /// Returns one page of a time range, oldest first.
    fn usage(&self, query: &UsageQuery) -> impl Future<Output = Result<Page<UsageEvent>, Unavailable>> + Send;
}

/// Adds up what the usage log says. The sums are never behind the log.
pub trait Accounts {
    /// Returns what was spent in these windows, by everybody.
    fn spent(&self, windows: &[WindowId]) -> impl Future<Output = Result<Vec<Spent>, Unavailable>> + Send;

    /// Returns what calls of some days add up to: one row for each of what is told apart, in any order. `None` if more rows would have
    /// to be read for it than the query allows; a store that reads fewer may answer all the same.
    fn sums(&self, query: &SumQuery) -> impl Future<Output = Result<Option<Vec<Row>>, Unavailable>> + Send;
}

/// Keeps in which order events arrived in the usage log, which is not that of their ids: a call that takes long comes after later ones,
/// and a correction after what it corrects. Whoever reads it to the end and goes on from there misses nothing.
pub trait Arrivals {
    /// Returns events that were written after a place, in that order: about `limit` of them, and more where a store counts places by
    /// the batch. None may be there, although some follow after the place to go on from; the end is where that is the place asked
    /// for. Each event comes at least once after it was last written, as it is now; those that were forgotten are left out.
    fn arrived(&self, after: u64, limit: u32) -> impl Future<Output = Result<Arrived, Unavailable>> + Send;
}

/// Remembers how far exporters are in the order of arrival.
pub trait Exports {
    /// Returns up to which place an exporter has sent everything; 0 if it is not known.
    fn exported(&self, exporter: &str) -> impl Future<Output = Result<u64, Unavailable>> + Send;

    /// Notes up to which place an exporter has sent everything, unless a later one is noted.
    fn note_exported(&self, exporter: &str, place: u64) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// Remembers how often the hot state's beats were counted, so that one which has gone back is noticed.
pub trait Beats {
    /// Returns the highest count that was noted; 0 if none was.
    fn beats(&self) -> impl Future<Output = Result<u64, Unavailable>> + Send;

    /// Notes a count, unless a higher one is noted.
    fn note_beats(&self, count: u64) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// Remembers which changes the hot state may not have heard of: each write of a user, a token or the budgets leaves a row.
pub trait Outbox {
    /// Returns the oldest changes that nobody said were applied.
    fn unapplied(&self, limit: u32) -> impl Future<Output = Result<Vec<(Subject, Version)>, Unavailable>> + Send;

    /// Forgets the changes of a record up to `version`, which the hot state has now.
    fn applied(&self, subject: Subject, version: Version) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// Forgets what nobody asks for any more. A store that does so by itself has nothing to do here: tokens go
/// [`LISTED_AFTER_EXPIRY`](crate::token::LISTED_AFTER_EXPIRY) after their expiry, what was spent
/// [`WINDOW_REMEMBERED`](crate::memory::WINDOW_REMEMBERED) after its window's end.
pub trait Retention {
    /// Forgets tokens that had expired by `expired_by`, at most `limit` of them, and their changes in the outbox; returns
    /// how many. The audit log still tells of them.
    fn forget_tokens(&self, expired_by: Timestamp, limit: u32)
    -> impl Future<Output = Result<u32, Unavailable>> + Send;

    /// Forgets what was spent in windows that had ended by `ended_by`, at most `limit` sums; returns how many. Roll-ups and the
    /// log still tell of it. Alerts about those windows go with them.
    fn forget_spent(&self, ended_by: Timestamp, limit: u32) -> impl Future<Output = Result<u32, Unavailable>> + Send;

    /// Forgets events of calls that came in before `before`, at most `limit` of them; returns how many. Sums still tell of them. A store
    /// has to do this also if it forgets the rest by itself.
    fn forget_usage(&self, before: Timestamp, limit: u32) -> impl Future<Output = Result<u32, Unavailable>> + Send;
}

/// Which record changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A user.
    User(UserId),
    /// A token.
    Token(TokenId),
    /// The book of budgets.
    Budgets,
}

/// Why a record was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Somebody else wrote first. Nothing was written.
    #[error("the record has changed")]
    Conflict,

    /// The store did not say whether it wrote.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Who did what to whom, when and from where. Holds no secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its name; sorts by time.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// Who: a user's id, or `system`.
    pub actor: String,
    /// What, such as `token.revoke`.
    pub action: String,
    /// To whom or what, such as `token:01J…`.
    pub target: String,
    /// What else there is to know.
    pub detail: serde_json::Value,
    /// The request that asked for it.
    pub request: String,
    /// The address that it came from.
    pub address: String,
}

/// Where a page goes on: an opaque text of the store's own making. Callers authenticate it before it leaves the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

/// The most rows of one page: what a person looks at, and what a store reads in milliseconds.
const MAX_PAGE: u32 = 200;

/// Asks for one page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// The most rows to return: 1 to 200. Stores take [`PageRequest::rows`] instead.
    pub limit: u32,
    /// Where the page before ended; none for the first. One that the store did not make begins anywhere in the list, and
    /// never in another.
    pub cursor: Option<Cursor>,
}

impl PageRequest {
    /// Returns the most rows to return: the limit, or the nearest one that a page may have.
    #[must_use]
    pub fn rows(&self) -> u32 {
        self.limit.clamp(1, MAX_PAGE)
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// Its rows.
    pub items: Vec<T>,
    /// Where the next one starts; none on the last page.
    pub next: Option<Cursor>,
}

/// Asks for a user's tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenQuery {
    /// Whose.
    pub user: UserId,
    /// Leaves out tokens that had expired by then.
    pub expired_after: Timestamp,
    /// Which page.
    pub page: PageRequest,
}

/// Asks for everybody's tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSearch {
    /// Only those whose name, or whose owner's address when it was minted, begins so, whatever the case.
    pub prefix: Option<String>,
    /// Leaves out tokens that had expired by then.
    pub expired_after: Timestamp,
    /// Which page.
    pub page: PageRequest,
}

/// Asks for audit entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only this actor's.
    pub actor: Option<String>,
    /// Only those about this target.
    pub target: Option<String>,
    /// Which page.
    pub page: PageRequest,
}

/// Events in the order of their arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// The events.
    pub events: Vec<UsageEvent>,
    /// Where to go on.
    pub place: u64,
}

/// Asks for usage events by their ids, which sort by the time of the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageQuery {
    /// Only events after this one.
    pub after: Option<LeaseId>,
    /// Which page.
    pub page: PageRequest,
}
