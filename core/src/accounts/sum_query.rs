//! What is asked of the sums that the records keep, and how a store answers that has to add them up one by one.

use std::collections::BTreeMap;

use super::{Breakdown, By, DaySum, Days, Dimension, Facts, Row};
use crate::id::UserId;

/// Asks what calls add up to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SumQuery {
    /// Which calls, and in which of the sums they are to be looked for.
    pub source: SumSource,
    /// Of which days.
    pub days: Days,
    /// What is told apart. By nothing, there is one row, or none where there was no call.
    pub breakdown: Breakdown,
    /// The most rows of the source that may be read for it.
    pub most: usize,
}

/// Which sums are added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SumSource {
    /// The roll-ups of one person's calls. What they cost to read does not grow with what others did.
    Own(UserId),
    /// Everybody's roll-ups.
    RollUps,
    /// What everybody's calls add up to by one thing.
    Days(Dimension),
}

impl SumQuery {
    /// Asks what one person's calls add up to by day, token, model and provider.
    #[must_use]
    pub fn of_person(user: UserId, days: Days, most: usize) -> Self {
        let breakdown = Breakdown::of(&[By::Day, By::Token, By::Model, By::Provider]);
        Self { source: SumSource::Own(user), days, breakdown, most }
    }

    /// Asks what everybody's calls add up to. It is looked for where the fewest rows say it.
    #[must_use]
    pub fn of_everybody(breakdown: &Breakdown, days: Days, most: usize) -> Self {
        let source = breakdown.dimension().map_or(SumSource::RollUps, SumSource::Days);
        Self { source, days, breakdown: breakdown.clone(), most }
    }
}

/// Adds rows up as a query asks for it.
#[derive(Debug)]
pub struct Adder<'a> {
    query: &'a SumQuery,
    read: usize,
    sums: BTreeMap<Facts, DaySum>,
}

impl<'a> Adder<'a> {
    /// Begins with nothing.
    #[must_use]
    pub const fn new(query: &'a SumQuery) -> Self {
        Self { query, read: 0, sums: BTreeMap::new() }
    }

    /// Adds a row.
    pub fn add(&mut self, row: Row) {
        self.read += 1;
        self.query.breakdown.add(&mut self.sums, row);
    }

    /// Says whether more rows were added than the query allows, so that there is no answer and no use in reading on.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.read > self.query.most
    }

    /// Returns the sums; `None` if there is no answer.
    #[must_use]
    pub fn end(self) -> Option<Vec<Row>> {
        let is_over = self.is_over();
        let sums = self.sums.into_iter().map(|(facts, sum)| Row { facts, sum });
        (!is_over).then(|| sums.collect())
    }
}
