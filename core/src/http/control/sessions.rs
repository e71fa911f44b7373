//! Browser sessions: everybody's for administrators (`/api/admin/sessions*`), and a person's own (`/api/me/*`).

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::paging::Paging;
use super::people::{methods, roles};
use super::{Address, address, change_problem, person, unavailable};
use crate::Chain;
use crate::control::{Actor, Administrator, Authority, ChangeError, Control, SeenPerson, Via};
use crate::http::json::Sent;
use crate::http::{Kind, Problem, json, query};
use crate::money::Nanodollars;
use crate::ports::PageRequest;
use crate::session::{Session, SessionId};
use crate::time::Timestamp;

/// How many people the statistics name: those who were seen last.
const MOST_ACTIVE: u32 = 100;

/// `GET /api/admin/sessions?email=&limit=&cursor=`: one page of sessions, those that were opened last first.
pub(super) async fn list<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    Extension(administrator): Extension<Administrator>,
    RawQuery(raw): RawQuery,
) -> Result<Response<Body>, Problem> {
    let [email, limit, cursor] = query::parse_filled(raw.as_deref(), ["email", "limit", "cursor"])?;
    let list = format!("sessions {email:?}");
    let owner = administrator.id.to_string();
    let paging = Paging::of(&control, &list, &owner, limit.as_deref(), cursor.as_deref())?;
    let failed = |error| unavailable(&error, &actor);
    let (page, total) = if let Some(email) = email.as_deref().map(address).transpose()? {
        let page = control.sessions_at(&email, paging.page.clone()).await.map_err(failed)?;
        (page, control.session_count_at(&email).await.map_err(failed)?)
    } else {
        let page = control.everybodys_sessions(paging.page.clone()).await.map_err(failed)?;
        (page, control.session_counts().await.map_err(failed)?.sessions)
    };
    let now = control.now();
    let sessions: Vec<Value> = page.items.iter().map(|session| describe(session, now, &actor)).collect();
    let body = json!({"sessions": sessions, "total": total, "next_cursor": paging.next(page.next.as_ref())});
    Ok(json::answer(StatusCode::OK, &body))
}

/// `GET /api/admin/sessions/stats`: how many sessions there are, and whose.
pub(super) async fn stats<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
) -> Result<Response<Body>, Problem> {
    let failed = |error| unavailable(&error, &actor);
    let counts = control.session_counts().await.map_err(failed)?;
    let page = PageRequest { limit: MOST_ACTIVE, cursor: None };
    let seen = control.seen_people(page).await.map_err(failed)?;
    let mut by_email: Map<String, Value> = Map::new();
    for SeenPerson { user, activity } in seen.items.iter().filter(|person| person.activity.sessions > 0) {
        let sum = by_email.get(user.email.as_str()).and_then(Value::as_u64).unwrap_or_default();
        by_email.insert(user.email.to_string(), json!(sum + activity.sessions));
    }
    let body = json!({"total_sessions": counts.sessions, "unique_users": counts.people, "user_sessions": by_email});
    Ok(json::answer(StatusCode::OK, &body))
}

/// `GET /api/admin/sessions/active-users?email=&limit=&cursor=`: one page of the people who were seen in the last day.
pub(super) async fn active_users<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    Extension(administrator): Extension<Administrator>,
    RawQuery(raw): RawQuery,
) -> Result<Response<Body>, Problem> {
    let [email, limit, cursor] = query::parse_filled(raw.as_deref(), ["email", "limit", "cursor"])?;
    let list = format!("active users {email:?}");
    let owner = administrator.id.to_string();
    let paging = Paging::of(&control, &list, &owner, limit.as_deref(), cursor.as_deref())?;
    let failed = |error| unavailable(&error, &actor);
    let (people, next) = if let Some(email) = email.as_deref().map(address).transpose()? {
        (control.seen_at(&email).await.map_err(failed)?, None)
    } else {
        let page = control.seen_people(paging.page.clone()).await.map_err(failed)?;
        (page.items, page.next)
    };
    let (total, suspended) = control.seen_counts().await.map_err(failed)?;
    let ids: Vec<_> = people.iter().map(|person| person.user.id).collect();
    // The list is worth having without.
    let spent = control.spent_this_month(&ids).await.inspect_err(|error| {
        tracing::warn!(error = %Chain(error), request = actor.request, "it cannot be told what people spent");
    });
    let spent = spent.unwrap_or_default();
    let now = control.now();
    let described = people.iter().enumerate().map(|(at, person)| describe_person(&control, person, spent.get(at)));
    let body = json!({
        "active_users": described.collect::<Vec<_>>(),
        "total": total,
        "banned_count": suspended,
        "current_time": now,
        "next_cursor": paging.next(next.as_ref()),
    });
    Ok(json::answer(StatusCode::OK, &body))
}

