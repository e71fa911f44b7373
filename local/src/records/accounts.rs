//! What the usage log adds up to.

use gateway_core::accounts::{DaySum, DaySumKey, Days, Dimension, RollUp, RollUpKey, Spent, SpentKey, Sums};
use gateway_core::id::UserId;
use gateway_core::money::{Nanodollars, WindowId};
use gateway_core::ports::{Accounts, Page, PageRequest, Unavailable};
use gateway_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, named_params};

use super::day_sums::add_day_sum;
use super::workers::Refusal;
use super::{SqliteRecords, page, rows, text_error};

/// What was spent in one window.
pub(super) const SPENT: &str = "SELECT counter, amount FROM spent WHERE period = :period";

/// Reads roll-ups of a day: what [`key`] and [`roll_up`] read.
macro_rules! roll_ups_of_day {
    ($which:literal) => {
        concat!(
            "SELECT user, token, model, provider, requests, input, cache_write_5m, cache_write_1h, cache_read, output, cost,
                 errors, estimated, unpriced
             FROM roll_up WHERE day = :day AND ",
            $which
        )
    };
}

/// One page of a day's roll-ups.
pub(super) const ROLL_UPS: &str = roll_ups_of_day!(
    "(user, token, model, provider) > (:user, :token, :model, :provider)
     ORDER BY user, token, model, provider LIMIT :limit"
);

/// One page of a person's roll-ups.
pub(super) const USER_ROLL_UPS: &str =
    "SELECT day, token, model, provider, requests, input, cache_write_5m, cache_write_1h, cache_read, output, cost,
         errors, estimated, unpriced
     FROM roll_up
     WHERE user = :user AND (day, token, model, provider) > (:day, :token, :model, :provider)
         AND day BETWEEN :first AND :last
     ORDER BY day, token, model, provider LIMIT :limit";

/// One roll-up.
const ROLL_UP: &str = roll_ups_of_day!("user = :user AND token = :token AND model = :model AND provider = :provider");

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

    async fn roll_ups(&self, day: &str, request: &PageRequest) -> Result<Page<(RollUpKey, RollUp)>, Unavailable> {
        let (day, request) = (day.to_owned(), request.clone());
        self.workers
            .read(move |connection| {
                let cursor = request.cursor.as_ref().map(|cursor| serde_json::from_str(&cursor.0));
                let (user, token, model, provider): (String, String, String, String) =
                    cursor.and_then(Result::ok).unwrap_or_default();
                let parameters = named_params! {
                    ":day": day, ":user": user, ":token": token, ":model": model, ":provider": provider,
                    ":limit": request.rows() + 1,
                };
                let found = rows(connection, ROLL_UPS, parameters, |row| Ok((key(&day, row)?, roll_up(row)?)))?;
                Ok(page(found, &request, |(key, _)| {
                    let RollUpKey { user, token, model, provider, .. } = key;
                    serde_json::json!([user, token, model, provider]).to_string()
                }))
            })
            .await
    }

    async fn user_roll_ups(
        &self,
        user: UserId,
        days: Days,
        request: &PageRequest,
    ) -> Result<Page<(RollUpKey, RollUp)>, Unavailable> {
        let request = request.clone();
        self.workers
            .read(move |connection| {
                let cursor = request.cursor.as_ref().map(|cursor| serde_json::from_str(&cursor.0));
                let (day, token, model, provider): (String, String, String, String) =
                    cursor.and_then(Result::ok).unwrap_or_default();
                let parameters = named_params! {
                    ":user": user.to_string(), ":day": day, ":token": token, ":model": model, ":provider": provider,
                    ":first": days.first(), ":last": days.last(), ":limit": request.rows() + 1,
                };
                let found =
                    rows(connection, USER_ROLL_UPS, parameters, |row| Ok((user_key(user, row)?, roll_up(row)?)))?;
                Ok(page(found, &request, |(key, _)| {
                    let RollUpKey { day, token, model, provider, .. } = key;
                    serde_json::json!([day, token, model, provider]).to_string()
                }))
            })
            .await
    }

    async fn day_sums(
        &self,
        dimension: Dimension,
        days: Days,
        request: &PageRequest,
    ) -> Result<Page<(DaySumKey, DaySum)>, Unavailable> {
        self.read_day_sums(dimension, days, request).await
    }
}

/// Adds to the sums, in the transaction that writes the events.
pub(super) fn add(connection: &Connection, sums: &Sums) -> Result<(), Refusal> {
    for (key, (amount, end)) in &sums.spent {
        add_spent(connection, key, *amount, *end)?;
    }
    for (key, added) in &sums.roll_ups {
        add_roll_up(connection, key, *added)?;
    }
    for (key, added) in &sums.days {
        add_day_sum(connection, key, added)?;
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

fn add_roll_up(connection: &Connection, key: &RollUpKey, added: RollUp) -> Result<(), Refusal> {
    let (user, token) = (key.user.to_string(), key.token.to_string());
    let parameters = named_params! {
        ":day": key.day, ":user": user, ":token": token, ":model": key.model, ":provider": key.provider,
    };
    let before = connection.prepare_cached(ROLL_UP)?.query_row(parameters, roll_up).optional()?;
    let sum = before.unwrap_or_default().plus(added);
    let sql = "INSERT OR REPLACE INTO roll_up (day, user, token, model, provider, requests, input, cache_write_5m,
                   cache_write_1h, cache_read, output, cost, errors, estimated, unpriced)
               VALUES (:day, :user, :token, :model, :provider, :requests, :input, :cache_write_5m, :cache_write_1h,
                   :cache_read, :output, :cost, :errors, :estimated, :unpriced)";
    connection.prepare_cached(sql)?.execute(named_params! {
        ":day": key.day, ":user": user, ":token": token, ":model": key.model, ":provider": key.provider,
        ":requests": sum.requests, ":input": sum.input, ":cache_write_5m": sum.cache_write_5m,
        ":cache_write_1h": sum.cache_write_1h, ":cache_read": sum.cache_read, ":output": sum.output,
        ":cost": sum.cost.0, ":errors": sum.errors, ":estimated": sum.estimated, ":unpriced": sum.unpriced,
    })?;
    Ok(())
}

fn key(day: &str, row: &Row) -> rusqlite::Result<RollUpKey> {
    let (user, token): (String, String) = (row.get(0)?, row.get(1)?);
    Ok(RollUpKey {
        day: day.to_owned(),
        user: user.parse().map_err(|error| text_error(0, error))?,
        token: token.parse().map_err(|error| text_error(1, error))?,
        model: row.get(2)?,
        provider: row.get(3)?,
    })
}

fn user_key(user: UserId, row: &Row) -> rusqlite::Result<RollUpKey> {
    let token: String = row.get(1)?;
    Ok(RollUpKey {
        day: row.get(0)?,
        user,
        token: token.parse().map_err(|error| text_error(1, error))?,
        model: row.get(2)?,
        provider: row.get(3)?,
    })
}

/// Reads what is added up: the columns after four that say of what.
pub(super) fn roll_up(row: &Row) -> rusqlite::Result<RollUp> {
    Ok(RollUp {
        requests: row.get(4)?,
        input: row.get(5)?,
        cache_write_5m: row.get(6)?,
        cache_write_1h: row.get(7)?,
        cache_read: row.get(8)?,
        output: row.get(9)?,
        cost: Nanodollars(row.get(10)?),
        errors: row.get(11)?,
        estimated: row.get(12)?,
        unpriced: row.get(13)?,
    })
}
