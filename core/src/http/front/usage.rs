//! What the caller spent, for Claude Code: `GET /api/oauth/usage`.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use http::{Response, StatusCode};

use super::{Front, control_plane, model_call};
use crate::Chain;
use crate::http::{Problem, RequestContext, budget_notice, json};
use crate::id::{TokenId, UserId};
use crate::money::Calendar;
use crate::ports::{Platform, Spending, SpendingQuery, SpendingState, Usage as _, within};
use crate::token::{Scope, Verified};

/// Tells how the money of the token's owner, and of the token, stands, as Claude Code asks for it.
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
async fn spending<P: Platform>(
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
