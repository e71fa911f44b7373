//! A person's own tokens: `/api/token/*`.

use axum::Extension;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use http::{Response, StatusCode};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::paging::Paging;
use super::{failed_change, person, unavailable};
use crate::control::{Actor, Authority, ChangeError, Control, ListedToken, MintError, MintRequest, TooOften};
use crate::http::json::Sent;
use crate::http::{Kind, Problem, instructions, json, query};
use crate::id::TokenId;

/// `POST /api/token/generate`: mints a token; the one answer that ever holds it.
pub(super) async fn generate<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    Sent(request): Sent<MintRequest>,
) -> Result<Response<Body>, Problem> {
    let minted = control.mint(&actor, person(&actor)?, &request).await.map_err(|error| mint_problem(&error, &actor))?;
    let token = &minted.token;
    let body = json!({
        "success": true,
        "token": minted.secret.expose_secret(),
        "token_type": "Bearer",
        "token_id": token.id,
        "token_name": token.name,
        "expires_in": token.expiry.since(token.created),
        "expires_at": token.expiry,
        "created_at": token.created,
        "scopes": token.scopes,
        "user_email": minted.user.email,
        "usage_instructions": instructions::for_clients(control.config()),
    });
    Ok(json::answer(StatusCode::CREATED, &body))
}

/// `GET /api/token/list?limit=&cursor=`: one page of the person's tokens, newest first.
pub(super) async fn list<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    RawQuery(raw): RawQuery,
) -> Result<Response<Body>, Problem> {
    let user = person(&actor)?;
    let [limit, cursor] = query::parse(raw.as_deref(), ["limit", "cursor"])?;
    let paging = Paging::of(&control, "tokens", &user.to_string(), limit.as_deref(), cursor.as_deref())?;
    let listed = control.list(user, paging.page.clone()).await.map_err(|error| unavailable(&error, &actor))?;
    let (owner, page) = listed.ok_or_else(|| Problem::new(Kind::NotFound, "The records do not know you."))?;
    let body = json!({
        "success": true,
        "tokens": page.items.iter().map(describe).collect::<Vec<_>>(),
        "count": page.items.len(),
        "user_email": owner.email,
        "next_cursor": paging.next(page.next.as_ref()),
    });
    Ok(json::answer(StatusCode::OK, &body))
}

/// `GET /api/token/info?token_id=`: one of the person's tokens.
pub(super) async fn info<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    RawQuery(raw): RawQuery,
) -> Result<Response<Body>, Problem> {
    let [id] = query::parse(raw.as_deref(), ["token_id"])?;
    let id = token_id(id.as_deref().unwrap_or_default())?;
    let found = control.info(person(&actor)?, id).await.map_err(|error| unavailable(&error, &actor))?;
    let token = found.ok_or_else(not_found)?;
    Ok(json::answer(StatusCode::OK, &json!({"success": true, "token_info": describe(&token)})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RevokeRequest {
    token_id: String,
}

/// `POST /api/token/revoke`: revokes one of the person's tokens; revoking it again is fine.
pub(super) async fn revoke<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    Sent(RevokeRequest { token_id: text }): Sent<RevokeRequest>,
) -> Result<Response<Body>, Problem> {
    let id = token_id(&text)?;
    control.revoke(&actor, person(&actor)?, id).await.map_err(|error| revoke_problem(&error, &actor))?;
    Ok(json::answer(StatusCode::OK, &json!({"success": true, "message": "Token revoked", "token_id": id})))
}

/// `POST /api/token/revoke-all`: revokes all of the person's tokens.
pub(super) async fn revoke_all<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
) -> Result<Response<Body>, Problem> {
    control.revoke_all(&actor, person(&actor)?).await.map_err(|error| revoke_problem(&error, &actor))?;
    Ok(json::answer(StatusCode::OK, &json!({"success": true, "message": "All tokens revoked"})))
}

fn describe(listed: &ListedToken) -> Value {
    let token = &listed.token;
    json!({
        "token_id": token.id,
        "token_name": token.name,
        "scopes": token.scopes,
        "created_at": token.created,
        "expires_at": token.expiry,
        "last_used": token.last_used,
        "status": listed.status,
        "is_expired": listed.is_expired,
    })
}

pub(super) fn token_id(text: &str) -> Result<TokenId, Problem> {
    text.parse().map_err(|_| not_found())
}

fn not_found() -> Problem {
    Problem::new(Kind::TokenNotFound, "You have no token of that id.")
}

fn mint_problem(error: &MintError, actor: &Actor) -> Problem {
    match error {
        MintError::Name(_) | MintError::Lifetime { .. } | MintError::Scope => {
            Problem::new(Kind::Invalid, format!("{error}."))
        }
        MintError::ScopeBeyondRole | MintError::ScopeNotAllowed(_) => {
            Problem::new(Kind::Forbidden, format!("{error}."))
        }
        MintError::Inactive => Problem::new(Kind::Forbidden, "Your account is not active."),
        MintError::TooOften(TooOften { retry_after }) => {
            Problem::new(Kind::RateLimited, "Too many tokens were minted in the last minute. Try again shortly.")
                .retry_after((*retry_after).into())
        }
        MintError::Key(_) => {
            tracing::error!(%error, request = actor.request, "no token can be signed");
            Problem::unavailable()
        }
        MintError::Unavailable(error) => unavailable(error, actor),
    }
}

pub(super) fn revoke_problem(error: &ChangeError, actor: &Actor) -> Problem {
    match error {
        ChangeError::NotFound => not_found(),
        ChangeError::Pending(error) => {
            let _ = unavailable(error, actor);
            Problem::new(
                Kind::Unavailable,
                "The revocation is saved and is being applied. Try again to see whether it is in effect.",
            )
        }
        error => failed_change(error, actor),
    }
}
