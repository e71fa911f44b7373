//! Budgets that administrators set.

use std::collections::BTreeMap;

use serde_json::json;

use super::change::{Change, MAX_ATTEMPTS};
use super::{Actor, Authority, ChangeError, Control};
use crate::id::UserId;
use crate::identity::{Email, User};
use crate::money::{
    BookEntry, BookFull, Budget, BudgetBook, BudgetScope, BudgetSource, Calendar, Counter, Limits, WindowKind,
};
use crate::ports::{
    Budgets as _, Directory as _, Page, PageRequest, PeopleList, PeopleQuery, Subject, Tokens as _, Totals,
    Unavailable, Usage as _, WriteError, within,
};
use crate::time::Timestamp;
use crate::version::Stored;

/// What the audit log calls the book of budgets.
pub(super) const BUDGETS: &str = "budgets";

/// A budget, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedBudget {
    /// The budget.
    pub budget: Budget,
    /// Where it was set.
    pub source: BudgetSource,
    /// Whose it is, if it is one person's who is known.
    pub user: Option<UserId>,
    /// What counts against it; none if that is each person's own, or nobody's yet.
    pub totals: Option<Totals>,
    /// When its window ends, if ever.
    pub reset: Option<Timestamp>,
}

/// Why a budget is not set, or taken away.
#[derive(Debug, thiserror::Error)]
pub enum BudgetError {
    /// The configuration sets it.
    #[error("the configuration sets this budget; it is changed there")]
    Configured,
    /// It is for a token that does not exist, or has expired.
    #[error("there is no such token")]
    NoSuchToken,
    /// There are too many.
    #[error(transparent)]
    Full(#[from] BookFull),
    /// As for every change.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

impl<A: Authority> Control<A> {
    /// Sets a budget, in place of the one of its scope and window. Once this is `Ok`, it holds for every call. That of an address
    /// is for whoever has it, and waits for somebody who has not signed in yet.
    ///
    /// # Errors
    ///
    /// [`BudgetError`]
    pub async fn set_budget(&self, actor: &Actor, budget: &Budget) -> Result<(), BudgetError> {
        self.check_not_configured(&budget.scope, budget.window)?;
        let until = match &budget.scope {
            BudgetScope::User(email) => {
                let set = |limits: &mut Limits| _ = limits.insert(budget.window, budget.limit);
                return self.change_limits(actor, email, set).await;
            }
            BudgetScope::Token(id) => {
                let token = self.records().token(*id).await.map_err(ChangeError::Unavailable)?;
                let expiry = token.map(|token| token.value.expiry).filter(|expiry| self.now() < *expiry);
                Some(expiry.ok_or(BudgetError::NoSuchToken)?)
            }
            BudgetScope::DefaultUser | BudgetScope::Group(_) | BudgetScope::Org => None,
        };
        let entry = BookEntry { budget: budget.clone(), until };
        let now = self.now();
        self.change_book(actor, &budget.scope, budget.window, |book| book.enter(entry.clone(), now).map(|()| true))
            .await
    }

    /// Takes a budget away. Once this is `Ok`, it holds for no call any more.
    ///
    /// # Errors
    ///
    /// [`BudgetError`]; [`ChangeError::NotFound`] if there is none.
    pub async fn remove_budget(
        &self,
        actor: &Actor,
        scope: &BudgetScope,
        window: WindowKind,
    ) -> Result<(), BudgetError> {
        self.check_not_configured(scope, window)?;
        if let BudgetScope::User(email) = scope {
            let people = self.holders(email).await?;
            let was_there = people.iter().any(|person| person.value.limits.contains_key(&window));
            // Asked again for what is so already, it makes sure that it is in effect.
            self.change_limits(actor, email, |limits| _ = limits.remove(&window)).await?;
            return if was_there { Ok(()) } else { Err(ChangeError::NotFound.into()) };
        }
        self.change_book(actor, scope, window, |book| Ok(book.remove(scope, window))).await
    }

    /// Changes the limits of whoever has an address, or will sign in with it.
    ///
    /// # Errors
    ///
    /// [`BudgetError`]; [`BudgetError::Configured`] if it would change one that the configuration sets.
    pub async fn change_limits(
        &self,
        actor: &Actor,
        email: &Email,
        change: impl Fn(&mut Limits),
    ) -> Result<(), BudgetError> {
        let people = self.holders_or_expected(actor, email).await?;
        for person in &people {
            let mut limits = person.value.limits.clone();
            change(&mut limits);
            for window in WindowKind::ALL.iter().filter(|window| limits.get(window) != person.value.limits.get(window))
            {
                self.check_not_configured(&BudgetScope::User(email.clone()), *window)?;
            }
        }
        let limit = |user: &User| {
            let mut limits = user.limits.clone();
            change(&mut limits);
            let detail = json!({"limits": dollars(&limits), "before": dollars(&user.limits)});
            let next = User { limits, ..user.clone() };
            Ok((next != *user).then_some(Change { next, action: "budget.set", detail }))
        };
        // One who cannot be reached keeps nobody else's from being changed.
        let mut done = Ok(());
        for person in people {
            done = done.and(self.change_user(actor, person.value.id, limit).await.map(drop));
        }
        Ok(done?)
    }

    /// Returns one page of budgets: on the first those of the configuration and of the book, on each some people's own.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if a store does not answer.
    pub async fn budgets(&self, page: &PageRequest) -> Result<Page<ListedBudget>, Unavailable> {
        let mut listed = if page.cursor.is_none() { self.common_budgets(|_| true).await? } else { Vec::new() };
        let query = PeopleQuery { list: PeopleList::Budgeted, skip: 0, page: page.clone() };
        let people = self.records().list_people(&query).await?;
        listed.extend(people.items.iter().flat_map(|person| self.own_budgets(person)));
        self.count(&mut listed).await?;
        Ok(Page { items: listed, next: people.next })
    }

    /// Returns the budgets of one scope.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if a store does not answer.
    pub async fn budgets_of(&self, scope: &BudgetScope) -> Result<Vec<ListedBudget>, Unavailable> {
        let mut listed = self.common_budgets(|other| other == scope).await?;
        if let BudgetScope::User(email) = scope {
            let people = self.records().people_at(email).await?;
            listed.extend(people.iter().flat_map(|person| self.own_budgets(person)));
        }
        self.count(&mut listed).await?;
        Ok(listed)
    }

    /// Returns the budgets of the configuration and of the book, of some scopes.
    async fn common_budgets(&self, is_asked: impl Fn(&BudgetScope) -> bool) -> Result<Vec<ListedBudget>, Unavailable> {
        let mut listed = Vec::new();
        for budget in self.config().budgets().into_iter().filter(|budget| is_asked(&budget.scope)) {
            let user = match &budget.scope {
                BudgetScope::User(email) => self.newest_at(email).await?.map(|user| user.id),
                _ => None,
            };
            listed.push(self.as_listed(budget, BudgetSource::Config, user));
        }
        let book = self.records().budget_book().await?.value;
        let live = book.entries().iter().filter(|entry| entry.is_live(self.now()));
        let budgets = live.map(|entry| &entry.budget).filter(|budget| is_asked(&budget.scope) && self.holds(budget));
        listed.extend(budgets.map(|budget| self.as_listed(budget.clone(), BudgetSource::Api, None)));
        Ok(listed)
    }

    fn own_budgets(&self, person: &Stored<User>) -> Vec<ListedBudget> {
        let User { id, email, limits, .. } = &person.value;
        let budgets = Budget::of_person(email, limits).filter(|budget| self.holds(budget));
        budgets.map(|budget| self.as_listed(budget, BudgetSource::Api, Some(*id))).collect()
    }

    fn as_listed(&self, budget: Budget, source: BudgetSource, user: Option<UserId>) -> ListedBudget {
        let reset = self.calendar().window(budget.window).end;
        ListedBudget { budget, source, user, totals: None, reset }
    }

    /// Finds out what counts against budgets.
    async fn count(&self, listed: &mut [ListedBudget]) -> Result<(), Unavailable> {
        let counter = |listed: &ListedBudget| match &listed.budget.scope {
            BudgetScope::User(_) => listed.user.map(Counter::User),
            BudgetScope::DefaultUser => None,
            BudgetScope::Group(name) => Some(Counter::Group(name.clone())),
            BudgetScope::Org => Some(Counter::Org),
            BudgetScope::Token(id) => Some(Counter::Token(*id)),
        };
        let counters: Vec<(WindowKind, Counter)> =
            listed.iter().filter_map(|budget| Some((budget.budget.window, counter(budget)?))).collect();
        let mut totals = self.totals(&counters).await?.into_iter();
        for budget in listed.iter_mut().filter(|budget| counter(budget).is_some()) {
            budget.totals = totals.next();
        }
        Ok(())
    }

    /// Returns what counters say in the running windows.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if the hot state does not answer.
    pub(crate) async fn totals(&self, counters: &[(WindowKind, Counter)]) -> Result<Vec<Totals>, Unavailable> {
        self.totals_in(&self.calendar(), counters).await
    }

    /// Returns what counters say in the windows of a calendar.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if the hot state does not answer.
    pub(crate) async fn totals_in(
        &self,
        calendar: &Calendar,
        counters: &[(WindowKind, Counter)],
    ) -> Result<Vec<Totals>, Unavailable> {
        let totals = self.hot().totals(calendar, counters);
        within(self.clock(), self.deadline(), "the hot state", totals).await
    }

    /// Returns the windows that are running.
    pub(crate) fn calendar(&self) -> Calendar {
        Calendar::at(self.now(), &self.config().time_zone())
    }

    fn check_not_configured(&self, scope: &BudgetScope, window: WindowKind) -> Result<(), BudgetError> {
        if self.is_configured(scope, window) { Err(BudgetError::Configured) } else { Ok(()) }
    }

    /// Says whether a budget that was set by the API holds: one of the configuration of its scope and window stands above it.
    fn holds(&self, budget: &Budget) -> bool {
        !self.is_configured(&budget.scope, budget.window)
    }

    fn is_configured(&self, scope: &BudgetScope, window: WindowKind) -> bool {
        self.config().budgets.iter().any(|entry| entry.scope == *scope && entry.window == window)
    }

    /// Changes the book as `change` does, which says whether there was something to change.
    async fn change_book(
        &self,
        actor: &Actor,
        scope: &BudgetScope,
        window: WindowKind,
        change: impl Fn(&mut BudgetBook) -> Result<bool, BookFull>,
    ) -> Result<(), BudgetError> {
        let limit = |book: &BudgetBook| book.get(scope, window).map(|entry| entry.budget.limit.to_string());
        for _ in 0..MAX_ATTEMPTS {
            let seen = self.records().budget_book().await.map_err(ChangeError::Unavailable)?;
            let mut next = seen.value.clone();
            let was_there = change(&mut next)?;
            if next != seen.value {
                let (before, after) = (limit(&seen.value), limit(&next));
                let detail = json!({"scope": scope, "window": window, "limit": after, "before": before});
                let audit = self.audit(actor, "budget.set", BUDGETS, detail);
                match self.records().replace_budget_book(&next, seen.version, &audit).await {
                    Ok(()) => {}
                    Err(WriteError::Conflict) => continue,
                    Err(WriteError::Unavailable(error)) => return Err(ChangeError::Unavailable(error).into()),
                }
            }
            // Asked again for what is so already, it makes sure that it is in effect.
            self.publish(Subject::Budgets).await.map_err(ChangeError::Pending)?;
            return if was_there { Ok(()) } else { Err(ChangeError::NotFound.into()) };
        }
        Err(ChangeError::Contended.into())
    }
}

fn dollars(limits: &Limits) -> BTreeMap<WindowKind, String> {
    limits.iter().map(|(window, limit)| (*window, limit.to_string())).collect()
}
