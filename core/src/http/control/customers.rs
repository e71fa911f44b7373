//! People's budgets as LiteLLM's customer API has them: `/customer/*`. A customer is a person, and their id the address.
//!
//! A customer has one budget. What is set here takes the place of all that was decided about the person; windows are named by LiteLLM's
//! durations.

use axum::Extension;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::amount::Amount;
use super::budgets::budget_problem;
use super::{address, change_problem, failed_change, invalid, unavailable};
use crate::control::{Actor, Administrator, Authority, ChangeError, Control, Customer};
use crate::http::json::{Member, Sent};
use crate::http::{Kind, Problem, json, query};
use crate::identity::Email;
use crate::money::{Limits, WindowKind};
use crate::time::Timestamp;

/// The most customers that one list has.
const MOST: usize = 10_000;

/// What is said of a customer. Of LiteLLM's other members none is taken: what would not be done is refused by name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    user_id: String,
    #[serde(default)]
    max_budget: Member<Amount>,
    budget_duration: Option<String>,
    blocked: Option<bool>,
}

/// A customer in LiteLLM's words.
#[derive(Serialize)]
struct Described {
    user_id: Email,
    alias: Option<String>,
    blocked: bool,
    /// What was spent in the window of the budget, or for ever without one.
    spend: Amount,
    litellm_budget_table: Option<DescribedBudget>,
}

#[derive(Serialize)]
struct DescribedBudget {
    max_budget: Amount,
    budget_duration: Option<&'static str>,
    budget_reset_at: Option<String>,
}

/// `POST /customer/new`: sets the budget of somebody who has none.
pub(super) async fn new<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    Extension(administrator): Extension<Administrator>,
    Sent(request): Sent<Request>,
) -> Result<Response<Body>, Problem> {
    let email = address(&request.user_id)?;
    if found(&control, &actor, &email).await?.is_some_and(|customer| !customer.limits.is_empty()) {
        return Err(Problem::new(Kind::Conflict, format!("{email} is a customer already; update them.")));
    }
    apply(&control, &actor, &administrator, &email, request).await
}

/// `POST /customer/update`: changes somebody's budget.
pub(super) async fn update<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    Extension(administrator): Extension<Administrator>,
    Sent(request): Sent<Request>,
) -> Result<Response<Body>, Problem> {
    let email = address(&request.user_id)?;
    if found(&control, &actor, &email).await?.is_none() {
        return Err(unknown(&email));
    }
    apply(&control, &actor, &administrator, &email, request).await
}

/// `GET /customer/info?end_user_id=`: tells about somebody.
pub(super) async fn info<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    RawQuery(raw): RawQuery,
) -> Result<Response<Body>, Problem> {
    let [id] = query::parse(raw.as_deref(), ["end_user_id"])?;
    let email = address(&id.unwrap_or_default())?;
    let customer = found(&control, &actor, &email).await?.ok_or_else(|| unknown(&email))?;
    Ok(json::answer(StatusCode::OK, &describe(&control, &customer)))
}

/// `GET /customer/list`: tells about everybody who has a budget of their own.
pub(super) async fn list<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
) -> Result<Response<Body>, Problem> {
    let customers = control.customers(MOST).await.map_err(|error| unavailable(&error, &actor))?;
    let described: Vec<Described> = customers.iter().map(|customer| describe(&control, customer)).collect();
    Ok(json::answer(StatusCode::OK, &described))
}

async fn found<A: Authority>(control: &Control<A>, actor: &Actor, email: &Email) -> Result<Option<Customer>, Problem> {
    control.customer(email).await.map_err(|error| unavailable(&error, actor))
}

async fn apply<A: Authority>(
    control: &Control<A>,
    actor: &Actor,
    administrator: &Administrator,
    email: &Email,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let window = request.budget_duration.as_deref().map(window).transpose()?;
    if window.is_some() && !matches!(request.max_budget, Member::Is(_)) {
        return Err(invalid("budget_duration goes with max_budget."));
    }
    // Who was blocked stays so whatever becomes of the rest, so that it can be asked for again.
    let problem = |error: ChangeError| change_problem(&error, email, actor);
    match request.blocked {
        Some(true) => control.suspend(actor, administrator, email, None, "blocked").await.map_err(problem)?,
        Some(false) => match control.lift(actor, administrator, email).await {
            Ok(()) | Err(ChangeError::NotFound) => {}
            Err(error) => return Err(failed_change(&error, actor)),
        },
        None => {}
    }
    let set = |limits: &mut Limits| match request.max_budget {
        Member::Is(Amount(limit)) => {
            // Without a duration that of the one budget there is stays.
            let only = (limits.len() == 1).then(|| limits.keys().next().copied()).flatten();
            *limits = Limits::from([(window.or(only).unwrap_or(WindowKind::Total), limit)]);
        }
        Member::Null => limits.clear(),
        // Somebody who is nothing but known.
        Member::Missing => {}
    };
    control.change_limits(actor, email, set).await.map_err(|error| budget_problem(&error, actor))?;
    let customer = found(control, actor, email).await?.ok_or_else(|| unknown(email))?;
    Ok(json::answer(StatusCode::OK, &describe(control, &customer)))
}

/// Returns the window of one of LiteLLM's durations.
fn window(duration: &str) -> Result<WindowKind, Problem> {
    match duration {
        "1d" | "24h" => Ok(WindowKind::Daily),
        "7d" => Ok(WindowKind::Weekly),
        "30d" | "1mo" => Ok(WindowKind::Monthly),
        other => Err(invalid(&format!(
            "budget_duration {other:?} is none of 1d, 24h, 7d, 30d and 1mo; without one the budget is for ever."
        ))),
    }
}

/// Returns LiteLLM's duration of a window.
const fn duration(window: WindowKind) -> Option<&'static str> {
    match window {
        WindowKind::Daily => Some("1d"),
        WindowKind::Weekly => Some("7d"),
        WindowKind::Monthly => Some("1mo"),
        WindowKind::Total => None,
    }
}

fn unknown(email: &Email) -> Problem {
    Problem::new(Kind::NotFound, format!("There is no customer {email}."))
}

fn describe<A: Authority>(control: &Control<A>, customer: &Customer) -> Described {
    let Customer { email, name, blocked, limits, spent } = customer;
    let budget = limits.first_key_value().map(|(window, limit)| DescribedBudget {
        max_budget: Amount(*limit),
        budget_duration: duration(*window),
        budget_reset_at: control.calendar().window(*window).end.map(Timestamp::rfc3339),
    });
    Described {
        user_id: email.clone(),
        alias: name.clone(),
        blocked: *blocked,
        spend: Amount(*spent),
        litellm_budget_table: budget,
    }
}
