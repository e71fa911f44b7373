//! What the usage log adds up to.

use gateway_core::accounts::{self, DaySumKey, Days, RollUp, RollUpKey, Spent, SpentKey, SumQuery, Sums};
use gateway_core::money::{Nanodollars, WindowId};
use gateway_core::ports::{Accounts, Unavailable};
use gateway_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, named_params};

use super::day_sums::add_day_sum;
use super::sums::{usage, usage_columns};
use super::weeks::dimension_of_weeks;
use super::workers::Refusal;
use super::{SqliteRecords, rows, text_error};

/// What was spent in one window.
pub(super) const SPENT: &str = "SELECT counter, amount FROM spent WHERE period = :period";

/// How one roll-up is read, and written.
struct RollUps {
    read: &'static str,
    write: &'static str,
}

macro_rules! roll_ups {
    ($table:literal) => {
        RollUps {
            read: concat!(
                "SELECT ",
                usage_columns!(),
                " FROM ",
                $table,
                " WHERE day = :day AND user = :user AND token = :token AND model = :model AND provider = :provider"
            ),
            write: concat!(
                "INSERT OR REPLACE INTO ",
                $table,
                " (day, user, token, model, provider, requests, input, cache_write_5m,
                      cache_write_1h, cache_read, output, cost, errors, estimated, unpriced)
                  VALUES (:day, :user, :token, :model, :provider, :requests, :input, :cache_write_5m, :cache_write_1h,
                      :cache_read, :output, :cost, :errors, :estimated, :unpriced)"
            ),
        }
    };
}

/// Those of days.
const DAYS: RollUps = roll_ups!("roll_up");

/// Those of weeks.
const WEEKS: RollUps = roll_ups!("roll_up_week");

impl Accounts for SqliteRecords {
    async fn spent(&self, windows: &[WindowId]) -> Result<Vec<Spent>, Unavailable> {
        let windows = windows.to_vec();
        self.workers
            .read(move |connection| {
                let mut spent = Vec::new();
                for window in windows {
                    let read = |row: &Row| Ok((row.get::<_, String>(0)?, Nanodollars(row.get(1)?)));
                    for (counter, amount) in rows(connection, SPENT, named_params! {":period": window.0}, read)? {
                        let counter = counter.parse().map_err(|error| text_error(0, error))?;
                        spent.push(Spent { key: SpentKey { window: window.clone(), counter }, amount });
                    }
                }
                Ok(spent)
            })
            .await
    }

    async fn sums(&self, query: &SumQuery) -> Result<Option<Vec<accounts::Row>>, Unavailable> {
        let query = query.clone();
        self.workers.read(move |connection| super::sums::sums(connection, &query)).await
    }
}

/// Adds to the sums, in the transaction that writes the events.
pub(super) fn add(connection: &Connection, sums: &Sums) -> Result<(), Refusal> {
    for (key, (amount, end)) in &sums.spent {
        add_spent(connection, key, *amount, *end)?;
    }
    for (key, added) in &sums.roll_ups {
        add_roll_up(connection, &DAYS, key, *added)?;
        if let Some(day) = Days::week_of(&key.day) {
            add_roll_up(connection, &WEEKS, &RollUpKey { day, ..key.clone() }, *added)?;
        }
    }
    for (key, added) in &sums.days {
        add_day_sum(connection, key.dimension.name(), key, added)?;
        if let (Some(dimension), Some(day)) = (dimension_of_weeks(key.dimension), Days::week_of(&key.day)) {
            add_day_sum(connection, dimension, &DaySumKey { day, ..key.clone() }, added)?;
        }
    }
    Ok(())
}

// SQLite's own sums would become floating-point numbers where they overflow.
fn add_spent(
    connection: &Connection,
    SpentKey { window, counter }: &SpentKey,
    amount: Nanodollars,
    end: Option<Timestamp>,
) -> Result<(), Refusal> {
    let counter = counter.to_string();
    let sum = "SELECT amount FROM spent WHERE period = :period AND counter = :counter";
    let sum: Option<i64> = connection
        .prepare_cached(sum)?
        .query_row(named_params! {":period": window.0, ":counter": counter}, |row| row.get(0))
        .optional()?;
    let sql = "INSERT OR REPLACE INTO spent (period, counter, amount, ends) VALUES (:period, :counter, :amount, :ends)";
    connection.prepare_cached(sql)?.execute(named_params! {
        ":period": window.0,
        ":counter": counter,
        ":amount": Nanodollars(sum.unwrap_or(0)).plus(amount).0,
        ":ends": end.map(|end| end.0),
    })?;
    Ok(())
}

fn add_roll_up(connection: &Connection, to: &RollUps, key: &RollUpKey, added: RollUp) -> Result<(), Refusal> {
    let (user, token) = (key.user.to_string(), key.token.to_string());
    let parameters = named_params! {
        ":day": key.day, ":user": user, ":token": token, ":model": key.model, ":provider": key.provider,
    };
    let before = connection.prepare_cached(to.read)?.query_row(parameters, usage).optional()?;
    let sum = before.unwrap_or_default().plus(added);
    connection.prepare_cached(to.write)?.execute(named_params! {
        ":day": key.day, ":user": user, ":token": token, ":model": key.model, ":provider": key.provider,
        ":requests": sum.requests, ":input": sum.input, ":cache_write_5m": sum.cache_write_5m,
        ":cache_write_1h": sum.cache_write_1h, ":cache_read": sum.cache_read, ":output": sum.output,
        ":cost": sum.cost.0, ":errors": sum.errors, ":estimated": sum.estimated, ":unpriced": sum.unpriced,
    })?;
    Ok(())
}
