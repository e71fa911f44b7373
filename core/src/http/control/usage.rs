//! What was used and spent: one's own, `/api/usage/me`, and everybody's, `/api/admin/usage`, also as a table.

use axum::Extension;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use futures_util::future::join;
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::usage_row::{cells, header, own_row, row, sum, timed};
use super::{csv, invalid, person, unavailable};
use crate::accounts::{Breakdown, By, Days, Facts, Row};
use crate::control::{Actor, Authority, Control, Names, UsageError, UsageTable, Via};
use crate::http::{Kind, Problem, json, query};
use crate::money::{BudgetState, Calendar};
use crate::ports::{Spending, Totals, Users as _};
use crate::time::Timestamp;

/// How many days are told of when none are asked for.
const DEFAULT_DAYS: u32 = 30;

/// The most days of one question: a year, and what it is compared with.
const MOST_DAYS: usize = 400;

/// How many rows are told when no number is asked for.
const DEFAULT_ROWS: usize = 200;

/// The most rows of one answer. A table has all of them.
const MOST_ROWS: usize = 1000;

/// What administrators ask for.
struct Asked {
    days: Days,
    breakdown: Breakdown,
    limit: usize,
}

/// `GET /api/usage/me?from=&to=`: what the caller used and spent by day, model and token, and how their budgets stand, in dollars.
pub(super) async fn own<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    RawQuery(raw): RawQuery,
) -> Result<Response<Body>, Problem> {
    let [from, to] = query::parse_filled(raw.as_deref(), ["from", "to"])?;
    let calendar = control.calendar();
    let days = days(from.as_deref(), to.as_deref(), &calendar)?;
    let id = person(&actor)?;
    let token = match actor.via {
        Via::Bearer { token, .. } => Some(token),
        Via::Session { .. } | Via::Directory | Via::Front => None,
    };
    let unknown = || Problem::new(Kind::NotFound, "The records do not know you.");
    let user = control.records().user(id).await.map_err(|error| unavailable(&error, &actor))?;
    let email = user.ok_or_else(unknown)?.value.email;
    control.catch_up().await;
    let (spending, rows) = join(control.spending(id, token, &calendar), control.own_usage(id, days)).await;
    let spending = spending.map_err(|error| unavailable(&error, &actor))?.ok_or_else(unknown)?;
    let rows = rows.map_err(|error| problem(&error, &actor))?;
    let names = control.names(&Breakdown::of(&[By::Token]), &rows).await;
    let names = names.map_err(|error| unavailable(&error, &actor))?;
    let mut body = told_of(&control, days, &calendar);
    body.extend(standing(&spending, &calendar));
    body.insert("user_id".to_owned(), json!(id));
    body.insert("user_email".to_owned(), json!(email));
    body.extend(own_sums(&rows, &names));
    Ok(json::answer(StatusCode::OK, &body))
}

/// `GET /api/admin/usage?from=&to=&by=&limit=`: what everybody used and spent, by what is asked for.
pub(super) async fn list<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    RawQuery(raw): RawQuery,
) -> Result<Response<Body>, Problem> {
    let calendar = control.calendar();
    let [from, to, by, limit] = query::parse_filled(raw.as_deref(), ["from", "to", "by", "limit"])?;
    let asked = Asked {
        days: days(from.as_deref(), to.as_deref(), &calendar)?,
        breakdown: breakdown(by.as_deref())?,
        limit: row_limit(limit.as_deref())?,
    };
    let (UsageTable { total, rows }, names, more) = table(&control, &actor, &asked).await?;
    let mut body = told_of(&control, asked.days, &calendar);
    let by: Vec<&str> = asked.breakdown.things().iter().map(|thing| thing.name()).collect();
    body.insert("by".to_owned(), json!(by));
    body.insert("total".to_owned(), timed(&total).into());
    body.insert("rows".to_owned(), rows.iter().map(|told| row(&asked.breakdown, told, &names)).collect());
    body.insert("more".to_owned(), json!(more));
    Ok(json::answer(StatusCode::OK, &body))
}

/// `GET /api/admin/usage.csv?from=&to=&by=`: all of the same rows as a table; by nothing, the total.
pub(super) async fn export<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    RawQuery(raw): RawQuery,
) -> Result<Response<Body>, Problem> {
    let [from, to, by] = query::parse_filled(raw.as_deref(), ["from", "to", "by"])?;
    let days = days(from.as_deref(), to.as_deref(), &control.calendar())?;
    let asked = Asked { days, breakdown: breakdown(by.as_deref())?, limit: usize::MAX };
    let (UsageTable { total, mut rows }, names, _) = table(&control, &actor, &asked).await?;
    if asked.breakdown.things().is_empty() {
        rows.push(Row { facts: Facts::default(), sum: total });
    }
    let mut table = String::new();
    csv::write_row(&mut table, &header(&asked.breakdown));
    for told in &rows {
        csv::write_row(&mut table, &cells(&asked.breakdown, told, &names));
        if table.len() > csv::LARGEST {
            return Err(invalid("The table is larger than one answer. Ask for fewer days."));
        }
    }
    Ok(csv::answer(table, &format!("usage-{}-{}.csv", days.first(), days.last())))
}

