//! How much there is of everything: `/api/admin/overview`.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use futures_util::future::try_join3;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::unavailable;
use crate::Chain;
use crate::control::{Actor, Authority, Control, Summary};
use crate::http::{Problem, json};

/// `GET /api/admin/overview`: how many people were seen in the last day and are suspended, and how many sessions and tokens there are.
pub(super) async fn overview<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
) -> Result<Response<Body>, Problem> {
    let ((seen, suspended), sessions, tokens) =
        try_join3(control.seen_counts(), control.session_counts(), async { Ok(summary(&control, &actor).await) })
            .await
            .map_err(|error| unavailable(&error, &actor))?;
    let body = json!({
        "people_seen": seen,
        "people_suspended": suspended,
        "sessions": sessions.sessions,
        "tokens": tokens,
        "current_time": control.now(),
    });
    Ok(json::answer(StatusCode::OK, &body))
}

/// Tells how many tokens there are, or nothing: what goes with it is worth having without.
pub(super) async fn summary<A: Authority>(control: &Control<A>, actor: &Actor) -> Option<Value> {
    let counted = control.summary().await.unwrap_or_else(|error| {
        tracing::warn!(error = %Chain(&error), request = actor.request, "tokens cannot be counted");
        None
    });
    counted.map(|Summary { active, expired, revoked }| {
        json!({"total": active + expired + revoked, "active": active, "expired": expired, "revoked": revoked})
    })
}
