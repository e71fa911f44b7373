//! The browser session of a request.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::{Front, control_plane};
use crate::control::Actor;
use crate::http::{Problem, json};
use crate::ports::{Platform, SessionState, Sessions as _, within};
use crate::session::{Cookies, SESSION_COOKIE, Session, Ticket, TicketHash};

/// Who is looking at our pages.
pub(super) enum Visitor {
    /// Somebody with a session.
    SignedIn(Session),
    /// Anybody.
    Nobody,
}

/// Returns whose session the request's cookie opens.
///
/// # Errors
///
/// A problem if the hot state or the control plane does not answer: nobody is let in then, and nobody is signed out.
pub(super) async fn visitor<P: Platform>(front: &Front<P>, headers: &HeaderMap) -> Result<Visitor, Problem> {
    let Some(hash) = ticket(front, headers) else { return Ok(Visitor::Nobody) };
    // A second time after the control plane has told the hot state who the user is.
    for _ in 0..2 {
        let platform = front.platform();
        let call = platform.hot().session(&hash, front.now());
        let state = within(platform.clock(), front.deadline(), "the hot state", call).await;
        match state.map_err(|error| unavailable(&error))? {
            SessionState::Live(session) => return Ok(Visitor::SignedIn(session)),
            SessionState::Over => return Ok(Visitor::Nobody),
            SessionState::Unknown { user, generation } => {
                if !control_plane::restore(front, generation, user, None).await? {
                    return Ok(Visitor::Nobody);
                }
            }
        }
    }
    Err(Problem::unavailable())
}

/// Returns what the browser's ticket hashes to, if it has one.
pub(super) fn ticket<P: Platform>(front: &Front<P>, headers: &HeaderMap) -> Option<TicketHash> {
    let value = Cookies::of(headers).value(&front.cookies().name(SESSION_COOKIE))?;
    Ticket::parse(value).ok().map(|ticket| ticket.hash())
}

/// `GET /oauth2/userinfo`: who is signed in, as oauth2-proxy tells it.
pub(super) async fn user_info<P: Platform>(
    State(front): State<Front<P>>,
    Extension(actor): Extension<Actor>,
) -> Result<Response<Body>, Problem> {
    let mut request = Request::new(bytes::Bytes::new());
    *request.uri_mut() = http::Uri::from_static("/api/me");
    let answer = control_plane::call(&front, &actor, request).await?;
    let me: Value = serde_json::from_slice(answer.body()).map_err(|_| Problem::unavailable())?;
    let body = json!({
        "user": me["user"]["id"],
        "email": me["user"]["email"],
        "groups": me["groups"],
        "roles": me["roles"],
    });
    Ok(json::answer(StatusCode::OK, &body))
}

fn unavailable(error: &crate::ports::Unavailable) -> Problem {
    tracing::error!(%error, "sessions cannot be read");
    Problem::unavailable()
}
