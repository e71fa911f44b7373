//! Who may call which models, and use tokens for what.

use serde::{Deserialize, Serialize};

use super::{CallRules, CalledModel, Caller, ModelPattern, RuleScope};
use crate::money::BudgetScope;
use crate::token::Scope;

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

impl AccessRule {
    pub(super) fn verdict(&self, model: CalledModel, scope: Scope) -> AccessVerdict {
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
