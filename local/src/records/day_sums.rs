//! What everybody's calls add up to by day.

use gateway_core::accounts::{DaySum, DaySumKey, Days, Dimension, Latency};
use gateway_core::ports::{Page, PageRequest, Unavailable};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params};

use super::accounts::roll_up;
use super::workers::Refusal;
use super::{SqliteRecords, body, json, page, rows};

/// Reads sums: what [`sum`] reads.
macro_rules! sums {
    ($which:literal) => {
        concat!(
            "SELECT day, name, first_byte, duration, requests, input, cache_write_5m, cache_write_1h, cache_read, output,
                 cost, errors, estimated, unpriced
             FROM day_sum WHERE dimension = :dimension AND ",
            $which
        )
    };
}

/// One page of some days' sums.
pub(super) const DAY_SUMS: &str =
    sums!("(day, name) > (:day, :name) AND day BETWEEN :first AND :last ORDER BY day, name LIMIT :limit");

/// One sum.
const DAY_SUM: &str = sums!("day = :day AND name = :name");

impl SqliteRecords {
    pub(super) async fn read_day_sums(
        &self,
        dimension: Dimension,
        days: Days,
        request: &PageRequest,
    ) -> Result<Page<(DaySumKey, DaySum)>, Unavailable> {
        let request = request.clone();
        self.workers
            .read(move |connection| {
                let cursor = request.cursor.as_ref().map(|cursor| serde_json::from_str(&cursor.0));
                let (day, name): (String, String) = cursor.and_then(Result::ok).unwrap_or_default();
                let parameters = named_params! {
                    ":dimension": dimension.name(), ":day": day, ":name": name, ":first": days.first(),
                    ":last": days.last(), ":limit": request.rows() + 1,
                };
                let found = rows(connection, DAY_SUMS, parameters, |row| {
                    Ok((DaySumKey { dimension, day: row.get(0)?, name: row.get(1)? }, sum(row)?))
                })?;
                Ok(page(found, &request, |(key, _)| serde_json::json!([key.day, key.name]).to_string()))
            })
            .await
    }
}

/// Adds to a sum.
pub(super) fn add_day_sum(connection: &Connection, key: &DaySumKey, added: &DaySum) -> Result<(), Refusal> {
    let dimension = key.dimension.name();
    let parameters = named_params! {":dimension": dimension, ":day": key.day, ":name": key.name};
    let before = connection.prepare_cached(DAY_SUM)?.query_row(parameters, sum).optional()?;
    let mut next = before.unwrap_or_default();
    next.add(added);
    let usage = next.usage;
    let sql = "INSERT OR REPLACE INTO day_sum (dimension, day, name, first_byte, duration, requests, input,
                   cache_write_5m, cache_write_1h, cache_read, output, cost, errors, estimated, unpriced)
               VALUES (:dimension, :day, :name, :first_byte, :duration, :requests, :input, :cache_write_5m,
                   :cache_write_1h, :cache_read, :output, :cost, :errors, :estimated, :unpriced)";
    connection.prepare_cached(sql)?.execute(named_params! {
        ":dimension": dimension, ":day": key.day, ":name": key.name,
        ":first_byte": json(&next.latency.first_byte)?, ":duration": json(&next.latency.duration)?,
        ":requests": usage.requests, ":input": usage.input, ":cache_write_5m": usage.cache_write_5m,
        ":cache_write_1h": usage.cache_write_1h, ":cache_read": usage.cache_read, ":output": usage.output,
        ":cost": usage.cost.0, ":errors": usage.errors, ":estimated": usage.estimated, ":unpriced": usage.unpriced,
    })?;
    Ok(())
}

fn sum(row: &Row) -> rusqlite::Result<DaySum> {
    let latency = Latency { first_byte: body(row, 2)?, duration: body(row, 3)? };
    Ok(DaySum { usage: roll_up(row)?, latency })
}
