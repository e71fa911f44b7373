//! The browser session of a request.

use std::fmt::Write as _;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use http::header::CACHE_CONTROL;
use http::{HeaderMap, Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::{Front, control_plane};
use crate::Chain;
use crate::control::Actor;
use crate::http::{Kind, Problem, json};
use crate::id::UserId;
use crate::identity::{Email, Role};
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

/// What the control plane tells of a person.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Me {
    pub(super) user: Person,
    pub(super) groups: Vec<String>,
    roles: Vec<Role>,
}

/// Somebody.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Person {
    pub(super) id: UserId,
    pub(super) email: Email,
    pub(super) name: Option<String>,
}

impl Me {
    /// Returns their highest role.
    pub(super) fn role(&self) -> Role {
        self.roles.iter().copied().max().unwrap_or(Role::User)
    }
}

/// `GET /oauth2/userinfo`: who is signed in, as oauth2-proxy tells it.
pub(super) async fn user_info<P: Platform>(
    State(front): State<Front<P>>,
    Extension(actor): Extension<Actor>,
) -> Result<Response<Body>, Problem> {
    let Me { user, groups, roles } = me(&front, &actor).await?;
    let body = json!({"user": user.id, "email": user.email, "groups": groups, "roles": roles});
    Ok(json::answer(StatusCode::OK, &body))
}

/// `GET /oauth2/auth`: who is signed in, in headers, for another server that asks before it serves somebody.
pub(super) async fn auth<P: Platform>(
    State(front): State<Front<P>>,
    Extension(actor): Extension<Actor>,
) -> Result<Response<Body>, Problem> {
    let Me { user, groups, .. } = me(&front, &actor).await?;
    let response = Response::builder()
        .status(StatusCode::ACCEPTED)
        .header(CACHE_CONTROL, "no-store")
        .header("x-auth-request-user", user.id.to_string())
        .header("x-auth-request-email", user.email.as_str())
        .header("x-auth-request-groups", group_list(&groups));
    response.body(Body::empty()).map_err(|_| Problem::new(Kind::Internal, "Your name cannot be written."))
}

/// Asks the control plane who the caller is.
pub(super) async fn me<P: Platform>(front: &Front<P>, actor: &Actor) -> Result<Me, Problem> {
    let mut request = Request::new(bytes::Bytes::new());
    *request.uri_mut() = http::Uri::from_static("/api/me");
    let answer = control_plane::call(front, actor, request).await?;
    if answer.status() != StatusCode::OK {
        return Err(Problem::unavailable());
    }
    serde_json::from_slice(answer.body()).map_err(|_| Problem::unavailable())
}

/// Writes groups as a list for a header. What is not visible ASCII is percent-encoded, and so are the comma and the percent
/// sign: no group's name makes two groups or another header, and decoding gives it back.
fn group_list(groups: &[String]) -> String {
    let coded: Vec<String> =
        groups.iter().filter(|group| !group.is_empty()).map(|group| percent_encoded(group)).collect();
    coded.join(",")
}

fn percent_encoded(text: &str) -> String {
    let mut coded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && byte != b',' && byte != b'%' {
            coded.push(char::from(byte));
        } else {
            // Writing into a text cannot fail.
            let _ = write!(coded, "%{byte:02X}");
        }
    }
    coded
}

fn unavailable(error: &crate::ports::Unavailable) -> Problem {
    tracing::error!(error = %Chain(&error), "sessions cannot be read");
    Problem::unavailable()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_groups_apart_and_headers_whole() {
        for (groups, expected) in [
            (&[][..], ""),
            (&["staff", "eu/admins:1"], "staff,eu/admins:1"),
            (&["staff,admins"], "staff%2Cadmins"),
            (&["staff", "", " admins"], "staff,%20admins"),
            (&["a\r\nX-Auth-Request-Email: eve@example.com"], "a%0D%0AX-Auth-Request-Email:%20eve@example.com"),
            (&["Z\u{fc}rich"], "Z%C3%BCrich"),
            (&["100%", "%2C"], "100%25,%252C"),
            (&["\0\t\u{7f}"], "%00%09%7F"),
        ] {
            let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
            assert_eq!(group_list(&groups), expected);
        }
    }
}
