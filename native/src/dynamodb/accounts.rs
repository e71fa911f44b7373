//! What the usage log adds up to.

use aws_sdk_dynamodb::types::AttributeValue;
use gateway_core::accounts::{RollUp, RollUpKey, Row, Spent, SpentKey, SumQuery};
use gateway_core::id::UserId;
use gateway_core::memory::WINDOW_REMEMBERED;
use gateway_core::money::{Nanodollars, WindowId};
use gateway_core::ports::{Accounts, Unavailable};
use gateway_core::time::Timestamp;

use super::call::{Change, unavailable};
use super::item::{Item, body, json, number, number_of, text, text_of};
use super::key::{Key, hash};
use super::{DynamoRecords, NAME};

/// Separates what a sum is by; sorts before every character of a name.
pub(super) const SEPARATOR: char = '\u{0}';

/// The condition that a batch has not been added to a sum.
pub(super) const NOT_BOOKED: &str = "attribute_not_exists(booked) OR booked < :booked";

/// The update that adds to what is added up, to be put behind what it sets.
macro_rules! add_usage {
    () => {
        "ADD requests :requests, #input :input, cache_write_5m :w5, cache_write_1h :w1, cache_read :read, \
         generated :generated, cost :cost, errors :errors, estimated :estimated, unpriced :unpriced"
    };
}
pub(super) use add_usage;

impl Accounts for DynamoRecords {
    async fn spent(&self, windows: &[WindowId]) -> Result<Vec<Spent>, Unavailable> {
        let mut spent = Vec::new();
        for window in windows {
            let query = self.client.query().table_name(&self.table).consistent_read(true);
            let query =
                query.key_condition_expression("pk = :pk").expression_attribute_values(":pk", text(period(window)));
            let mut items = query.into_paginator().items().send();
            while let Some(item) = items.next().await {
                let item = item.map_err(unavailable)?;
                let counter = text_of(&item, "counter")?.parse().map_err(|error| Unavailable::new(NAME, error))?;
                let key = SpentKey { window: window.clone(), counter };
                spent.push(Spent { key, amount: Nanodollars(number_of(&item, "amount")?) });
            }
        }
        Ok(spent)
    }

    async fn sums(&self, query: &SumQuery) -> Result<Option<Vec<Row>>, Unavailable> {
        self.read_sums(query).await
    }
}

/// Returns the change that adds to what somebody spent in a window, for the books' batch of this number. It is made once,
/// however often it is asked for.
pub(super) fn add_spent(key: &SpentKey, amount: Nanodollars, end: Option<Timestamp>, batch: u64) -> Change {
    let counter = key.counter.to_string();
    let mut values = vec![(":amount", number(amount.0)), (":booked", number(batch)), (":counter", text(&counter))];
    let mut update = "SET booked = :booked, #counter = :counter ADD amount :amount";
    if let Some(end) = end {
        update = "SET booked = :booked, #counter = :counter, #ttl = :ttl ADD amount :amount";
        values.push((":ttl", number(end.plus(WINDOW_REMEMBERED).0)));
    }
    Change {
        key: Key::new(period(&key.window), hash(&[&counter])),
        update,
        condition: Some(NOT_BOOKED),
        values,
        added: Vec::new(),
    }
}

/// Returns the change that adds to a roll-up, for the books' batch of this number.
pub(super) fn add_roll_up(key: &RollUpKey, added: &RollUp, batch: u64) -> Change {
    let RollUpKey { token, model, provider, .. } = key;
    let place = format!("{}{SEPARATOR}{token}{SEPARATOR}{model}{SEPARATOR}{provider}", key.day);
    let own =
        [(":booked", number(batch)), (":body", json(key)), (":own", text(own(key.user))), (":place", text(place))];
    Change {
        key: Key::new(date(&key.day), sort_key(key)),
        update: concat!("SET booked = :booked, body = :body, pk1 = :own, sk1 = :place ", add_usage!()),
        condition: Some(NOT_BOOKED),
        values: own.into_iter().chain(usage_values(added)).collect(),
        added: Vec::new(),
    }
}

/// Returns what is added to a sum, by the names in [`add_usage`].
pub(super) fn usage_values(added: &RollUp) -> [(&'static str, AttributeValue); 10] {
    [
        (":requests", number(added.requests)),
        (":input", number(added.input)),
        (":w5", number(added.cache_write_5m)),
        (":w1", number(added.cache_write_1h)),
        (":read", number(added.cache_read)),
        (":generated", number(added.output)),
        (":cost", number(added.cost.0)),
        (":errors", number(added.errors)),
        (":estimated", number(added.estimated)),
        (":unpriced", number(added.unpriced)),
    ]
}

fn period(window: &WindowId) -> String {
    format!("SPENT#{}", window.0)
}

/// Returns the partition of a person's roll-ups, in the first index.
pub(super) fn own(user: UserId) -> String {
    format!("ROLLUPS#{user}")
}

/// Returns the partition of a day's roll-ups.
pub(super) fn date(day: &str) -> String {
    format!("ROLLUP#{day}")
}

fn sort_key(key: &RollUpKey) -> String {
    let RollUpKey { user, token, model, provider, .. } = key;
    format!("{user}{SEPARATOR}{token}{SEPARATOR}{model}{SEPARATOR}{provider}")
}

pub(super) fn roll_up(item: &Item) -> Result<(RollUpKey, RollUp), Unavailable> {
    Ok((body(item)?, usage(item)?))
}

/// Reads what is added up.
pub(super) fn usage(item: &Item) -> Result<RollUp, Unavailable> {
    Ok(RollUp {
        requests: number_of(item, "requests")?,
        input: number_of(item, "input")?,
        cache_write_5m: number_of(item, "cache_write_5m")?,
        cache_write_1h: number_of(item, "cache_write_1h")?,
        cache_read: number_of(item, "cache_read")?,
        output: number_of(item, "generated")?,
        cost: Nanodollars(number_of(item, "cost")?),
        errors: number_of(item, "errors")?,
        estimated: number_of(item, "estimated")?,
        unpriced: number_of(item, "unpriced")?,
    })
}
