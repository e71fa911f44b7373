//! Hot state: who is signed in, and who has been seen.

use std::future::Future;

use super::{Page, PageRequest, Unavailable};
use crate::id::UserId;
use crate::session::Session;
use crate::time::Timestamp;

/// Tells who is signed in, and who has been seen.
///
/// What is told of sessions is what the store holds: some may be over because their user's epoch has risen, or because their user
/// may not use the gateway. Those whose time is over are in no answer.
pub trait Presence {
    /// Returns one page of sessions, those that were opened last first.
    fn sessions(&self, query: &SessionQuery) -> impl Future<Output = Result<Page<Session>, Unavailable>> + Send;

    /// Returns how many sessions there are at `now`, and how many people have one.
    fn session_counts(&self, now: Timestamp) -> impl Future<Output = Result<SessionCounts, Unavailable>> + Send;

    /// Returns one page of the people who were seen within [`SEEN_FOR`](crate::session::SEEN_FOR) of `now`, those who were seen last first. Who is seen
    /// while somebody pages may be on no page.
    fn seen(
        &self,
        now: Timestamp,
        page: &PageRequest,
    ) -> impl Future<Output = Result<Page<Activity>, Unavailable>> + Send;

    /// Returns how many people were seen within that time.
    fn seen_count(&self, now: Timestamp) -> impl Future<Output = Result<u64, Unavailable>> + Send;

    /// Returns what is known of these people, in their order.
    fn activity(
        &self,
        users: &[UserId],
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<Activity>, Unavailable>> + Send;
}

/// Asks for sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionQuery {
    /// Whose.
    pub of: SessionsOf,
    /// When it is.
    pub now: Timestamp,
    /// Which page.
    pub page: PageRequest,
}

/// Whose sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionsOf {
    /// Everybody's.
    Everybody,
    /// One person's.
    User(UserId),
    /// Those that one session at the identity provider has led to (`sid`).
    Provider(String),
}

/// How many sessions there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionCounts {
    /// How many there are.
    pub sessions: u64,
    /// How many people have one.
    pub people: u64,
}

/// What a person has been seen doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// Who.
    pub user: UserId,
    /// When a session of theirs was opened or used, to a minute.
    pub by_session: Option<Timestamp>,
    /// When a token of theirs was admitted, to a minute.
    pub by_token: Option<Timestamp>,
    /// How many sessions they have.
    pub sessions: u64,
    /// When the last of them is over if none is used again.
    pub expiry: Option<Timestamp>,
    /// How many good tokens they have; none while the store is told of them all.
    pub tokens: Option<u64>,
}
