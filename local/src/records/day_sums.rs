//! What everybody's calls add up to by day.

use gateway_core::accounts::{DaySum, DaySumKey};
use rusqlite::{Connection, OptionalExtension as _, named_params};

use super::json;
use super::sums::{timed, usage_columns};
use super::workers::Refusal;

/// One sum.
const DAY_SUM: &str = concat!(
    "SELECT ",
    usage_columns!(),
    ", first_byte, duration FROM day_sum WHERE dimension = :dimension AND day = :day AND name = :name"
);

/// Adds to a sum, in the dimension as the table calls it.
pub(super) fn add_day_sum(
    connection: &Connection,
    dimension: &str,
    key: &DaySumKey,
    added: &DaySum,
) -> Result<(), Refusal> {
    let parameters = named_params! {":dimension": dimension, ":day": key.day, ":name": key.name};
    let before = connection.prepare_cached(DAY_SUM)?.query_row(parameters, timed).optional()?;
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
