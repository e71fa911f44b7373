//! Budgets, and how they stand.

use std::collections::BTreeMap;

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

impl Budget {
    /// Returns the budgets of one person from their limits, by window.
    pub fn of_person<'a>(email: &'a Email, limits: &'a Limits) -> impl Iterator<Item = Self> + 'a {
        let scope = BudgetScope::User(email.clone());
        limits.iter().map(move |(window, limit)| Self { scope: scope.clone(), window: *window, limit: *limit })
    }
}

/// What one scope may spend, by window.
pub type Limits = BTreeMap<WindowKind, Nanodollars>;

/// Where a budget was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetSource {
    /// In the configuration, where alone it can be changed.
    Config,
    /// By an administrator, with the API.
    Api,
}

/// The budgets that administrators have set, but for people's own: those are in people's records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BudgetBook {
    entries: Vec<BookEntry>,
}

/// An entry of the book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookEntry {
    /// The budget.
    #[serde(flatten)]
    pub budget: Budget,
    /// When the token expires that it is about: then it is of no use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl BookEntry {
    /// Says whether it is of use yet.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// Why a budget is not entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there can be {} budgets of groups, of tokens and for everybody", BudgetBook::MOST)]
pub struct BookFull;

impl BudgetBook {
    /// How many budgets it has at most: all of them are one record, and some hundred kilobytes are the most that any store takes.
    pub const MOST: usize = 1000;

    /// Returns its entries, by scope and window.
    #[must_use]
    pub fn entries(&self) -> &[BookEntry] {
        &self.entries
    }

    /// Returns the entry of that scope and window.
    #[must_use]
    pub fn get(&self, scope: &BudgetScope, window: WindowKind) -> Option<&BookEntry> {
        self.place(scope, window).ok().map(|index| &self.entries[index])
    }

    /// Enters a budget in place of the one of its scope and window. Those whose time was over by `now` go.
    ///
    /// # Errors
    ///
    /// [`BookFull`] if there are too many.
    pub fn enter(&mut self, entry: BookEntry, now: Timestamp) -> Result<(), BookFull> {
        self.entries.retain(|entry| entry.is_live(now));
        match self.place(&entry.budget.scope, entry.budget.window) {
            Ok(index) => self.entries[index] = entry,
            Err(_) if self.entries.len() >= Self::MOST => return Err(BookFull),
            Err(index) => self.entries.insert(index, entry),
        }
        Ok(())
    }

    /// Takes a budget out; says whether there was one.
    pub fn remove(&mut self, scope: &BudgetScope, window: WindowKind) -> bool {
        let place = self.place(scope, window);
        place.map(|index| self.entries.remove(index)).is_ok()
    }

    fn place(&self, scope: &BudgetScope, window: WindowKind) -> Result<usize, usize> {
        self.entries.binary_search_by(|entry| (&entry.budget.scope, entry.budget.window).cmp(&(scope, window)))
    }
}

/// How a budget stands at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetState {
    /// The budget.
    pub budget: Budget,
    /// Where it was set.
    pub source: BudgetSource,
    /// What was spent in the running window.
    pub spent: Nanodollars,
    /// What running calls hold.
    pub held: Nanodollars,
    /// When the window ends; none for `total`.
    pub reset: Option<Timestamp>,
}

impl BudgetState {
    /// Says whether it is used up.
    #[must_use]
    pub const fn is_exhausted(&self) -> bool {
        self.spent.0 >= self.budget.limit.0
    }

    /// Says whether more than so many hundredths of it are spent.
    #[must_use]
    pub fn is_past(&self, percent: u8) -> bool {
        i128::from(self.spent.0) * 100 > i128::from(self.budget.limit.0) * i128::from(percent)
    }

    /// Says whether so many hundredths of it are spent.
    #[must_use]
    pub fn has_reached(&self, percent: u8) -> bool {
        i128::from(self.spent.0) * 100 >= i128::from(self.budget.limit.0) * i128::from(percent)
    }

    /// Returns how many hundredths of it are spent, rounded down: below 100 as long as it is not used up, and never more.
    #[must_use]
    pub fn percent(&self) -> u8 {
        if self.is_exhausted() {
            return 100;
        }
        let hundredths = i128::from(self.spent.0.max(0)) * 100 / i128::from(self.budget.limit.0.max(1));
        u8::try_from(hundredths).unwrap_or(99)
    }

