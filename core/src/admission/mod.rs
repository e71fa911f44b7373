//! The one decision about a request, and the money that it holds until the request ends.
//!
//! Here are the values that go in and out; the decision itself is made inside the hot state, in one step: in memory
//! ([`crate::memory`]) or in a Redis script. Every admit is followed by exactly one settle, cancel or sweep.

mod call;
mod entry;
mod lease;
mod recent;
mod rules;

pub use call::{Admit, Admitted, Preclusion, Refusal, Verdict};
pub use entry::{BudgetsEntry, Install, Installed, TokenEntry, UserEntry};
pub use lease::{Call, Cancel, ErrorType, Settlement, UsageEvent};
pub use recent::Recent;
pub use rules::{
    AccessRule, AccessVerdict, CallRules, CalledModel, Caller, Denial, Denied, Limited, MOST, ModelPattern, RateLimit,
    RateMeasure, RuleScope, Rules,
};

pub(crate) use rules::minute;
