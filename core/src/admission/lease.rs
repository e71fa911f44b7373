//! From lease to usage event: how a call ends.

use serde::{Deserialize, Serialize};

use crate::id::{LeaseId, TokenId, UserId};
use crate::identity::Email;
use crate::money::{Nanodollars, TokenUsage};
use crate::time::{Millis, Timestamp};

/// What is known of a call before it is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// When the call came in.
    pub at: Millis,
    /// The request's id, as in logs and answers.
    pub request: String,
    /// The path called, such as `/v1/messages`.
    pub route: String,
    /// The model asked for.
    pub model: String,
    /// The configured provider that serves it.
    pub provider: String,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// The client's address.
    pub address: String,
    /// The client, as it names itself.
    pub user_agent: String,
    /// The conversation that the call is part of, as the client names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

/// How a call ended. Repeating it changes nothing: it is applied once for each lease, or as a correction of a sweep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// Which lease ends.
    pub lease: LeaseId,
    /// When.
    pub at: Millis,
    /// The model that the provider says it served, if it said so.
    pub model_served: Option<String>,
    /// The tokens used.
    pub usage: TokenUsage,
    /// What they cost.
    pub cost: Nanodollars,
    /// Whether everything billable had a price.
    pub priced: bool,
    /// Whether the usage is an estimate, because the answer was cut.
    pub estimated: bool,
    /// The provider's status code; 0 if none came.
    pub status: u16,
    /// What went wrong, if anything did.
    pub error: Option<ErrorType>,
    /// Milliseconds from the call to the answer's first byte, if there was one.
    pub first_byte_ms: Option<u64>,
    /// Milliseconds from the call to its end.
    pub duration_ms: u64,
}

impl Settlement {
    /// Returns how a call ends that had a price, and of which nothing was heard until `now`: at its estimate.
    pub(crate) fn abandoned(lease: LeaseId, call: &Call, estimate: Nanodollars, now: Timestamp) -> Self {
        Self {
            lease,
            at: Millis(now.0.saturating_mul(1000)),
            model_served: None,
            usage: TokenUsage::default(),
            cost: estimate,
            priced: true,
            estimated: true,
            status: 0,
            error: Some(ErrorType::Abandoned),
            first_byte_ms: None,
            duration_ms: u64::try_from(now.since(call.at.seconds()).saturating_mul(1000)).unwrap_or(0),
        }
    }
}

/// What went wrong with a call (OpenTelemetry semantic conventions, `error.type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorType {
    /// The provider could not be reached or broke off before it answered.
    Unreachable,
    /// The provider took too long.
    Timeout,
    /// The provider answered with an error status.
    Refused,
    /// The answer broke off, or carried an error event.
    Cut,
    /// The client went away.
    ClientGone,
    /// The process that held the lease was never heard of again.
    Abandoned,
}

impl ErrorType {
    /// Returns its name, as the usage log writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::Cut => "cut",
            Self::ClientGone => "client_gone",
            Self::Abandoned => "abandoned",
        }
    }
}

/// Gives a lease up: closes it without a charge. Unknown leases are marked, so that a late admit opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancel {
    /// Which lease.
    pub lease: LeaseId,
    /// When.
    pub now: Timestamp,
}

/// What a call cost whom: the record that the ledger leaves behind. A higher revision replaces a lower one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageEvent {
    /// The lease's id.
    pub id: LeaseId,
    /// 1, or 2 for the correction of a sweep.
    pub revision: u32,
    /// Who called.
    pub user: UserId,
    /// Their address at that time; the log does without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// With which token.
    pub token: TokenId,
    /// The groups whose budgets it counts against.
    #[serde(default)]
    pub groups: Vec<String>,
    /// All groups that they were in.
    #[serde(default)]
    pub member_of: Vec<String>,
    /// What was held.
    pub estimate: Nanodollars,
    /// What was known before.
    pub call: Call,
    /// How it ended.
    pub settlement: Settlement,
}
