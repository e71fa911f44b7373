//! Signing in and out: `/oauth2/*`.

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::HeaderMap;
use http::header::{HeaderValue, SET_COOKIE};

use super::pages::requested_path;
use super::session::ticket;
use super::{Front, control_plane, enter};
use crate::Chain;
use crate::control::{SignInOutcome, SignInRecord};
use crate::http::{Kind, Problem, RequestContext};
use crate::id::UserId;
use crate::ports::{Platform, Random as _, Sessions as _, Unavailable, within};
use crate::session::{Cookies, SESSION_COOKIE, Session, Ticket};
use crate::signin::{CallbackError, CallbackQuery, SignedIn, StartRequest};
use crate::version::Epoch;

/// Where people go who asked for nothing.
const HOME: &str = "/token-manager";

/// `GET /oauth2/start?rd=`: sends the browser to the identity provider.
pub(super) async fn start<P: Platform>(
    State(front): State<Front<P>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    begin(&front, requested_path(query.as_deref()).as_deref(), &headers, false).await
}

/// `GET /oauth2/callback`: the browser is back. Whatever comes of it, the flow's cookie goes.
pub(super) async fn callback<P: Platform>(
    State(front): State<Front<P>>,
    Extension(context): Extension<RequestContext>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query =
        CallbackQuery::parse(query.as_deref().unwrap_or_default()).map_err(|error| refusal(&error, &context))?;
    let answer = finish(&front, &context, &query, &headers).await;
    let mut response = axum::response::IntoResponse::into_response(answer);
    if let Some(cleared) = query.state().and_then(|state| front.relying_party().clear_flow(state)) {
        response.headers_mut().append(SET_COOKIE, cleared);
    }
    Ok(response)
}

async fn finish<P: Platform>(
    front: &Front<P>,
    context: &RequestContext,
    query: &CallbackQuery,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let cookies = Cookies::of(headers);
    let signed_in = front.relying_party().finish(front.platform(), query, &cookies).await;
    let signed_in = signed_in.map_err(|error| refusal(&error, context))?;
    let record = SignInRecord {
        issuer: signed_in.issuer.clone(),
        subject: signed_in.subject.clone(),
        email: signed_in.email.clone(),
        name: signed_in.name.clone(),
        groups: signed_in.groups.clone(),
        authenticated_at: signed_in.auth_time,
    };
    match control_plane::ask(front, "/internal/sign-in", Some(context), &record).await? {
        SignInOutcome::Welcome { user, session_epoch } => {
            welcome(front, context, headers, &signed_in, user, session_epoch).await
        }
        SignInOutcome::AuthenticateAgain if !signed_in.login_again => {
            begin(front, Some(&signed_in.return_path), headers, true).await
        }
        SignInOutcome::AuthenticateAgain => {
            Err(Problem::new(Kind::Forbidden, "The identity provider did not ask for your credentials again."))
        }
        SignInOutcome::Removed => {
            Err(Problem::new(Kind::Forbidden, "Your account was removed. An administrator can restore it."))
        }
        SignInOutcome::Suspended { until } => {
            let end = until.and_then(|until| jiff::Timestamp::from_second(until.0).ok());
            let end = end.map_or_else(|| "an administrator lifts it".to_owned(), |end| end.to_string());
            Err(Problem::new(Kind::Suspended, format!("Your account is suspended until {end}.")))
        }
    }
}

