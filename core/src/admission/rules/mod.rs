//! Rules of the configuration about calls: who may call which models, how often, and how many calls may run at once.

mod access;
mod rate;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use access::{AccessRule, AccessVerdict, Denial, Denied};
pub use rate::{Limited, RateLimit, RateMeasure};

pub(crate) use rate::minute;

use crate::id::TokenId;
use crate::identity::Email;
use crate::money::{BudgetScope, InvalidScope};
use crate::token::Scope;

/// The largest number that a limit may have, and the most tokens that one call counts as: far beyond what anybody calls, and exact
/// in every store.
pub const MOST: u64 = 1_000_000_000_000;

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

impl CallRules {
    /// Says whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.limits.is_empty() && self.access.is_empty()
    }
}
