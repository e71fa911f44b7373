//! What calls add up to, by whatever is asked for: rows of some partitions, added up as they are read.

use futures_util::future::join_all;
use gateway_core::accounts::{Adder, Days, Dimension, Row, SumQuery, SumSource};
use gateway_core::id::UserId;
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
        let items = match query.source {
            SumSource::Own(user) => self.own_items(user, days, query.most).await?,
            SumSource::RollUps => self.items(&date(&days.first()), None, query.most).await?,
            SumSource::Days(dimension) => self.items(&partition(dimension), Some(days), query.most).await?,
        };
        let row = |item: &Item| match query.source {
            SumSource::Own(_) | SumSource::RollUps => roll_up(item).map(Row::of_roll_up),
            SumSource::Days(_) => day_sum(item).map(Row::of_day),
        };
        items.iter().map(row).collect()
    }

    async fn items(&self, partition: &str, days: Option<Days>, most: usize) -> Result<Vec<Item>, Unavailable> {
        let bounds = days.map(bounds);
        let bounds = bounds.as_ref().map(|(least, most)| (least.as_str(), most.as_str()));
        let mut answers = self.rows_between(None, partition, bounds).into_paginator().send();
        let mut items = Vec::new();
        while let Some(answer) = answers.next().await {
            items.extend(answer.map_err(unavailable)?.items.unwrap_or_default());
            if items.len() > most {
                break;
            }
        }
        Ok(items)
    }

    /// Reads what the index leads to.
    async fn own_items(&self, user: UserId, days: Days, most: usize) -> Result<Vec<Item>, Unavailable> {
        let (least, last) = bounds(days);
        let mut answers = self.rows_between(Some(1), &own(user), Some((&least, &last))).into_paginator().send();
        let mut items = Vec::new();
        while let Some(answer) = answers.next().await {
            let rows = answer.map_err(unavailable)?.items.unwrap_or_default();
            let keys: Vec<Key> = rows.iter().filter_map(Key::of).collect();
            items.extend(self.read_all(&keys).await?);
            if items.len() > most {
                break;
            }
        }
        Ok(items)
    }
}

/// Returns between which sort keys days lie that these begin with.
fn bounds(days: Days) -> (String, String) {
    (days.first(), format!("{}\u{10FFFF}", days.last()))
}
