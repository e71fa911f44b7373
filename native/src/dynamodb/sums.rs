//! What calls add up to, by whatever is asked for: rows of some partitions, added up as they are read.

use futures_util::future::join_all;
use gateway_core::accounts::{Adder, Days, Dimension, Row, SumQuery, SumSource};
use gateway_core::ports::Unavailable;

use super::DynamoRecords;
use super::accounts::{date, own, roll_up};
use super::call::unavailable;
use super::day_sums::{day_sum, partition};
use super::item::Item;
use super::key::Key;

/// How many days, or parts of a range, are read at once.
const AT_ONCE: usize = 8;

impl DynamoRecords {
    pub(super) async fn read_sums(&self, query: &SumQuery) -> Result<Option<Vec<Row>>, Unavailable> {
        let parts: Vec<Days> = match query.source {
            SumSource::RollUps => query.days.each().collect(),
            // One row for each day.
            SumSource::Days(Dimension::All) => vec![query.days],
            SumSource::Own(_) | SumSource::Days(_) => query.days.split(AT_ONCE),
        };
        let mut adder = Adder::new(query);
        for some in parts.chunks(AT_ONCE) {
            for rows in join_all(some.iter().map(|days| self.part(query, *days))).await {
                rows?.into_iter().for_each(|row| adder.add(row));
            }
            if adder.is_over() {
                break;
            }
        }
        Ok(adder.end())
    }

    /// Reads the rows of a part, or as many as are too many.
    async fn part(&self, query: &SumQuery, days: Days) -> Result<Vec<Row>, Unavailable> {
        let (index, partition, bounds) = match query.source {
            SumSource::Own(user) => (Some(1), own(user), Some(bounds(days))),
            SumSource::RollUps => (None, date(&days.first()), None),
            SumSource::Days(dimension) => (None, partition(dimension), Some(bounds(days))),
        };
        let bounds = bounds.as_ref().map(|(least, most)| (least.as_str(), most.as_str()));
        let mut answers = self.rows_between(index, &partition, bounds).into_paginator().send();
        let mut rows = Vec::new();
        while let Some(answer) = answers.next().await {
            let mut items = answer.map_err(unavailable)?.items.unwrap_or_default();
            if index.is_some() {
                let keys: Vec<Key> = items.iter().filter_map(Key::of).collect();
                items = self.read_all(&keys).await?;
            }
            for item in &items {
                rows.push(row(query.source, item)?);
            }
            if rows.len() > query.most {
                break;
            }
        }
        Ok(rows)
    }
}

fn row(source: SumSource, item: &Item) -> Result<Row, Unavailable> {
    match source {
        SumSource::Own(_) | SumSource::RollUps => roll_up(item).map(Row::of_roll_up),
        SumSource::Days(_) => day_sum(item).map(Row::of_day),
    }
}

/// Returns between which sort keys days lie that these begin with.
fn bounds(days: Days) -> (String, String) {
    (days.first(), format!("{}\u{10FFFF}", days.last()))
}
