//! How often who may call, how many tokens they may use in a minute, and how many of their calls may run at once.

use serde::{Deserialize, Serialize};

use super::{CallRules, CalledModel, Caller, ModelPattern, RuleScope};
use crate::id::UserId;
use crate::money::{BudgetScope, Counter};
use crate::time::Timestamp;

/// Seconds in a minute. Minutes are those of the clock, as everybody sees it.
const MINUTE: i64 = 60;

/// Seconds after which a call may be tried again that found too many running.
const SHORTLY: i64 = 1;

/// How often a scope may call, how many tokens its calls may use in a minute, and how many of them may run at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// Who shares it. `user:ADDRESS` replaces `default_user`, and `token:ID` replaces `default_token`, of the same `model`.
    pub scope: RuleScope,
    /// The models whose calls it is about, and counts; all if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelPattern>,
    /// Calls in a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u64>,
    /// Tokens in a minute, without those read from a cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u64>,
    /// Calls that run at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_in_flight: Option<u64>,
}

/// A limit that a call has reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limited {
    /// Which.
    pub limit: RateLimit,
    /// Of what there are too many.
    pub measure: RateMeasure,
}

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateMeasure {
    /// Calls in a minute.
    Requests,
    /// Tokens in a minute.
    Tokens,
    /// Calls that run at once.
    InFlight,
}

impl RateLimit {
    /// Says whether it counts calls of a model.
    pub(super) fn counts(&self, model: CalledModel) -> bool {
        match (model, &self.model) {
            (CalledModel::None, _) | (CalledModel::Unread, Some(_)) => false,
            (_, None) => true,
            (CalledModel::Named(name), Some(pattern)) => pattern.fits(name),
        }
    }

    /// Returns the default scope that it replaces for somebody, if it is their own.
    fn replaces(&self, caller: &Caller) -> Option<RuleScope> {
        match &self.scope {
            RuleScope::Of(BudgetScope::User(email)) if email == caller.email => {
                Some(RuleScope::Of(BudgetScope::DefaultUser))
            }
            RuleScope::Of(BudgetScope::Token(id)) if caller.token == Some(*id) => Some(RuleScope::DefaultToken),
            _ => None,
        }
    }

    /// Returns under which name a caller's calls count, if it is about them. Whether a default one is, depends on the others.
    fn counter(&self, caller: &Caller, user: UserId) -> Option<Counter> {
        match &self.scope {
            RuleScope::Of(BudgetScope::User(email)) => (email == caller.email).then_some(Counter::User(user)),
            RuleScope::Of(BudgetScope::DefaultUser) => Some(Counter::User(user)),
            RuleScope::Of(BudgetScope::Group(name)) => {
                caller.groups.contains(name).then(|| Counter::Group(name.clone()))
            }
            RuleScope::Of(BudgetScope::Org) => Some(Counter::Org),
            RuleScope::Of(BudgetScope::Token(id)) => (caller.token == Some(*id)).then_some(Counter::Token(*id)),
            RuleScope::DefaultToken => caller.token.map(Counter::Token),
        }
    }
}

impl CallRules {
    /// Returns the limits that a caller is under, each with the name under which their calls count.
    #[must_use]
    pub fn limits_of(&self, caller: &Caller, user: UserId) -> Vec<(String, &RateLimit)> {
        let replaced: Vec<_> =
            self.limits.iter().filter_map(|limit| Some((limit.replaces(caller)?, &limit.model))).collect();
        let applicable = self.limits.iter().filter_map(|limit| {
            let is_replaced = replaced.iter().any(|(scope, model)| (scope, *model) == (&limit.scope, &limit.model));
            let counter = limit.counter(caller, user).filter(|_| !is_replaced)?;
            let model = limit.model.as_ref().map_or("", ModelPattern::as_str);
            Some((format!("{model}|{counter}"), limit))
        });
        applicable.collect()
    }

    /// Returns the limit of that scope and model.
    #[must_use]
    pub fn limit(&self, scope: &str, model: &str) -> Option<&RateLimit> {
        let is_it = |limit: &&RateLimit| {
            String::from(limit.scope.clone()) == scope && limit.model.as_ref().map_or("", ModelPattern::as_str) == model
        };
        self.limits.iter().find(is_it)
    }
}

impl Limited {
    /// Returns how many seconds from `now` it may be tried again: when the minute is over, at which the counts begin anew, or
    /// shortly, since nobody knows how long calls run.
    #[must_use]
    pub const fn retry_after(&self, now: Timestamp) -> i64 {
        match self.measure {
            RateMeasure::Requests | RateMeasure::Tokens => MINUTE - now.0.rem_euclid(MINUTE),
            RateMeasure::InFlight => SHORTLY,
        }
    }
}

/// Returns the minute of a time, counted from the epoch.
pub(crate) const fn minute(now: Timestamp) -> i64 {
    now.0.div_euclid(MINUTE)
}
