//! Which budgets apply to a call, and what counts against them.

use crate::admission::UserEntry;
use crate::id::{TokenId, UserId};
use crate::money::{Budget, BudgetScope, Counter};

/// Who calls, as far as budgets care.
pub(crate) struct Payer<'a> {
    pub(crate) user: UserId,
    pub(crate) email: &'a crate::identity::Email,
    pub(crate) groups: &'a [String],
    pub(crate) token: Option<TokenId>,
}

impl<'a> Payer<'a> {
    pub(super) fn of(user: &'a UserEntry, token: TokenId) -> Self {
        Self { user: user.id, email: &user.email, groups: &user.groups, token: Some(token) }
    }
}

/// Returns the budgets that apply, each with what counts against it. A person's own budget replaces the default one of the
/// same window.
pub(crate) fn applicable<'a>(payer: &'a Payer, budgets: &'a [Budget]) -> impl Iterator<Item = (&'a Budget, Counter)> {
    let has_own = |default: &Budget| {
        let is_own = |scope: &BudgetScope| matches!(scope, BudgetScope::User(email) if email == payer.email);
        budgets.iter().any(|budget| budget.window == default.window && is_own(&budget.scope))
    };
    budgets.iter().filter_map(move |budget| {
        let counter = match &budget.scope {
            BudgetScope::User(email) => (email == payer.email).then_some(Counter::User(payer.user)),
            BudgetScope::DefaultUser => (!has_own(budget)).then_some(Counter::User(payer.user)),
            BudgetScope::Group(name) => payer.groups.contains(name).then(|| Counter::Group(name.clone())),
            BudgetScope::Org => Some(Counter::Org),
            BudgetScope::Token(id) => (payer.token == Some(*id)).then_some(Counter::Token(*id)),
        };
        counter.map(|counter| (budget, counter))
    })
}

/// Returns everything that a call counts against: the person, the token, everybody, and groups that have a budget.
pub(super) fn counters(payer: &Payer, budgets: &[Budget]) -> Vec<Counter> {
    let mut counters = vec![Counter::User(payer.user), Counter::Org];
    counters.extend(payer.token.map(Counter::Token));
    for (_, counter) in applicable(payer, budgets) {
        if !counters.contains(&counter) {
            counters.push(counter);
        }
    }
    counters
}
