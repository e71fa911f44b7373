//! `GET /api/usage/me`.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::Front;
use super::session::me;
use crate::Chain;
use crate::control::{Actor, Via};
use crate::http::{Problem, json};
use crate::money::{BudgetState, Nanodollars, WindowKind};
use crate::ports::{Platform, SpendingQuery, Unavailable, Usage as _, within};

/// Tells what the caller spent in the running windows, and how their budgets stand, in dollars.
pub(super) async fn usage<P: Platform>(
    State(front): State<Front<P>>,
    Extension(actor): Extension<Actor>,
) -> Result<Response<Body>, Problem> {
    let me = me(&front, &actor).await?;
    let token = match actor.via {
        Via::Bearer { token, .. } => Some(token),
        Via::Session { .. } | Via::Directory | Via::Front => None,
    };
    let query = SpendingQuery {
        user: me.user.id,
        email: me.user.email,
        groups: me.groups,
        token,
        calendar: front.calendar(front.now()),
        budgets: front.budgets(),
    };
    let platform = front.platform();
    let call = platform.hot().spending(&query);
    let spending = within(platform.clock(), front.deadline(), "the hot state", call).await;
    let spending = spending.map_err(|error: Unavailable| {
        tracing::error!(error = %Chain(&error), request = actor.request, "spending cannot be read");
        Problem::unavailable()
    })?;
    let spend: Map<String, Value> = spending
        .windows
        .iter()
        .map(|(kind, spent, held)| (name(*kind), window(*spent, *held, query.calendar.window(*kind).end)))
        .collect();
    let budgets: Vec<Value> = spending.budgets.iter().map(budget).collect();
    Ok(json::answer(StatusCode::OK, &json!({"user_email": query.email, "spend": spend, "budgets": budgets})))
}

fn window(spent: Nanodollars, held: Nanodollars, reset: Option<crate::time::Timestamp>) -> Value {
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
        "source": "config",
    })
}

fn name(kind: WindowKind) -> String {
    match kind {
        WindowKind::Daily => "daily",
        WindowKind::Weekly => "weekly",
        WindowKind::Monthly => "monthly",
        WindowKind::Total => "total",
    }
    .to_owned()
}
