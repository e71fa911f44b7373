//! Which budgets apply to a call, and what counts against them.

use std::collections::BTreeSet;

use crate::admission::{BudgetsEntry, UserEntry};
use crate::id::{TokenId, UserId};
use crate::identity::Email;
use crate::money::{Budget, BudgetScope, BudgetSource, Counter, Limits, WindowKind};

/// Who calls, as far as budgets care.
pub(super) struct Payer<'a> {
    user: UserId,
    email: &'a Email,
    groups: BTreeSet<&'a str>,
    limits: &'a Limits,
    token: Option<TokenId>,
}

/// A budget that applies, and what counts against it.
pub(crate) struct Applicable {
    pub(crate) budget: Budget,
    pub(crate) source: BudgetSource,
    pub(crate) counter: Counter,
}

/// The budgets that there are.
pub(super) struct Budgets<'a> {
    pub(super) configured: &'a [Budget],
    pub(super) book: &'a BudgetsEntry,
}

impl<'a> Payer<'a> {
    pub(super) fn of(user: &'a UserEntry, token: Option<TokenId>) -> Self {
        let groups = user.groups.iter().map(String::as_str).collect();
        Self { user: user.id, email: &user.email, groups, limits: &user.limits, token }
    }

    /// Returns their groups, each once, in the order of their names.
    pub(super) fn groups(&self) -> impl Iterator<Item = &'a str> {
        self.groups.iter().copied()
    }

    /// Returns what counts against a budget, if it applies. Whether a default one does, depends on the others.
    fn counter(&self, scope: &BudgetScope) -> Option<Counter> {
        match scope {
            BudgetScope::User(email) => (email == self.email).then_some(Counter::User(self.user)),
            BudgetScope::DefaultUser => Some(Counter::User(self.user)),
            BudgetScope::Group(name) => self.groups.contains(name.as_str()).then(|| Counter::Group(name.clone())),
            BudgetScope::Org => Some(Counter::Org),
            BudgetScope::Token(id) => (self.token == Some(*id)).then_some(Counter::Token(*id)),
        }
    }

    /// Returns the scopes that they are in, apart from their own, in the order of the book.
    fn scopes(&self) -> impl Iterator<Item = BudgetScope> {
        let groups = self.groups.iter().map(|name| BudgetScope::Group((*name).to_owned()));
        let token = self.token.map(BudgetScope::Token);
        std::iter::once(BudgetScope::DefaultUser).chain(groups).chain([BudgetScope::Org]).chain(token)
    }

    /// Says whether a person has a budget of their own in a window: it replaces the default one.
    fn has_own(&self, configured: &[Budget], window: WindowKind) -> bool {
        let is_own = |budget: &Budget| {
            budget.window == window && matches!(&budget.scope, BudgetScope::User(email) if email == self.email)
        };
        self.limits.contains_key(&window) || configured.iter().any(is_own)
    }
}

/// Returns the budgets that apply: those of the configuration first, which stand above others of their scope and window, then the
/// person's own, then those of the book.
pub(super) fn applicable(payer: &Payer, budgets: &Budgets) -> Vec<Applicable> {
    let Budgets { configured, book } = *budgets;
    let own = Budget::of_person(payer.email, payer.limits);
    let common = payer.scopes().flat_map(|scope| {
        let limit = |window| Some((window, *book.limits.get(&(scope.clone(), window))?));
        let limits: Vec<_> = WindowKind::ALL.into_iter().filter_map(limit).collect();
        limits.into_iter().map(move |(window, limit)| Budget { scope: scope.clone(), window, limit })
    });
    let is_configured =
        |budget: &Budget| configured.iter().any(|other| (&other.scope, other.window) == (&budget.scope, budget.window));
    let by_api = own.chain(common).filter(|budget| !is_configured(budget));
    let counter = |budget: &Budget| {
        let is_replaced = budget.scope == BudgetScope::DefaultUser && payer.has_own(configured, budget.window);
        payer.counter(&budget.scope).filter(|_| !is_replaced)
    };
    let by_config = configured.iter().filter_map(|budget| {
        Some(Applicable { counter: counter(budget)?, budget: budget.clone(), source: BudgetSource::Config })
    });
    let by_api =
        by_api.filter_map(|budget| Some(Applicable { counter: counter(&budget)?, budget, source: BudgetSource::Api }));
    by_config.chain(by_api).collect()
}

/// Returns the budgets that apply to somebody, with one of their tokens if that is said.
pub(crate) fn applicable_to(
    user: &UserEntry,
    token: Option<TokenId>,
    configured: &[Budget],
    book: &BudgetsEntry,
) -> Vec<Applicable> {
    applicable(&Payer::of(user, token), &Budgets { configured, book })
}

/// Returns everything that a call counts against: the person, the token, everybody, and groups that have a budget.
pub(super) fn counters<'a>(payer: &Payer, applicable: impl Iterator<Item = &'a Counter>) -> Vec<Counter> {
    let mut counters = vec![Counter::User(payer.user), Counter::Org];
    counters.extend(payer.token.map(Counter::Token));
    for counter in applicable {
        if !counters.contains(counter) {
            counters.push(counter.clone());
        }
    }
    counters
}
