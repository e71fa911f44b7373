//! Budgets: `/api/admin/budgets`.

use axum::Extension;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::amount::Amount;
use super::paging::Paging;
use super::{failed_change, invalid, unavailable};
use crate::control::{Actor, Authority, BudgetError, ChangeError, Control, ListedBudget};
use crate::http::json::Sent;
use crate::http::{Kind, Problem, json, query};
use crate::money::{Budget, BudgetScope, WindowKind};

/// Longest name of a group, in bytes. Identity providers' are far shorter.
const MAX_GROUP: usize = 256;

/// A body that sets a budget.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetRequest {
    scope: String,
    window: WindowKind,
    amount: Amount,
}

/// A body that takes one away.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RemoveRequest {
    scope: String,
    window: WindowKind,
}

/// `GET /api/admin/budgets?scope=&limit=&cursor=`: budgets, and how they stand. The first page has those of groups, of tokens, for
/// everybody and of the configuration; each has some people's own.
pub(super) async fn list<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    RawQuery(raw): RawQuery,
) -> Result<Response<Body>, Problem> {
    let [scope, limit, cursor] = query::parse_filled(raw.as_deref(), ["scope", "limit", "cursor"])?;
    let paging = Paging::of(&control, "budgets", "", limit.as_deref(), cursor.as_deref())?;
    let (budgets, next) = match scope {
        Some(scope) => (control.budgets_of(&parsed(scope)?).await, None),
        None => match control.budgets(&paging.page).await {
            Ok(page) => (Ok(page.items), paging.next(page.next.as_ref())),
            Err(error) => (Err(error), None),
        },
    };
    let budgets = budgets.map_err(|error| unavailable(&error, &actor))?;
    let budgets: Vec<Value> = budgets.iter().map(describe).collect();
    Ok(json::answer(StatusCode::OK, &json!({"budgets": budgets, "next_cursor": next})))
}

/// `PUT /api/admin/budgets`: sets a budget, in place of the one of its scope and window; it holds for the next call.
pub(super) async fn set<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    Sent(SetRequest { scope, window, amount: Amount(limit) }): Sent<SetRequest>,
) -> Result<Response<Body>, Problem> {
    let budget = Budget { scope: parsed(scope)?, window, limit };
    control.set_budget(&actor, &budget).await.map_err(|error| budget_problem(&error, &actor))?;
    let of_scope = control.budgets_of(&budget.scope).await.map_err(|error| unavailable(&error, &actor))?;
    let listed = of_scope.iter().find(|listed| listed.budget.window == window).map(describe);
    Ok(json::answer(StatusCode::OK, &json!({"message": "Budget set", "budget": listed})))
}

/// `DELETE /api/admin/budgets`: takes a budget away.
pub(super) async fn remove<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    Sent(RemoveRequest { scope, window }): Sent<RemoveRequest>,
) -> Result<Response<Body>, Problem> {
    let scope = parsed(scope)?;
    control.remove_budget(&actor, &scope, window).await.map_err(|error| budget_problem(&error, &actor))?;
    Ok(json::answer(StatusCode::OK, &json!({"message": "Budget removed", "scope": scope, "window": window})))
}

fn parsed(scope: String) -> Result<BudgetScope, Problem> {
    let scope = BudgetScope::try_from(scope).map_err(|error| invalid(&format!("{error}.")))?;
    match &scope {
        BudgetScope::Group(name) if name.len() > MAX_GROUP => {
            Err(invalid(&format!("The name of a group may have {MAX_GROUP} bytes.")))
        }
        _ => Ok(scope),
    }
}

pub(super) fn budget_problem(error: &BudgetError, actor: &Actor) -> Problem {
    match error {
        BudgetError::Configured => Problem::new(
            Kind::Conflict,
            "The configuration sets this budget (source \"config\"). Change it in gateway.toml under [[budgets]].",
        ),
        BudgetError::NoSuchToken => Problem::new(Kind::TokenNotFound, "There is no token of that id."),
        BudgetError::Full(full) => Problem::new(Kind::Conflict, format!("No more budgets: {full}.")),
        BudgetError::Change(ChangeError::NotFound) => {
            Problem::new(Kind::NotFound, "There is no budget of that scope and window.")
        }
        BudgetError::Change(error) => failed_change(error, actor),
    }
}

fn describe(listed: &ListedBudget) -> Value {
    let ListedBudget { budget, source, user, totals, reset } = listed;
    json!({
        "scope": budget.scope,
        "window": budget.window,
        "limit": budget.limit.to_string(),
        "spent": totals.map(|totals| totals.spent.to_string()),
        "held": totals.map(|totals| totals.held.to_string()),
        "reset": reset,
        "source": source,
        "user_id": user,
    })
}
