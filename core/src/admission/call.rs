//! What is asked of the hot state about one call, and what it answers.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Call, CallRules, Denial, Limited};
use crate::id::{LeaseId, TokenId, UserId};
use crate::identity::Email;
use crate::money::{Budget, BudgetState, Calendar, Nanodollars};
use crate::time::Timestamp;
use crate::version::{Epoch, Generation};

/// Asks whether a call may be made. Repeating it with the same lease changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admit {
    /// When it is asked.
    pub now: Timestamp,
    /// The lease to open; the id of the usage event that it becomes.
    pub lease: LeaseId,
    /// The token's `sub`.
    pub user: UserId,
    /// The token's `jti`.
    pub token: TokenId,
    /// The token's epoch.
    pub epoch: Epoch,
    /// The person has to have signed in since then.
    pub signed_in_since: Option<Timestamp>,
    /// What the front already found against the call; told only to somebody who passes the checks of identity.
    pub preclusion: Option<Preclusion>,
    /// Whether the model has a price.
    pub priced: bool,
    /// Whether it costs nothing, so that no budget applies.
    pub is_free: bool,
    /// The rules about such a call; the hot state picks those that apply.
    pub rules: Arc<CallRules>,
    /// The tokens that it is expected to use, for limits on them.
    pub tokens: u64,
    /// What to hold until the real cost is known.
    pub estimate: Nanodollars,
    /// When the lease may be swept, if nothing was heard of it.
    pub expiry: Timestamp,
    /// The running windows.
    pub calendar: Calendar,
    /// Budgets from the configuration; the hot state picks those that apply.
    pub budgets: Arc<[Budget]>,
    /// What the usage event will say of the call.
    pub call: Call,
}

/// A reason against a call that needs no store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preclusion {
    /// The token lacks the scope.
    Scope,
    /// No such model is configured.
    UnknownModel,
    /// The model is served, but not in this form.
    OtherForm,
}

/// The answer to [`Admit`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Go ahead; the lease is open.
    Admitted(Admitted),
    /// No. Nothing was opened.
    Refused(Refusal),
    /// The hot state does not know the token or the user in this generation: ask the records, install, ask again.
    Unknown(Generation),
}

/// What the front learns with an admission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// The person's address, for upstreams that attribute by it.
    pub email: Email,
    /// Every budget that applies, this call's hold included.
    pub budgets: Vec<BudgetState>,
}

/// Why a call was refused. In this order of precedence, so that nobody learns more than they should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The token belongs to somebody else than its `sub`.
    WrongUser,
    /// The token is past its expiry.
    Expired,
    /// The person was removed.
    Removed,
    /// The token was revoked, by itself or with its epoch.
    Revoked,
    /// The person is suspended, until the given time or until it is lifted.
    Suspended {
        /// When the suspension ends by itself, if ever.
        until: Option<Timestamp>,
    },
    /// The person signed in too long ago.
    SignInTooOld,
    /// What the front had found.
    Precluded(Preclusion),
    /// They may not call the model, or not use the token for it.
    Denied(Denial),
    /// They call too often, or too much at once.
    Limited(Limited),
    /// The model has no price, and a budget applies.
    Unpriced,
    /// The budget is used up, until its window ends.
    Exhausted(BudgetState),
    /// The budget's room is only held by running calls; worth trying again.
    Reserved(BudgetState),
    /// The lease was closed before: it was cancelled, or this is a late repeat.
    Closed,
}

impl Refusal {
    /// Returns why, in a word: for those who watch how many there are.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::WrongUser => "wrong_user",
            Self::Expired => "expired",
            Self::Removed => "removed",
            Self::Revoked => "revoked",
            Self::Suspended { .. } => "suspended",
            Self::SignInTooOld => "sign_in_too_old",
            Self::Precluded(Preclusion::Scope) => "scope",
            Self::Precluded(Preclusion::UnknownModel) => "unknown_model",
            Self::Precluded(Preclusion::OtherForm) => "other_form",
            Self::Denied(_) => "not_allowed",
            Self::Limited(_) => "rate_limited",
            Self::Unpriced => "unpriced",
            Self::Exhausted(_) => "budget_exhausted",
            Self::Reserved(_) => "budget_reserved",
            Self::Closed => "closed",
        }
    }
}