    /// Returns the one of several that binds: of those that are used up the one that ends last, else the fullest.
    #[must_use]
    pub fn binding(states: &[Self]) -> Option<&Self> {
        let exhausted = states.iter().filter(|state| state.is_exhausted());
        let last = exhausted.max_by_key(|state| state.reset.map_or(i64::MAX, |reset| reset.0));
        // a/b < c/d, without dividing; no limit is below nothing.
        let fuller = |one: &&Self, other: &&Self| {
            let [one, other] = [(one, other), (other, one)]
                .map(|(this, that)| i128::from(this.spent.0) * i128::from(that.budget.limit.0));
            one.cmp(&other)
        };
        last.or_else(|| states.iter().max_by(fuller))
    }

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
            Some(("group", name)) if !name.is_empty() && !name.chars().any(char::is_control) => {
                Ok(Self::Group(name.to_owned()))
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Millis;

    fn state(spent: i64, limit: i64, reset: Option<i64>) -> BudgetState {
        let budget = Budget { scope: BudgetScope::Org, window: WindowKind::Daily, limit: Nanodollars(limit) };
        let (spent, held, reset) = (Nanodollars(spent), Nanodollars::ZERO, reset.map(Timestamp));
        BudgetState { budget, source: BudgetSource::Api, spent, held, reset }
    }

    #[test]
    fn tells_how_full_it_is_and_never_that_it_is_full_before() {
        for (spent, limit, percent) in [
            (0, 100, 0),
            (75, 100, 75),
            (9999, 10_000, 99),
            (100, 100, 100),
            (500, 100, 100),
            (0, 0, 100),
            (-5, 100, 0),
        ] {
            assert_eq!(state(spent, limit, None).percent(), percent, "{spent} of {limit}");
        }
        assert!(!state(75, 100, None).is_past(75));
        assert!(state(i64::MAX - 1, i64::MAX, None).is_past(99));
    }

    #[test]
    fn finds_the_one_that_binds() {
        let fullest = [state(10, 100, Some(5)), state(3, 20, Some(9)), state(1, 1000, None)];
        assert_eq!(BudgetState::binding(&fullest), Some(&fullest[1]));
        let exhausted = [state(99, 100, Some(50)), state(5, 5, Some(5)), state(9, 5, Some(9)), state(7, 7, Some(2))];
        assert_eq!(BudgetState::binding(&exhausted), Some(&exhausted[2]));
        let for_ever = [state(5, 5, Some(5)), state(9, 5, None)];
        assert_eq!(BudgetState::binding(&for_ever), Some(&for_ever[1]));
        assert_eq!(BudgetState::binding(&[]), None);
    }

    #[test]
    fn keeps_one_entry_of_each_scope_and_window_and_none_whose_time_is_over() {
        let token = BudgetScope::Token(TokenId::new(Millis(1), [1; 10]));
        let entry = |scope: &BudgetScope, limit, until: Option<i64>| {
            let budget = Budget { scope: scope.clone(), window: WindowKind::Daily, limit: Nanodollars(limit) };
            BookEntry { budget, until: until.map(Timestamp) }
        };
        let mut book = BudgetBook::default();
        book.enter(entry(&token, 1, Some(10)), Timestamp(0)).unwrap();
        book.enter(entry(&BudgetScope::Org, 2, None), Timestamp(9)).unwrap();
        book.enter(entry(&BudgetScope::Org, 3, None), Timestamp(9)).unwrap();
        assert_eq!(book.entries(), [entry(&BudgetScope::Org, 3, None), entry(&token, 1, Some(10))]);
        book.enter(entry(&BudgetScope::DefaultUser, 4, None), Timestamp(10)).unwrap();
        assert_eq!(book.get(&token, WindowKind::Daily), None);
        assert!(book.remove(&BudgetScope::Org, WindowKind::Daily));
        assert!(!book.remove(&BudgetScope::Org, WindowKind::Daily));
        assert_eq!(book.entries().len(), 1);
    }

    #[test]
    fn takes_no_more_than_it_has_room_for() {
        let mut book = BudgetBook::default();
        let entry = |number: usize| {
            let scope = BudgetScope::Group(number.to_string());
            let budget = Budget { scope, window: WindowKind::Daily, limit: Nanodollars(1) };
            BookEntry { budget, until: None }
        };
        for number in 0..BudgetBook::MOST {
            book.enter(entry(number), Timestamp(0)).unwrap();
        }
        assert_eq!(book.enter(entry(BudgetBook::MOST), Timestamp(0)), Err(BookFull));
        assert_eq!(book.enter(entry(7), Timestamp(0)), Ok(()), "what is there can be changed");
    }
}
