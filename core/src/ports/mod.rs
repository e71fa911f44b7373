//! What the gateway needs of its surroundings: one trait for each thing that varies. Hosts implement them.
//!
//! Absence is `None`, failure is `Err`. Every store's failure is [`Unavailable`]: the caller cannot do anything but give up
//! (503), and must assume that a write may or may not have happened.

mod content;
mod deadline;
mod host;
mod hot;
mod people;
mod presence;
mod record;

pub use content::Contents;
pub use deadline::{in_time, within};
pub use host::{Background, Body, Clock, ControlPlane, Http, HttpError, Platform, Random, Vars};
pub use hot::{
    Admission, Answers, Continuity, Duties, Hot, Limits, Loss, OneTime, Recovery, Roster, SessionState, Sessions,
    Spending, SpendingQuery, SpendingState, Tally, Totals, Usage,
};
pub use people::{PeopleList, PeopleQuery};
pub use presence::{Activity, Presence, SessionCounts, SessionQuery, SessionsOf};
pub use record::{
    Accounts, Alerts, Arrivals, Arrived, AuditEntry, AuditLog, AuditQuery, Beats, Budgets, Cursor, Directory, Exports,
    Outbox, Page, PageRequest, Records, Retention, Subject, TokenQuery, TokenSearch, Tokens, UsageLog, UsageQuery,
    Users, WriteError,
};

/// A store or service that did not answer, or not in time. Whether a write happened is unknown.
#[derive(Debug, thiserror::Error)]
#[error("{what} is unavailable")]
pub struct Unavailable {
    what: &'static str,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Unavailable {
    /// Wraps the failure of `what`, such as `records`.
    #[must_use]
    pub fn new(what: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { what, source: Some(source.into()) }
    }

    /// Says that `what` did not answer within its deadline.
    #[must_use]
    pub const fn timed_out(what: &'static str) -> Self {
        Self { what, source: None }
    }
}