async fn begin<P: Platform>(
    front: &Front<P>,
    return_to: Option<&str>,
    headers: &HeaderMap,
    login_again: bool,
) -> Result<Response, Problem> {
    let request = StartRequest { return_to, cookies: &Cookies::of(headers), login_again };
    let started = front.relying_party().start(front.platform(), &request).await.map_err(|error| {
        tracing::error!(error = %Chain(&error), "no sign-in can be started");
        Problem::new(Kind::Unavailable, "The identity provider cannot be reached. Try again in a moment.")
    })?;
    let mut response = enter::redirect(started.location.as_str());
    for cookie in started.set_cookies {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Opens a session. A session that the browser already had ends: nobody carries on in one that somebody else planted.
async fn welcome<P: Platform>(
    front: &Front<P>,
    context: &RequestContext,
    headers: &HeaderMap,
    signed_in: &SignedIn,
    user: UserId,
    epoch: Epoch,
) -> Result<Response, Problem> {
    if let Some(former) = ticket(front, headers) {
        end(front, &former.session()).await?;
    }
    let platform = front.platform();
    let (ticket, now) = (Ticket::new(platform.random().bytes()), front.now());
    let config = &front.config().session;
    let session = Session {
        ticket: ticket.hash(),
        user,
        email: signed_in.email.clone(),
        created: now,
        last_seen: now,
        absolute_expiry: now.plus(config.absolute.get()),
        idle: config.idle.0,
        epoch,
        idp_session: signed_in.idp_session.clone(),
        user_agent: context.user_agent.clone(),
        address: context.address.clone(),
    };
    let call = platform.hot().open_session(&session);
    within(platform.clock(), front.deadline(), "the hot state", call).await.map_err(|error| unavailable(&error))?;
    let path = if signed_in.return_path == "/" { HOME } else { &signed_in.return_path };
    let mut response = enter::redirect(path);
    append(&mut response, front.cookies().set(SESSION_COOKIE, &ticket.expose(), None));
    Ok(response)
}

/// `POST /oauth2/sign_out`: ends the session, here and, where it has a place for that, at the identity provider.
pub(super) async fn sign_out<P: Platform>(
    State(front): State<Front<P>>,
    Extension(session): Extension<Session>,
) -> Result<Response, Problem> {
    end(&front, &session.ticket.session()).await?;
    let elsewhere = front.relying_party().sign_out_url(front.platform()).await;
    let mut response = enter::redirect(elsewhere.as_ref().map_or("/", url::Url::as_str));
    append(&mut response, front.cookies().delete(SESSION_COOKIE));
    Ok(response)
}

async fn end<P: Platform>(front: &Front<P>, session: &crate::session::SessionId) -> Result<(), Problem> {
    let platform = front.platform();
    let call = platform.hot().end_session(session);
    let ended = within(platform.clock(), front.deadline(), "the hot state", call).await;
    ended.map(drop).map_err(|error| unavailable(&error))
}

fn append(response: &mut Response, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}

/// Tells why nobody was signed in, and logs what an operator has to know.
fn refusal(error: &CallbackError, context: &RequestContext) -> Problem {
    let (kind, detail) = match error {
        CallbackError::UnknownFlow | CallbackError::Malformed | CallbackError::OtherIssuer => {
            (Kind::Invalid, "This sign-in is over or belongs to another browser. Start again.")
        }
        CallbackError::Denied => (Kind::Forbidden, "The identity provider refused the sign-in."),
        CallbackError::NoEmail => (Kind::Forbidden, "The identity provider tells no usable e-mail address."),
        CallbackError::EmailUnverified => {
            (Kind::Forbidden, "The identity provider has not verified your e-mail address.")
        }
        CallbackError::NotAdmitted { .. } => (Kind::Forbidden, "You may not sign in here. Ask an administrator."),
        CallbackError::IdToken(_) => (Kind::BadGateway, "The identity provider's answer cannot be trusted."),
        CallbackError::Provider(_) | CallbackError::Unavailable(_) => {
            (Kind::Unavailable, "Signing in does not work just now. Try again in a moment.")
        }
    };
    let email = match error {
        CallbackError::NotAdmitted { email } => Some(email.as_str()),
        _ => None,
    };
    tracing::warn!(error = %Chain(error), email, request = context.id, address = context.address, "sign-in refused");
    Problem::new(kind, detail)
}

fn unavailable(error: &Unavailable) -> Problem {
    tracing::error!(error = %Chain(error), "sessions cannot be written");
    Problem::unavailable()
}
