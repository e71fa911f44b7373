//! `GET /api/me`.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use http::{Response, StatusCode};
use serde_json::json;

use super::people::roles;
use super::{person, unavailable};
use crate::control::{Actor, Authority, Control, Via};
use crate::http::{Kind, Problem, json};
use crate::ports::Users as _;

/// Tells who the caller is, with which roles and groups, and how they signed in.
pub(super) async fn me<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
) -> Result<Response<Body>, Problem> {
    let user = control.records().user(person(&actor)?).await.map_err(|error| unavailable(&error, &actor))?;
    let user = user.ok_or_else(|| Problem::new(Kind::NotFound, "The records do not know you."))?;
    let role = control.role(&actor, user.clone()).await.map_err(|error| unavailable(&error, &actor))?;
    let user = user.value;
    let via = match actor.via {
        Via::Session { .. } => "session",
        Via::Bearer { .. } => "bearer",
        Via::Directory => "directory",
        Via::Front => "front",
    };
    let body = json!({
        "user": {"id": user.id, "email": user.email, "name": user.name},
        "roles": roles(role),
        "groups": user.groups,
        "via": via,
    });
    Ok(json::answer(StatusCode::OK, &body))
}