/// `DELETE /api/admin/sessions/{session_key}`: ends a session.
pub(super) async fn end<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    Extension(administrator): Extension<Administrator>,
    Path(key): Path<String>,
) -> Result<Response<Body>, Problem> {
    let id = SessionId(key);
    let ended = control.end_anybodys_session(&actor, &administrator, &id).await;
    ended.map_err(|error| session_problem(&error, &actor))?;
    let body = json!({
        "message": "Session deleted successfully",
        "session_key": id,
        "deleted_by": administrator.email,
    });
    Ok(json::answer(StatusCode::OK, &body))
}

/// `POST /api/admin/sessions/revoke-user`: ends all sessions of whoever has an address, and has them give their credentials again.
pub(super) async fn end_all<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    Extension(administrator): Extension<Administrator>,
    Sent(asked): Sent<Address>,
) -> Result<Response<Body>, Problem> {
    let email = asked.email()?;
    let ended = control.sign_out_person(&actor, &administrator, &email).await;
    let body = json!({
        "message": "User sessions deleted successfully",
        "user_email": email,
        "deleted_count": ended.map_err(|error| change_problem(&error, &email, &actor))?,
        "deleted_by": administrator.email,
    });
    Ok(json::answer(StatusCode::OK, &body))
}

/// `GET /api/me/sessions?limit=&cursor=`: one page of the person's own sessions.
pub(super) async fn own<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    RawQuery(raw): RawQuery,
) -> Result<Response<Body>, Problem> {
    let user = person(&actor)?;
    let [limit, cursor] = query::parse_filled(raw.as_deref(), ["limit", "cursor"])?;
    let paging = Paging::of(&control, "own sessions", &user.to_string(), limit.as_deref(), cursor.as_deref())?;
    let page = control.persons_sessions(user, paging.page.clone()).await;
    let page = page.map_err(|error| unavailable(&error, &actor))?;
    let now = control.now();
    let sessions: Vec<Value> = page.items.iter().map(|session| describe(session, now, &actor)).collect();
    Ok(json::answer(StatusCode::OK, &json!({"sessions": sessions, "next_cursor": paging.next(page.next.as_ref())})))
}

/// `DELETE /api/me/sessions/{session_key}`: ends one of the person's own sessions.
pub(super) async fn end_own<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
    Path(key): Path<String>,
) -> Result<Response<Body>, Problem> {
    let id = SessionId(key);
    let ended = control.end_own_session(&actor, person(&actor)?, &id).await;
    ended.map_err(|error| session_problem(&error, &actor))?;
    Ok(json::answer(StatusCode::OK, &json!({"message": "Session ended", "session_key": id})))
}

/// `POST /api/me/sign-out-everywhere`: ends all of the person's own sessions, this one included.
pub(super) async fn sign_out_everywhere<A: Authority>(
    State(control): State<Control<A>>,
    actor: Extension<Actor>,
) -> Result<Response<Body>, Problem> {
    let ended = control.sign_out_everywhere(&actor, person(&actor)?).await;
    let ended = ended.map_err(|error| session_problem(&error, &actor))?;
    Ok(json::answer(StatusCode::OK, &json!({"message": "Signed out everywhere", "ended_count": ended})))
}

fn describe(session: &Session, now: Timestamp, actor: &Actor) -> Value {
    let id = session.ticket.session();
    json!({
        "session_key": id,
        "email": session.email,
        "created_at": session.created,
        "last_seen": session.last_seen,
        "expires_at": session.expiry(),
        "ttl_seconds": session.expiry().since(now).max(0),
        "address": session.address,
        "user_agent": session.user_agent,
        "current": matches!(&actor.via, Via::Session { session, .. } if *session == id),
    })
}

fn describe_person<A: Authority>(control: &Control<A>, person: &SeenPerson, spent: Option<&Nanodollars>) -> Value {
    let SeenPerson { user, activity } = person;
    let now = control.now();
    let suspension = user.status.suspension(now);
    let until = suspension.and_then(|suspension| suspension.until);
    json!({
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "roles": roles(control.config().roles.role(user)),
        "status": control.standing(user),
        "suspended_until": until,
        "suspension_reason": suspension.map(|suspension| suspension.reason.clone()),
        "session_count": activity.sessions,
        "token_count": activity.tokens,
        "last_access": activity.by_session.max(activity.by_token),
        "expires_at": activity.expiry,
        "ttl_seconds": activity.expiry.map(|expiry| expiry.since(now).max(0)),
        "auth_methods": methods(activity),
        "spent_this_month": spent.map(ToString::to_string),
        "is_banned": suspension.is_some(),
        "ban_remaining_seconds": until.map(|until| until.since(now).max(0)),
        "ban_reason": suspension.map(|suspension| suspension.reason.clone()),
    })
}

fn session_problem(error: &ChangeError, actor: &Actor) -> Problem {
    match error {
        ChangeError::NotFound => Problem::new(Kind::SessionNotFound, "There is no session of that id."),
        error => super::failed_change(error, actor),
    }
}
