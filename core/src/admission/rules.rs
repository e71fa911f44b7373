//! Rules of the configuration about calls: who may call which models, how often, and how many calls may run at once.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{TokenId, UserId};
use crate::identity::Email;
use crate::money::{BudgetScope, Counter, InvalidScope};
use crate::time::Timestamp;
use crate::token::Scope;

/// The largest number that a limit may have, and the most tokens that one call counts as: far beyond what anybody calls, and exact
/// in every store.
pub const MOST: u64 = 1_000_000_000_000;

/// Seconds in a minute. Minutes are those of the clock, as everybody sees it.
const MINUTE: i64 = 60;

/// Seconds after which a call may be tried again that found too many running.
const SHORTLY: i64 = 1;

/// Ends the patterns that stand for every model with that beginning.
const WILDCARD: char = '*';

/// What the scope of every token for itself is called.
const DEFAULT_TOKEN: &str = "default_token";

/// Whom a rule is about. On the wire as a budget's scope, or `default_token`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum RuleScope {
    /// Whoever shares a budget of that scope.
    Of(BudgetScope),
    /// Every token for itself.
    DefaultToken,
}

impl From<RuleScope> for String {
    fn from(scope: RuleScope) -> Self {
        match scope {
            RuleScope::Of(scope) => scope.into(),
            RuleScope::DefaultToken => DEFAULT_TOKEN.to_owned(),
        }
    }
}

impl TryFrom<String> for RuleScope {
    type Error = InvalidScope;

    fn try_from(text: String) -> Result<Self, InvalidScope> {
        if text == DEFAULT_TOKEN { Ok(Self::DefaultToken) } else { text.try_into().map(Self::Of) }
    }
}

/// A model's name in the configuration, or the beginning of some with a `*` behind it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModelPattern(String);

impl ModelPattern {
    /// Says whether a model is meant.
    #[must_use]
    pub fn fits(&self, model: &str) -> bool {
        match self.0.strip_suffix(WILDCARD) {
            Some(beginning) => model.starts_with(beginning),
            None => self.0 == model,
        }
    }

    /// Says whether every model is meant.
    fn is_all(&self) -> bool {
        self.0 == "*"
    }

    /// Says whether it can mean any model.
    pub(crate) fn is_valid(&self) -> bool {
        !self.0.is_empty() && !self.0.trim_end_matches(WILDCARD).contains(WILDCARD) && !self.0.ends_with("**")
    }

    /// Returns its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

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

/// What a scope may call, and what its tokens may be used for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessRule {
    /// Who: a person, a group, a token, or every person about whom and about whose groups nothing else is said.
    pub scope: RuleScope,
    /// The models that may be called; all if that is not said.
    pub models: Option<Vec<ModelPattern>>,
    /// The scopes that may be used; all if that is not said.
    pub scopes: Option<Vec<Scope>>,
}

/// What a rule of access says of one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccessVerdict {
    /// Whom it is about.
    pub scope: RuleScope,
    /// Whether the model may be called.
    pub model: bool,
    /// Whether the token's scope that the call needs may be used.
    pub token_scope: bool,
}

/// The rules of the configuration.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    limits: Vec<RateLimit>,
    access: Vec<AccessRule>,
    none: Arc<CallRules>,
}

/// The rules about one call.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct CallRules {
    /// Limits on calls of its model.
    pub limits: Vec<RateLimit>,
    /// What the rules of access say.
    pub access: Vec<AccessVerdict>,
}

/// Which model a call is about, as rules see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CalledModel<'a> {
    /// The one of that name.
    Named(&'a str),
    /// Any: the call is passed on without being read.
    Unread,
    /// None: nobody is called.
    None,
}

/// Who calls, as far as rules care.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// Their address.
    pub email: &'a Email,
    /// Their groups.
    pub groups: &'a [String],
    /// With which token.
    pub token: Option<TokenId>,
}

/// What a rule of access has against a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denial {
    /// Whether it is about the token, or else about the person.
    pub by_token: bool,
    /// What may not be called or used.
    pub what: Denied,
}

/// What may not be called or used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// The model.
    Model,
    /// The scope that the call needs.
    Scope,
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

impl Rules {
    /// Makes rules.
    #[must_use]
    pub fn new(limits: Vec<RateLimit>, access: Vec<AccessRule>) -> Self {
        Self { limits, access, none: Arc::default() }
    }

    /// Returns the rules about a call of a model that needs a scope.
    #[must_use]
    pub fn about(&self, model: CalledModel, scope: Scope) -> Arc<CallRules> {
        if self.limits.is_empty() && self.access.is_empty() {
            return Arc::clone(&self.none);
        }
        let limits = self.limits.iter().filter(|limit| limit.counts(model)).cloned().collect();
        Arc::new(CallRules { limits, access: self.access.iter().map(|rule| rule.verdict(model, scope)).collect() })
    }
}

impl RateLimit {
    /// Says whether it counts calls of a model.
    fn counts(&self, model: CalledModel) -> bool {
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

impl AccessRule {
    fn verdict(&self, model: CalledModel, scope: Scope) -> AccessVerdict {
        let allows_model = |models: &Vec<ModelPattern>| match model {
            CalledModel::Named(name) => models.iter().any(|pattern| pattern.fits(name)),
            CalledModel::Unread => models.iter().any(ModelPattern::is_all),
            CalledModel::None => true,
        };
        AccessVerdict {
            scope: self.scope.clone(),
            model: self.models.as_ref().is_none_or(allows_model),
            token_scope: self.scopes.as_ref().is_none_or(|scopes| scopes.contains(&scope)),
        }
    }
}

impl CallRules {
    /// Returns what the rules of access have against a caller: what is said of the person and of their groups adds up, and what is
    /// said of the token holds besides.
    #[must_use]
    pub fn denial(&self, caller: &Caller) -> Option<Denial> {
        let (mut own, mut default, mut token) = (Vec::new(), Vec::new(), Vec::new());
        for verdict in &self.access {
            match &verdict.scope {
                RuleScope::Of(BudgetScope::User(email)) if email == caller.email => own.push(verdict),
                RuleScope::Of(BudgetScope::Group(name)) if caller.groups.contains(name) => own.push(verdict),
                RuleScope::Of(BudgetScope::DefaultUser) => default.push(verdict),
                RuleScope::Of(BudgetScope::Token(id)) if caller.token == Some(*id) => token.push(verdict),
                _ => {}
            }
        }
        let person = if own.is_empty() { default } else { own };
        [(person, false), (token, true)].into_iter().find_map(|(verdicts, by_token)| {
            let what = denied(&verdicts)?;
            Some(Denial { by_token, what })
        })
    }

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

    /// Says whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.limits.is_empty() && self.access.is_empty()
    }
}

fn denied(verdicts: &[&AccessVerdict]) -> Option<Denied> {
    if verdicts.is_empty() {
        return None;
    }
    if !verdicts.iter().any(|verdict| verdict.token_scope) {
        return Some(Denied::Scope);
    }
    (!verdicts.iter().any(|verdict| verdict.model)).then_some(Denied::Model)
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
