//! What calls add up to, by whatever is asked for.
//!
//! Rows are added up as they are read, because SQLite's own sums fail where integers overflow. So a row costs what its numbers do, and those
//! of its texts that are told apart.

use std::collections::HashMap;

use gateway_core::accounts::{self, By, DaySum, Dimension, Facts, Latency, RollUp, SumQuery, SumSource};
use gateway_core::money::Nanodollars;
use rusqlite::{Connection, Row, ToSql};

use super::weeks::{Part, parts};
use super::{body, text_error};

/// What is added up, as [`usage`] reads it.
macro_rules! usage_columns {
    () => {
        "requests, input, cache_write_5m, cache_write_1h, cache_read, output, cost, errors, estimated, unpriced"
    };
}
pub(super) use usage_columns;

/// How many columns that is.
const USAGE: usize = 10;

/// How many columns there are with those that say how long calls took.
const TIMED: usize = USAGE + 2;

/// Ends each of the texts that are told apart together. No text has it.
const END: u8 = 0xFF;

/// How the rows of a query are read, of days or of weeks.
pub(super) struct Plan {
    pub(super) sql: String,
    /// What is told apart, in the order of its columns.
    things: Vec<By>,
    is_timed: bool,
}

impl Plan {
    pub(super) fn of(SumQuery { source, breakdown, .. }: &SumQuery, part: Part) -> Self {
        let (table, which, is_timed) = match (source, part) {
            (SumSource::Own(_), _) => ("roll_up", "user = :of AND ", false),
            (SumSource::RollUps, Part::Days(_)) => ("roll_up", "", false),
            (SumSource::RollUps, Part::Weeks(_)) => ("roll_up_week", "", false),
            (SumSource::Days(dimension), _) => ("day_sum", "dimension = :of AND ", dimension.has_latency()),
        };
        let (mut things, mut columns) = (Vec::new(), usage_columns!().to_owned());
        if is_timed {
            columns += ", first_byte, duration";
        }
        for thing in By::ALL.into_iter().filter(|thing| breakdown.keeps(*thing)) {
            if let Some(column) = column(*source, thing) {
                columns = columns + ", " + column;
                things.push(thing);
            }
        }
        let sql = format!("SELECT {columns} FROM {table} WHERE {which}day BETWEEN :first AND :last");
        Self { sql, things, is_timed }
    }

    /// Returns what is told apart, each with the number of its column.
    fn texts(&self) -> impl Iterator<Item = (By, usize)> {
        let first = if self.is_timed { TIMED } else { USAGE };
        self.things.iter().copied().zip(first..)
    }

    /// Writes down what tells a row's sum from others.
    fn write_key(&self, key: &mut Vec<u8>, row: &Row) -> rusqlite::Result<()> {
        key.clear();
        for (_, column) in self.texts() {
            key.extend_from_slice(row.get_ref(column)?.as_str()?.as_bytes());
            key.push(END);
        }
        Ok(())
    }

    fn facts(&self, row: &Row) -> rusqlite::Result<Facts> {
        let mut facts = Facts::default();
        for (thing, column) in self.texts() {
            let text: String = row.get(column)?;
            match thing {
                By::Day => facts.day = Some(text),
                By::User => facts.user = Some(text.parse().map_err(|error| text_error(column, error))?),
                By::Token => facts.token = Some(text.parse().map_err(|error| text_error(column, error))?),
                By::Model => facts.model = Some(text),
                By::Provider => facts.provider = Some(text),
                By::Group => facts.group = Some(text),
            }
        }
        Ok(facts)
    }

    fn add(&self, sum: &mut DaySum, row: &Row) -> rusqlite::Result<()> {
        if self.is_timed {
            sum.add(&timed(row)?);
        } else {
            sum.usage = sum.usage.plus(usage(row)?);
        }
        Ok(())
    }
}

/// Returns in which column something stands; none if it is not there.
fn column(source: SumSource, thing: By) -> Option<&'static str> {
    match (source, thing) {
        (_, By::Day) => Some("day"),
        (SumSource::Days(Dimension::User), By::User)
        | (SumSource::Days(Dimension::Model), By::Model)
        | (SumSource::Days(Dimension::Group), By::Group) => Some("name"),
        (SumSource::Days(_), _) | (_, By::Group) => None,
        (_, By::User) => Some("user"),
        (_, By::Token) => Some("token"),
        (_, By::Model) => Some("model"),
        (_, By::Provider) => Some("provider"),
    }
}

/// Sums by the texts that are told apart.
struct Sums<'a> {
    query: &'a SumQuery,
    rows: HashMap<Vec<u8>, accounts::Row>,
    read: usize,
}

impl Sums<'_> {
    /// Adds the rows of a part. Says whether that were not too many.
    fn add(&mut self, connection: &Connection, part: Part) -> rusqlite::Result<bool> {
        let plan = Plan::of(self.query, part);
        let (Part::Days(days) | Part::Weeks(days)) = part;
        let (first, last, of) = (days.first(), days.last(), part.of(self.query.source));
        let mut parameters: Vec<(&str, &dyn ToSql)> = vec![(":first", &first), (":last", &last)];
        parameters.extend(of.as_ref().map(|of| (":of", of as &dyn ToSql)));
        let mut statement = connection.prepare_cached(&plan.sql)?;
        let mut found = statement.query(&*parameters)?;
        let mut key = Vec::new();
        while let Some(row) = found.next()? {
            self.read += 1;
            if self.read > self.query.most {
                return Ok(false);
            }
            plan.write_key(&mut key, row)?;
            if let Some(known) = self.rows.get_mut(&key) {
                plan.add(&mut known.sum, row)?;
            } else {
                let mut sum = DaySum::default();
                plan.add(&mut sum, row)?;
                self.rows.insert(key.clone(), accounts::Row { facts: plan.facts(row)?, sum });
            }
        }
        Ok(true)
    }
}

/// Answers a query, as everything is at one moment.
pub(super) fn sums(connection: &Connection, query: &SumQuery) -> rusqlite::Result<Option<Vec<accounts::Row>>> {
    let moment = connection.unchecked_transaction()?;
    let mut sums = Sums { query, rows: HashMap::new(), read: 0 };
    for part in parts(&moment, query)? {
        if !sums.add(&moment, part)? {
            return Ok(None);
        }
    }
    Ok(Some(sums.rows.into_values().collect()))
}

/// Reads what is added up: the first columns.
pub(super) fn usage(row: &Row) -> rusqlite::Result<RollUp> {
    Ok(RollUp {
        requests: row.get(0)?,
        input: row.get(1)?,
        cache_write_5m: row.get(2)?,
        cache_write_1h: row.get(3)?,
        cache_read: row.get(4)?,
        output: row.get(5)?,
        cost: Nanodollars(row.get(6)?),
        errors: row.get(7)?,
        estimated: row.get(8)?,
        unpriced: row.get(9)?,
    })
}

/// Reads what is added up where it is kept how long calls took: behind it.
pub(super) fn timed(row: &Row) -> rusqlite::Result<DaySum> {
    let latency = Latency { first_byte: body(row, USAGE)?, duration: body(row, USAGE + 1)? };
    Ok(DaySum { usage: usage(row)?, latency })
}
