//! How sums are written, in JSON and as tables.

use serde_json::{Map, Value, json};

use crate::accounts::{Breakdown, By, DaySum, Dimension, Facts, Histogram, Latency, RollUp, Row};
use crate::control::Names;

/// What a sum has in a table, in this order.
const MEMBERS: [&str; 10] = [
    "requests",
    "errors",
    "estimated",
    "unpriced",
    "input_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "cache_read_tokens",
    "output_tokens",
    "cost",
];

/// Says what a sum has, in the order of [`MEMBERS`]; the cost in dollars, as a text.
fn values(usage: &RollUp) -> [Value; 10] {
    [
        json!(usage.requests),
        json!(usage.errors),
        json!(usage.estimated),
        json!(usage.unpriced),
        json!(usage.input),
        json!(usage.cache_write_5m),
        json!(usage.cache_write_1h),
        json!(usage.cache_read),
        json!(usage.output),
        json!(usage.cost.to_string()),
    ]
}

/// Writes a sum.
pub(super) fn sum(usage: &RollUp) -> Map<String, Value> {
    MEMBERS.iter().map(|name| (*name).to_owned()).zip(values(usage)).collect()
}

/// Writes a sum with how long it took.
pub(super) fn timed(sum_of_days: &DaySum) -> Map<String, Value> {
    let mut written = sum(&sum_of_days.usage);
    let Latency { first_byte, duration } = &sum_of_days.latency;
    let latency = json!({"first_byte_ms": percentiles(first_byte), "duration_ms": percentiles(duration)});
    written.insert("latency".to_owned(), latency);
    written
}

fn percentiles(histogram: &Histogram) -> Value {
    json!({
        "count": histogram.count(),
        "p50": histogram.percentile(50),
        "p95": histogram.percentile(95),
        "p99": histogram.percentile(99),
    })
}

/// Writes a row: what it is about, and its sum, with how long it took where that is kept.
pub(super) fn row(breakdown: &Breakdown, row: &Row, names: &Names) -> Map<String, Value> {
    let is_timed = breakdown.dimension().is_some_and(Dimension::has_latency);
    let mut written = if is_timed { timed(&row.sum) } else { sum(&row.sum.usage) };
    written.extend(facts(breakdown, row, names).into_iter().map(|(name, value)| (name.to_owned(), value)));
    written
}

/// Writes a row of somebody who knows who they are.
pub(super) fn own_row(breakdown: &Breakdown, row: &Row, names: &Names) -> Map<String, Value> {
    let facts = facts(breakdown, row, names).into_iter().filter(|(name, _)| *name != "user_email");
    facts.map(|(name, value)| (name.to_owned(), value)).chain(sum(&row.sum.usage)).collect()
}

/// Writes the first line of a table.
pub(super) fn header(breakdown: &Breakdown) -> Vec<String> {
    let nothing = Row { facts: Facts::default(), sum: DaySum::default() };
    let facts = facts(breakdown, &nothing, &Names::default());
    facts.into_iter().map(|(name, _)| name).chain(MEMBERS).map(str::to_owned).collect()
}

/// Writes a line of a table.
pub(super) fn cells(breakdown: &Breakdown, row: &Row, names: &Names) -> Vec<String> {
    let facts = facts(breakdown, row, names).into_iter().map(|(_, value)| value);
    facts.chain(values(&row.sum.usage)).map(|value| text(&value)).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        value => value.to_string(),
    }
}

/// Says what a row is about, in the order asked for. A person who was erased has no name, nor has a token that was forgotten.
fn facts(breakdown: &Breakdown, row: &Row, names: &Names) -> Vec<(&'static str, Value)> {
    let facts = &row.facts;
    let person = facts.user.and_then(|id| names.people.get(&id));
    let email = json!(person.map(|person| &person.email));
    let mut told = Vec::new();
    for thing in breakdown.things() {
        match thing {
            By::Day => told.push(("day", json!(facts.day))),
            By::User => {
                told.push(("user_id", json!(facts.user)));
                told.push(("user_email", email.clone()));
                told.push(("user_name", json!(person.and_then(|person| person.name.as_ref()))));
            }
            By::Token => {
                let token = facts.token.and_then(|id| names.tokens.get(&id));
                told.push(("token_id", json!(facts.token)));
                told.push(("token_name", json!(token.map(|token| &token.name))));
                if !breakdown.has(By::User) {
                    told.push(("user_email", email.clone()));
                }
            }
            By::Model => told.push(("model", json!(facts.model))),
            By::Provider => told.push(("provider", json!(facts.provider))),
            By::Group => told.push(("group", json!(facts.group))),
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::fixture::{token, token_id, user, user_id};
    use crate::money::Nanodollars;

    fn somebodys() -> (Row, Names) {
        let usage = RollUp { requests: 2, cost: Nanodollars(1_234_567_890), ..RollUp::default() };
        let facts = Facts { user: Some(user_id(1)), token: Some(token_id(2)), ..Facts::default() };
        let names = Names { people: [(user_id(1), user(1))].into(), tokens: [(token_id(2), token(1, 2))].into() };
        (Row { facts, sum: DaySum { usage, ..DaySum::default() } }, names)
    }

    #[test]
    fn says_whose_a_token_is_once() {
        let (sum, names) = somebodys();
        for (by, expected) in [
            ("token", vec!["token_id", "token_name", "user_email"]),
            ("user", vec!["user_id", "user_email", "user_name"]),
            ("token,user", vec!["token_id", "token_name", "user_id", "user_email", "user_name"]),
        ] {
            let by = Breakdown::parse(by).unwrap();
            assert_eq!(header(&by), [&expected[..], &MEMBERS].concat());
            assert_eq!(cells(&by, &sum, &names).len(), header(&by).len());
            assert_eq!(row(&by, &sum, &names)["user_email"], json!("user1@example.com"));
        }
    }

    #[test]
    fn has_no_names_of_what_nobody_knows() {
        let (sum, _) = somebodys();
        let by = Breakdown::parse("user,token").unwrap();
        let told = row(&by, &sum, &Names::default());
        assert_eq!((&told["user_id"], &told["user_email"]), (&json!(user_id(1)), &Value::Null));
        assert_eq!((&told["token_name"], &told["cost"]), (&Value::Null, &json!("1.23456789")));
        assert!(!told.contains_key("latency"), "it is not kept by person");
    }
}
