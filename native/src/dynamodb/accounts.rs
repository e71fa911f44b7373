//! What the usage log adds up to.

use gateway_core::accounts::{RollUp, RollUpKey, Spent, SpentKey};
use gateway_core::memory::WINDOW_REMEMBERED;
use gateway_core::money::{Nanodollars, WindowId};
use gateway_core::ports::{Accounts, Page, PageRequest, Unavailable};
use gateway_core::time::Timestamp;

use super::call::{Change, unavailable};
use super::item::{Item, body, json, number, number_of, text, text_of};
use super::key::{Key, hash};
use super::list::{List, Order};
use super::{DynamoRecords, NAME};

/// Separates what a roll-up is by; sorts before every character of a name.
const SEPARATOR: char = '\u{0}';

/// The condition that a batch has not been added to a sum.
const NOT_BOOKED: &str = "attribute_not_exists(booked) OR booked < :booked";

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

    async fn roll_ups(&self, day: &str, request: &PageRequest) -> Result<Page<(RollUpKey, RollUp)>, Unavailable> {
        let list = List {
            index: None,
            partition: date(day),
            prefix: "",
            order: Order::OldestFirst,
            is_sparse: false,
            start: &|cursor| Key::new(date(day), cursor).item(),
            record: &|_| None,
        };
        self.page(&list, request, roll_up, |_| true).await
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
    Change { key: Key::new(period(&key.window), hash(&[&counter])), update, condition: Some(NOT_BOOKED), values }
}

/// Returns the change that adds to a roll-up, for the books' batch of this number.
pub(super) fn add_roll_up(key: &RollUpKey, added: &RollUp, batch: u64) -> Change {
    let values = vec![
        (":booked", number(batch)),
        (":body", json(key)),
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
    ];
    Change {
        key: Key::new(date(&key.day), sort_key(key)),
        update: "SET booked = :booked, body = :body ADD requests :requests, #input :input, cache_write_5m :w5, \
                 cache_write_1h :w1, cache_read :read, generated :generated, cost :cost, errors :errors, \
                 estimated :estimated, unpriced :unpriced",
        condition: Some(NOT_BOOKED),
        values,
    }
}

fn period(window: &WindowId) -> String {
    format!("SPENT#{}", window.0)
}

fn date(day: &str) -> String {
    format!("ROLLUP#{day}")
}

fn sort_key(key: &RollUpKey) -> String {
    let RollUpKey { user, token, model, provider, .. } = key;
    format!("{user}{SEPARATOR}{token}{SEPARATOR}{model}{SEPARATOR}{provider}")
}

fn roll_up(item: &Item) -> Result<(RollUpKey, RollUp), Unavailable> {
    let sum = RollUp {
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
    };
    Ok((body(item)?, sum))
}