/// Adds up what is asked for, finds out what the rows that are told are called, and says how many are not.
async fn table<A: Authority>(
    control: &Control<A>,
    actor: &Extension<Actor>,
    asked: &Asked,
) -> Result<(UsageTable, Names, usize), Problem> {
    control.catch_up().await;
    let table = control.usage_table(asked.days, &asked.breakdown).await;
    let mut table = table.map_err(|error| problem(&error, actor))?;
    let more = table.rows.len().saturating_sub(asked.limit);
    table.rows.truncate(asked.limit);
    let names = control.names(&asked.breakdown, &table.rows).await.map_err(|error| unavailable(&error, actor))?;
    Ok((table, names, more))
}

/// Says which days an answer is about.
fn told_of<A: Authority>(control: &Control<A>, days: Days, calendar: &Calendar) -> Map<String, Value> {
    let about = [
        ("from", json!(days.first())),
        ("to", json!(days.last())),
        ("today", json!(calendar.day())),
        ("time_zone", json!(control.config().calendar.time_zone)),
    ];
    about.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Says what somebody spent in the running windows, and how their budgets stand.
fn standing(spending: &Spending, calendar: &Calendar) -> Map<String, Value> {
    let spend: Map<String, Value> = spending
        .windows
        .iter()
        .map(|(kind, totals)| (kind.name().to_owned(), window(*totals, calendar.window(*kind).end)))
        .collect();
    let budgets: Vec<Value> = spending.budgets.iter().map(budget).collect();
    [("spend".to_owned(), spend.into()), ("budgets".to_owned(), budgets.into())].into_iter().collect()
}

/// Adds somebody's rows up in each way that they are shown.
fn own_sums(rows: &[Row], names: &Names) -> Map<String, Value> {
    let total = Row::total(rows);
    let by = |things: &[By]| -> Value {
        let breakdown = Breakdown::of(things);
        breakdown.rows(rows.iter().cloned()).iter().map(|row| own_row(&breakdown, row, names)).collect()
    };
    let sums = [
        ("total", Value::from(sum(&total.usage))),
        ("days", by(&[By::Day])),
        ("models", by(&[By::Model, By::Provider])),
        ("tokens", by(&[By::Token])),
        ("days_by_model", by(&[By::Day, By::Model])),
    ];
    sums.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn days(from: Option<&str>, to: Option<&str>, calendar: &Calendar) -> Result<Days, Problem> {
    let day = |name: &str, text: &str| {
        let refused = || invalid(&format!("{name} must be a day such as 2026-11-23."));
        Days::parse(text).ok_or_else(refused)
    };
    let to = day("to", to.unwrap_or(calendar.day()))?;
    let Some(from) = from else { return Ok(Days::up_to(to, DEFAULT_DAYS)) };
    let days = Days::new(day("from", from)?, to).ok_or_else(|| invalid("from must not be after to."))?;
    if days.count() > MOST_DAYS {
        return Err(invalid(&format!("There may be {MOST_DAYS} days at most from from to to.")));
    }
    Ok(days)
}

fn breakdown(by: Option<&str>) -> Result<Breakdown, Problem> {
    let Some(by) = by else { return Ok(Breakdown::default()) };
    Breakdown::parse(by).map_err(|error| invalid(&format!("by: {error}.")))
}

fn row_limit(text: Option<&str>) -> Result<usize, Problem> {
    let Some(text) = text else { return Ok(DEFAULT_ROWS) };
    let limit = text.parse().ok().filter(|limit| (1..=MOST_ROWS).contains(limit));
    limit.ok_or_else(|| invalid(&format!("limit must be between 1 and {MOST_ROWS}.")))
}

fn problem(error: &UsageError, actor: &Actor) -> Problem {
    match error {
        UsageError::TooMuch => invalid("There is too much to add up. Ask for fewer days, or by less."),
        UsageError::Unavailable(error) => unavailable(error, actor),
    }
}

fn window(Totals { spent, held }: Totals, reset: Option<Timestamp>) -> Value {
    json!({"spent": spent.to_string(), "held": held.to_string(), "reset": reset})
}

fn budget(state: &BudgetState) -> Value {
    json!({
        "scope": state.budget.scope,
        "window": state.budget.window,
        "limit": state.budget.limit.to_string(),
        "spent": state.spent.to_string(),
        "held": state.held.to_string(),
        "reset": state.reset,
        "source": state.source,
    })
}
