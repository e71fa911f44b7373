//! People and their budgets, as LiteLLM's customer API sees them.

use super::people::newest;
use super::{Authority, Control, Standing};
use crate::identity::{Email, User};
use crate::money::{BudgetScope, Counter, Limits, Nanodollars, WindowKind};
use crate::ports::{Directory as _, PageRequest, PeopleList, PeopleQuery, Unavailable};

/// How many people are read at once.
const PAGE: u32 = 200;

/// A person, as far as that API tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// Their address.
    pub email: Email,
    /// Their display name.
    pub name: Option<String>,
    /// Whether they may not use the gateway.
    pub blocked: bool,
    /// Their own budgets, those of the configuration among them.
    pub limits: Limits,
    /// What they spent in the window of the first of those, or in all without one.
    pub spent: Nanodollars,
}

impl<A: Authority> Control<A> {
    /// Returns whoever has an address: of several people, the one who signed in last.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if a store does not answer.
    pub async fn customer(&self, email: &Email) -> Result<Option<Customer>, Unavailable> {
        let people = self.records().people_at(email).await?;
        let users = newest(people).into_iter().map(|person| person.value).collect();
        Ok(self.as_customers(users).await?.pop())
    }

    /// Returns everybody who has a budget of their own, by address, at most so many.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if a store does not answer.
    pub async fn customers(&self, most: usize) -> Result<Vec<Customer>, Unavailable> {
        let mut customers = Vec::new();
        let mut cursor = None;
        loop {
            let query = PeopleQuery { list: PeopleList::Budgeted, skip: 0, page: PageRequest { limit: PAGE, cursor } };
            let page = self.records().list_people(&query).await?;
            let users = page.items.into_iter().map(|person| person.value).collect();
            customers.extend(self.as_customers(users).await?);
            cursor = page.next;
            if cursor.is_none() || customers.len() >= most {
                customers.truncate(most);
                return Ok(customers);
            }
        }
    }

    async fn as_customers(&self, users: Vec<User>) -> Result<Vec<Customer>, Unavailable> {
        let own: Vec<Limits> = users.iter().map(|user| self.own_limits(user)).collect();
        let counter = |(user, limits): (&User, &Limits)| {
            let window = limits.keys().next().copied().unwrap_or(WindowKind::Total);
            (window, Counter::User(user.id))
        };
        let totals = self.totals(&users.iter().zip(&own).map(counter).collect::<Vec<_>>()).await?;
        let customers = users.into_iter().zip(own).zip(totals).map(|((user, limits), totals)| Customer {
            blocked: self.standing(&user) != Standing::Active,
            email: user.email,
            name: user.name,
            limits,
            spent: totals.spent,
        });
        Ok(customers.collect())
    }

    /// Returns the budgets of somebody alone: what the configuration says of their address stands above the rest.
    fn own_limits(&self, user: &User) -> Limits {
        let mut limits = user.limits.clone();
        let configured = self.config().budgets().into_iter();
        let theirs = configured.filter(|budget| budget.scope == BudgetScope::User(user.email.clone()));
        limits.extend(theirs.map(|budget| (budget.window, budget.limit)));
        limits
    }
}
