//! Pages of what is in order.

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
        cursor: impl Fn(&T) -> Cursor + Sync,
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
            let keys: Vec<Key> = found.iter().filter_map(Key::of).filter_map(|key| (list.record)(&key)).collect();
            let records = if keys.is_empty() { found } else { self.read_all(&keys).await? };
            for record in &records {
                let item = read(record)?;
                if is_wanted(&item) {
                    items.push(item);
                }
            }
            start = end;
            if items.len() > rows || start.is_none() {
                break;
            }
        }
        let next =
            if items.len() > rows { items.get(rows - 1).map(cursor) } else { start.and_then(|end| list.place(&end)) };
        items.truncate(rows);
        Ok(Page { items, next })
    }

    /// Reads some rows, and the name of the last one if there may be more.
    async fn rows(
        &self,
        list: &List<'_>,
        start: Option<Item>,
        limit: usize,
    ) -> Result<(Vec<Item>, Option<Item>), Unavailable> {
        let number = list.index.map(|index| index.to_string()).unwrap_or_default();
        let has_prefix = !list.prefix.is_empty();
        let prefixed = if has_prefix { format!(" AND begins_with(sk{number}, :prefix)") } else { String::new() };
        let condition = format!("pk{number} = :pk{prefixed}");
        let mut query =
            self.client.query().table_name(&self.table).expression_attribute_values(":pk", text(&list.partition));
        if has_prefix {
            query = query.expression_attribute_values(":prefix", text(list.prefix));
        }
        query = match list.index {
            Some(index) => query.index_name(format!("index{index}")),
            None => query.consistent_read(true),
        };
        let query = query.key_condition_expression(condition).scan_index_forward(list.order == Order::OldestFirst);
        let query = query.limit(i32::try_from(limit).unwrap_or(i32::MAX)).set_exclusive_start_key(start);
        let answer = Box::pin(query.send()).await.map_err(unavailable)?;
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }
}
