//! Everybody's tokens: `/api/admin/tokens*`.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::overview::summary;
use super::paging::Paging;
use super::tokens::{revoke_problem, token_id};
use super::{Address, address, change_problem, invalid, unavailable};
use crate::control::{Actor, Administrator, Authority, ChangeError, Control, EverybodysQuery, EverybodysToken};
use crate::http::json::Sent;
use crate::http::{Kind, Problem, json, query};
use crate::token::TokenStatus;

/// Longest `q`, in bytes: more than a name or an address has.
const MAX_PREFIX: usize = 256;

/// `GET /api/admin/tokens?email=&q=&status=&limit=&cursor=`: one page of everybody's tokens, and how many there are in all.
pub(super) async fn list<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    Extension(administrator): Extension<Administrator>,
    RawQuery(raw): RawQuery,
) -> Result<Response<Body>, Problem> {
    let names = ["email", "q", "status", "limit", "cursor"];
    let [email, prefix, status, limit, cursor] = query::parse_filled(raw.as_deref(), names)?;
    let list = format!("everybody's tokens {:?}", (&email, &prefix, &status));
    let owner = administrator.id.to_string();
    let paging = Paging::of(&control, &list, &owner, limit.as_deref(), cursor.as_deref())?;
    if prefix.as_ref().is_some_and(|prefix| prefix.len() > MAX_PREFIX) {
        return Err(invalid(&format!("q may have {MAX_PREFIX} bytes at most.")));
    }
    let query = EverybodysQuery {
        email: email.as_deref().map(address).transpose()?,
        prefix,
        status: status.as_deref().map(standing).transpose()?,
        page: paging.page.clone(),
    };
    let page = control.everybodys(&query).await.map_err(|error| unavailable(&error, &actor))?;
    let body = json!({
        "tokens": page.items.iter().map(describe).collect::<Vec<_>>(),
        "summary": summary(&control, &actor).await,
        "next_cursor": paging.next(page.next.as_ref()),
    });
    Ok(json::answer(StatusCode::OK, &body))
}

/// `DELETE /api/admin/tokens/{token_id}`: revokes somebody's token; revoking it again is fine.
pub(super) async fn revoke<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    Extension(administrator): Extension<Administrator>,
    Path(id): Path<String>,
) -> Result<Response<Body>, Problem> {
    let id = token_id(&id).map_err(|_| not_found())?;
    let revoked = control.revoke_anybodys(&actor, &administrator, id).await;
    let revoked = revoked.map_err(|error| match error {
        ChangeError::NotFound => not_found(),
        error => revoke_problem(&error, &actor),
    })?;
    let body = json!({
        "message": "Token revoked",
        "token_id": revoked.id,
        "user_email": revoked.email,
        "revoked_by": administrator.email,
    });
    Ok(json::answer(StatusCode::OK, &body))
}

/// `POST /api/admin/tokens/revoke-user`: revokes all tokens of whoever has an address.
pub(super) async fn revoke_user<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    Extension(administrator): Extension<Administrator>,
    Sent(asked): Sent<Address>,
) -> Result<Response<Body>, Problem> {
    let email = asked.email()?;
    let revoked = control.revoke_persons(&actor, &administrator, &email).await.map_err(|error| match error {
        ChangeError::Pending(_) => revoke_problem(&error, &actor),
        error => change_problem(&error, &email, &actor),
    })?;
    let body = json!({
        "message": "All tokens of the user revoked",
        "user_email": email,
        "revoked_count": revoked,
        "revoked_by": administrator.email,
    });
    Ok(json::answer(StatusCode::OK, &body))
}

fn describe(token: &EverybodysToken) -> Value {
    let EverybodysToken { listed, email } = token;
    json!({
        "token_id": listed.token.id,
        "token_name": listed.token.name,
        "user_email": email,
        "scopes": listed.token.scopes,
        "created_at": listed.token.created,
        "expires_at": listed.token.expiry,
        "last_used": listed.token.last_used,
        "is_expired": listed.is_expired,
        "is_revoked": listed.status == TokenStatus::Revoked,
        "status": listed.status,
    })
}

fn standing(text: &str) -> Result<TokenStatus, Problem> {
    match text {
        "active" => Ok(TokenStatus::Active),
        "expired" => Ok(TokenStatus::Expired),
        "revoked" => Ok(TokenStatus::Revoked),
        _ => Err(invalid("status must be active, expired or revoked.")),
    }
}

fn not_found() -> Problem {
    Problem::new(Kind::TokenNotFound, "There is no token of that id.")
}
