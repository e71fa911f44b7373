//! What the caller spent: `GET /api/usage/me`, and `GET /api/oauth/usage` for Claude Code.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::session::me;
use super::{Front, control_plane, model_call};
use crate::Chain;
use crate::control::{Actor, Via};
use crate::http::{Problem, RequestContext, budget_notice, json};
use crate::id::{TokenId, UserId};
use crate::money::{BudgetState, Calendar};
use crate::ports::{Platform, Spending, SpendingQuery, SpendingState, Totals, Usage as _, within};
use crate::time::Timestamp;
use crate::token::{Scope, Verified};

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
    let calendar = front.calendar(front.now());
    let spending = spending(&front, &actor.request, me.user.id, token, &calendar).await?;
    let spend: Map<String, Value> = spending
        .windows
        .iter()
        .map(|(kind, totals)| (kind.name().to_owned(), window(*totals, calendar.window(*kind).end)))
        .collect();
    let budgets: Vec<Value> = spending.budgets.iter().map(budget).collect();
    Ok(json::answer(StatusCode::OK, &json!({"user_email": me.user.email, "spend": spend, "budgets": budgets})))
}

/// `GET /api/oauth/usage`: the same as Claude Code asks for it, of the token's owner and the token.
pub(super) async fn client_usage<P: Platform>(
    State(front): State<Front<P>>,
    Extension(context): Extension<RequestContext>,
    Extension(token): Extension<Verified>,
) -> Result<Response<Body>, Problem> {
    model_call::authenticate(&front, &context, &token, Scope::Llm).await?;
    let calendar = front.calendar(front.now());
    let spending = spending(&front, &context.id, token.user, Some(token.token), &calendar).await?;
    Ok(json::answer(StatusCode::OK, &budget_notice::usage(&spending)))
}

/// Asks how somebody's money stands.
///
/// # Errors
///
/// 503 if a store does not answer.
pub(super) async fn spending<P: Platform>(
    front: &Front<P>,
    request: &str,
    user: UserId,
    token: Option<TokenId>,
    calendar: &Calendar,
) -> Result<Spending, Problem> {
    let query = SpendingQuery { user, token, calendar: calendar.clone(), budgets: front.budgets() };
    let platform = front.platform();
    // A second time after the control plane has told the hot state what it did not know.
    for _ in 0..2 {
        let call = platform.hot().spending(&query);
        match within(platform.clock(), front.deadline(), "the hot state", call).await {
            Ok(SpendingState::Known(spending)) => return Ok(spending),
            Ok(SpendingState::Unknown(generation)) => {
                control_plane::restore(front, generation, user, None).await?;
            }
            Err(error) => {
                tracing::error!(error = %Chain(&error), request, "spending cannot be read");
                return Err(Problem::unavailable());
            }
        }
    }
    tracing::error!(request, "the hot state forgets what it is told");
    Err(Problem::unavailable())
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
