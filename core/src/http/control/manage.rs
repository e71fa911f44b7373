//! Who is an administrator: `/api/admin/manage`.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{address, change_problem, unavailable};
use crate::control::{Actor, Administrator, Authority, ChangeError, Control, Granted, Listed, UngrantError};
use crate::http::json::Sent;
use crate::http::{Kind, Problem, json};
use crate::identity::{Email, RoleSource};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    email: String,
}

/// `GET /api/admin/manage`: the administrators, each with what makes them one, and the domains that make everybody one.
pub(super) async fn list<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
) -> Result<Response<Body>, Problem> {
    let listed = control.administrators().await.map_err(|error| unavailable(&error, &actor))?;
    let admins: Vec<Value> = listed.iter().map(describe).collect();
    let policy = &control.config().roles;
    let body = json!({
        "admins": admins,
        "total": admins.len(),
        "domains": policy.admin_domains,
        "groups": policy.admin_groups,
    });
    Ok(json::answer(StatusCode::OK, &body))
}

/// `POST /api/admin/manage`: makes somebody an administrator; 200 if they were one.
pub(super) async fn add<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    Extension(administrator): Extension<Administrator>,
    Sent(asked): Sent<Request>,
) -> Result<Response<Body>, Problem> {
    let email = address(&asked.email)?;
    let granted = control.grant(&actor, &administrator, &email).await;
    let (status, source, message) = match granted.map_err(|error| change_problem(&error, &email, &actor))? {
        Granted::Now => (StatusCode::CREATED, RoleSource::Grant, "Administrator added"),
        Granted::Before(source) => (StatusCode::OK, source, "They are an administrator already"),
    };
    let body = json!({"message": message, "email": email, "source": source, "added_by": administrator.email});
    Ok(json::answer(status, &body))
}

/// `DELETE /api/admin/manage`: takes back what was given to somebody here.
pub(super) async fn remove<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    Extension(administrator): Extension<Administrator>,
    Sent(asked): Sent<Request>,
) -> Result<Response<Body>, Problem> {
    let email = address(&asked.email)?;
    control.ungrant(&actor, &email).await.map_err(|error| match error {
        UngrantError::Configured(source) => Problem::new(Kind::Forbidden, configured(&email, source)),
        UngrantError::Change(ChangeError::NotFound) => {
            Problem::new(Kind::NotFound, format!("{email} is not an administrator."))
        }
        UngrantError::Change(error) => change_problem(&error, &email, &actor),
    })?;
    let body = json!({"message": "Administrator removed", "email": email, "removed_by": administrator.email});
    Ok(json::answer(StatusCode::OK, &body))
}

fn configured(email: &Email, source: RoleSource) -> String {
    let why = match source {
        RoleSource::SuperAdmin => "is a super administrator, which only the configuration changes",
        RoleSource::Config => "is an administrator by the configuration",
        RoleSource::Group | RoleSource::Grant => "is an administrator by a group of the identity provider",
    };
    format!("{email} {why}.")
}

fn describe(listed: &Listed) -> Value {
    json!({
        "email": listed.email,
        "source": listed.source,
        "removable": listed.source == RoleSource::Grant,
        "pinned": listed.is_pinned,
    })
}
