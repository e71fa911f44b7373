//! Pages of what is in order.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::Select;
use gateway_core::ports::{Cursor, Page, PageRequest, Unavailable};

use super::DynamoRecords;
use super::call::unavailable;
use super::item::{Item, text};
use super::key::Key;

/// How many rows are read at once at least where a list may leave some out.
const ROUND: usize = 100;

/// How often rows are read for one page: what it costs has an end, also where most are left out. The page is short then.
const ROUNDS: usize = 8;

/// In which direction a list goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    OldestFirst,
    NewestFirst,
}

/// A list: rows of one partition of the table, or of one of its indexes, and what they lead to.
pub(super) struct List<'a> {
    /// The number of the index.
    pub(super) index: Option<u8>,
    pub(super) partition: String,
    /// How the sort keys of its rows begin.
    pub(super) prefix: &'a str,
    pub(super) order: Order,
    /// Whether rows are left out that lead to what another row leads to.
    pub(super) is_sparse: bool,
    /// Returns the name of the row after which a page begins, as the table or the index has it.
    pub(super) start: &'a (dyn Fn(&str) -> Item + Sync),
    /// Returns the name of the record that a row leads to; none if it is the record.
    pub(super) record: &'a (dyn Fn(&Key) -> Option<Key> + Sync),
}

impl List<'_> {
    /// Returns where a page goes on behind a row.
    fn place(&self, row: &Item) -> Option<Cursor> {
        let number = self.index.map(|index| index.to_string()).unwrap_or_default();
        let place = row.get(&format!("sk{number}"))?.as_s().ok()?;
        // In an index what comes behind the partition is all there is to a place.
        let place = if self.index.is_some() { Some(place.as_str()) } else { place.strip_prefix(self.prefix) };
        place.map(|place| Cursor(place.to_owned()))
    }
}

impl DynamoRecords {
    /// Reads one page, in as many requests as it has rows by the hundred, and some more where rows are left out.
    pub(super) async fn page<T>(
        &self,
        list: &List<'_>,
        request: &PageRequest,
        read: impl Fn(&Item) -> Result<T, Unavailable> + Sync,
        is_wanted: impl Fn(&T) -> bool + Sync,
    ) -> Result<Page<T>, Unavailable> {
        let rows = request.rows() as usize;
        let start = request.cursor.as_ref().map(|cursor| cursor.0.as_str());
        // Before the first row, which no key can say: nothing follows, or everything.
        if start == Some("") && list.order == Order::NewestFirst {
            return Ok(Page { items: Vec::new(), next: None });
        }
        let mut start = start.filter(|start| !start.is_empty()).map(list.start);
        let mut items = Vec::new();
        for _ in 0..ROUNDS {
            let missing = rows + 1 - items.len();
            let limit = if list.is_sparse { missing.max(ROUND) } else { missing };
            let (found, end) = self.rows(list, start, limit).await?;
            for (place, record) in self.records(list, found).await? {
                let item = read(&record)?;
                if is_wanted(&item) {
                    items.push((place, item));
                }
            }
            start = end;
            if items.len() > rows || start.is_none() {
                break;
            }
        }
        let next = match items.get(rows - 1) {
            Some((place, _)) if items.len() > rows => place.clone(),
            _ => start.and_then(|end| list.place(&end)),
        };
        items.truncate(rows);
        Ok(Page { items: items.into_iter().map(|(_, item)| item).collect(), next })
    }

    /// Returns where a page begins that leaves so many rows out; none if there are not that many.
    pub(super) async fn skip(&self, list: &List<'_>, count: u32) -> Result<Option<Cursor>, Unavailable> {
        let mut left = count as usize;
        let mut start = None;
        loop {
            let (found, end) = self.rows(list, start, left).await?;
            left = left.saturating_sub(found.len());
            let Some(end) = end else { return Ok(None) };
            if left == 0 {
                return Ok(list.place(&end));
            }
            start = Some(end);
        }
    }

    /// Returns how many rows there are.
    pub(super) async fn count(&self, list: &List<'_>) -> Result<u64, Unavailable> {
        let mut answers = self.query(list).select(Select::Count).into_paginator().send();
        let mut count = 0;
        while let Some(answer) = answers.next().await {
            count += u64::from(answer.map_err(unavailable)?.count.unsigned_abs());
        }
        Ok(count)
    }

    /// Reads what rows lead to, each with the place of the first that leads to it: the record may stand elsewhere by now, and a
    /// page that went on from there would go back.
    async fn records(&self, list: &List<'_>, rows: Vec<Item>) -> Result<Vec<(Option<Cursor>, Item)>, Unavailable> {
        let (mut keys, mut places) = (Vec::new(), HashMap::new());
        for row in &rows {
            if let Some(key) = Key::of(row).and_then(|key| (list.record)(&key)) {
                places.entry(key.clone()).or_insert_with(|| list.place(row));
                keys.push(key);
            }
        }
        if keys.is_empty() {
            return Ok(rows.into_iter().map(|row| (list.place(&row), row)).collect());
        }
        let place = |record: &Item| places.get(&Key::of(record)?).cloned().flatten();
        Ok(self.read_all(&keys).await?.into_iter().map(|record| (place(&record), record)).collect())
    }

    /// Reads some rows, and the name of the last one if there may be more.
    async fn rows(
        &self,
        list: &List<'_>,
        start: Option<Item>,
        limit: usize,
    ) -> Result<(Vec<Item>, Option<Item>), Unavailable> {
        let query = self.query(list).limit(i32::try_from(limit).unwrap_or(i32::MAX)).set_exclusive_start_key(start);
        let answer = Box::pin(query.send()).await.map_err(unavailable)?;
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }

    /// Asks for all rows.
    fn query(&self, list: &List<'_>) -> QueryFluentBuilder {
        // DynamoDB Local takes `begins_with` for a pattern, in which % and _ stand for others, and letters for both cases.
        let behind = format!("{}\u{10FFFF}", list.prefix);
        let bounds = (!list.prefix.is_empty()).then_some((list.prefix, &*behind));
        let query = self.rows_between(list.index, &list.partition, bounds);
        query.scan_index_forward(list.order == Order::OldestFirst)
    }

    /// Asks for the rows of a partition of the table, or of an index, whose sort keys lie between two texts.
    pub(super) fn rows_between(
        &self,
        index: Option<u8>,
        partition: &str,
        bounds: Option<(&str, &str)>,
    ) -> QueryFluentBuilder {
        let number = index.map(|index| index.to_string()).unwrap_or_default();
        let bounded =
            if bounds.is_some() { format!(" AND sk{number} BETWEEN :least AND :most") } else { String::new() };
        let condition = format!("pk{number} = :pk{bounded}");
        let mut query = self.client.query().table_name(&self.table).expression_attribute_values(":pk", text(partition));
        if let Some((least, most)) = bounds {
            query = query.expression_attribute_values(":least", text(least));
            query = query.expression_attribute_values(":most", text(most));
        }
        query = match index {
            Some(index) => query.index_name(format!("index{index}")),
            None => query.consistent_read(true),
        };
        query.key_condition_expression(condition)
    }
}
