//! Budgets, and how they stand.

use serde::{Deserialize, Serialize};

use super::{Nanodollars, WindowKind};
use crate::id::TokenId;
use crate::identity::Email;
use crate::time::Timestamp;

/// Who shares a budget. On the wire `user:ADDRESS`, `default_user`, `group:NAME`, `org` or `token:ID`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum BudgetScope {
    /// One person; replaces `default_user` in the same window.
    User(Email),
    /// Every person for themselves.
    DefaultUser,
    /// The members of a group together.
    Group(String),
    /// Everybody together.
    Org,
    /// One token.
    Token(TokenId),
}

/// A limit on what a scope may spend in a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Who shares it.
    pub scope: BudgetScope,
    /// When it starts afresh.
    pub window: WindowKind,
    /// The most that may be spent.
    pub limit: Nanodollars,
}

/// How a budget stands at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetState {
    /// The budget.
    pub budget: Budget,
    /// What was spent in the running window.
    pub spent: Nanodollars,
    /// What running calls hold.
    pub held: Nanodollars,
    /// When the window ends; none for `total`.
    pub reset: Option<Timestamp>,
}

impl BudgetState {
    /// Returns what is neither spent nor held; less than nothing if the budget is exceeded.
    #[must_use]
    pub const fn left(&self) -> Nanodollars {
        self.budget.limit.minus(self.spent).minus(self.held)
    }
}

impl BudgetScope {
    /// Says whether one person has the budget for themselves. Such a budget always lets its owner's only call in while
    /// it is not used up, whatever the call's estimate.
    #[must_use]
    pub const fn is_personal(&self) -> bool {
        matches!(self, Self::User(_) | Self::DefaultUser | Self::Token(_))
    }
}

/// Why a text names no budget scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("budget scope must be user:ADDRESS, default_user, group:NAME, org or token:ID")]
pub struct InvalidScope;

impl TryFrom<String> for BudgetScope {
    type Error = InvalidScope;

    fn try_from(text: String) -> Result<Self, InvalidScope> {
        match text.split_once(':') {
            None if text == "default_user" => Ok(Self::DefaultUser),
            None if text == "org" => Ok(Self::Org),
            Some(("user", address)) => Email::parse(address).map(Self::User).map_err(|_| InvalidScope),
            Some(("group", name)) if !name.is_empty() => Ok(Self::Group(name.to_owned())),
            Some(("token", id)) => id.parse().map(Self::Token).map_err(|_| InvalidScope),
            _ => Err(InvalidScope),
        }
    }
}

impl From<BudgetScope> for String {
    fn from(scope: BudgetScope) -> Self {
        match scope {
            BudgetScope::User(email) => format!("user:{email}"),
            BudgetScope::DefaultUser => "default_user".to_owned(),
            BudgetScope::Group(name) => format!("group:{name}"),
            BudgetScope::Org => "org".to_owned(),
            BudgetScope::Token(id) => format!("token:{id}"),
        }
    }
}
