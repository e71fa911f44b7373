//! What was used and spent, for whoever spent it and for administrators.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::{join_all, try_join};

use super::{Authority, Control, RestoreRequest};
use crate::accounts::{Breakdown, By, DaySum, Days, Dimension, Row, SumQuery};
use crate::id::{TokenId, UserId};
use crate::identity::User;
use crate::money::Calendar;
use crate::ports::{
    Accounts as _, Spending, SpendingQuery, SpendingState, Tokens as _, Unavailable, Usage as _, within,
};
use crate::token::Token;

/// The most rows that are added up for one question: some seconds of reading.
const MOST_ROWS: usize = 200_000;

/// How many tokens are looked up at once.
const TOKENS_AT_ONCE: usize = 16;

/// Why sums are not told.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// There are too many rows to add up.
    #[error("more than {MOST_ROWS} rows would have to be added up")]
    TooMuch,
    /// A store does not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// What everybody used and spent in some days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageTable {
    /// All of it.
    pub total: DaySum,
    /// The same by what was asked for, in order.
    pub rows: Vec<Row>,
}

/// What the people and tokens of some rows are called. Those of whom nothing is known any more are left out.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// People who are not erased.
    pub people: BTreeMap<UserId, User>,
    /// Tokens.
    pub tokens: BTreeMap<TokenId, Token>,
}

impl<A: Authority> Control<A> {
    /// Returns what one person used and spent in some days.
    ///
    /// # Errors
    ///
    /// [`UsageError`]
    pub async fn own_usage(&self, user: UserId, days: Days) -> Result<Vec<Row>, UsageError> {
        self.sums(&SumQuery::of_person(user, days, MOST_ROWS)).await
    }

    /// Returns what everybody used and spent in some days.
    ///
    /// # Errors
    ///
    /// [`UsageError`]
    pub async fn usage_table(&self, days: Days, breakdown: &Breakdown) -> Result<UsageTable, UsageError> {
        let by_day = SumQuery::of_everybody(&Breakdown::of(&[By::Day]), days, MOST_ROWS);
        if breakdown.dimension() == Some(Dimension::All) {
            let rows = self.sums(&by_day).await?;
            return Ok(UsageTable { total: Row::total(&rows), rows: breakdown.rows(rows) });
        }
        let asked = SumQuery::of_everybody(breakdown, days, MOST_ROWS);
        let (all, rows) = try_join(self.sums(&by_day), self.sums(&asked)).await?;
        Ok(UsageTable { total: Row::total(&all), rows: breakdown.rows(rows) })
    }

    /// Returns what the people and tokens of some rows are called, as far as `breakdown` tells them apart.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if the records do not answer.
    pub async fn names(&self, breakdown: &Breakdown, rows: &[Row]) -> Result<Names, Unavailable> {
        let mut names = Names::default();
        if breakdown.has(By::User) || breakdown.has(By::Token) {
            names.people = self.by_id(rows.iter().filter_map(|row| row.facts.user)).await?;
            names.people.retain(|_, user| user.erased.is_none());
        }
        let tokens: BTreeSet<TokenId> = rows.iter().filter_map(|row| row.facts.token).collect();
        let tokens: Vec<TokenId> = tokens.into_iter().collect();
        for some in tokens.chunks(TOKENS_AT_ONCE) {
            for token in join_all(some.iter().map(|id| self.records().token(*id))).await {
                names.tokens.extend(token?.map(|token| (token.value.id, token.value)));
            }
        }
        Ok(names)
    }

    /// Returns how somebody's money stands in the running windows, with the budgets of one of their tokens if it is named; `None` if the records do not know
    /// them.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if a store does not answer.
    pub async fn spending(
        &self,
        user: UserId,
        token: Option<TokenId>,
        calendar: &Calendar,
    ) -> Result<Option<Spending>, Unavailable> {
        let budgets = self.config().budgets().into();
        let query = SpendingQuery { user, token, calendar: calendar.clone(), budgets };
        // A second time after the hot state was told what it did not know.
        for _ in 0..2 {
            let asked = self.hot().spending(&query);
            match within(self.clock(), self.deadline(), "the hot state", asked).await? {
                SpendingState::Known(spending) => return Ok(Some(spending)),
                SpendingState::Unknown(generation) => {
                    if !self.restore(&RestoreRequest { generation, user, token: None }).await? {
                        return Ok(None);
                    }
                }
            }
        }
        Err(Unavailable::new("the hot state", "it forgets what it is told"))
    }

    async fn sums(&self, query: &SumQuery) -> Result<Vec<Row>, UsageError> {
        self.records().sums(query).await?.ok_or(UsageError::TooMuch)
    }
}
