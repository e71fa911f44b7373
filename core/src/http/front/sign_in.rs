//! Signing in and out: `/oauth2/*`.

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::HeaderMap;
use http::header::{HeaderValue, SET_COOKIE};
use serde::de::IgnoredAny;

use super::pages::requested_path;
use super::session::ticket;
use super::{Front, control_plane, enter};
use crate::Chain;
use crate::control::{RefusedSignIn, SignInOutcome, SignInRecord, limited, neighbourhood};
use crate::http::{Kind, Problem, RequestContext};
use crate::id::UserId;
use crate::identity::Email;
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
    Extension(context): Extension<RequestContext>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    slow_down(&front, "start", &context).await?;
    begin(&front, requested_path(query.as_deref()).as_deref(), &headers, false).await
}

/// `GET /oauth2/callback`: the browser is back. Whatever comes of it, the flow's cookie goes.
pub(super) async fn callback<P: Platform>(
    State(front): State<Front<P>>,
    Extension(context): Extension<RequestContext>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    slow_down(&front, "callback", &context).await?;
    let query = match CallbackQuery::parse(query.as_deref().unwrap_or_default()) {
        Ok(query) => query,
        Err(error) => return Err(refuse(&front, &error, &context).await),
    };
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
    let signed_in = match front.relying_party().finish(front.platform(), query, &cookies).await {
        Ok(signed_in) => signed_in,
        Err(error) => return Err(refuse(front, &error, context).await),
    };
    let record = SignInRecord {
        account: signed_in.account.clone(),
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
        SignInOutcome::TooOften { retry_after } => Err(too_often(retry_after)),
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

/// Lets nobody begin or end more sign-ins than an office full of people does.
async fn slow_down<P: Platform>(front: &Front<P>, step: &str, context: &RequestContext) -> Result<(), Problem> {
    let (platform, most) = (front.platform(), front.config().limits.sign_ins_per_address);
    let name = format!("{step}:{}", neighbourhood(&context.address));
    let limited = limited(platform.hot(), &name, most, front.now());
    let limited = within(platform.clock(), front.deadline(), "the hot state", limited).await;
    let too_many = limited.map_err(|error| unavailable(&error))?;
    too_many.map_or(Ok(()), |too_many| Err(too_often(too_many.retry_after)))
}

fn too_often(retry_after: u32) -> Problem {
    let problem = Problem::new(Kind::RateLimited, "Too many sign-ins in the last minute. Try again shortly.");
    problem.retry_after(retry_after.into())
}

/// Tells why nobody was signed in, logs what an operator has to know, and has the audit log know who was refused.
async fn refuse<P: Platform>(front: &Front<P>, error: &CallbackError, context: &RequestContext) -> Problem {
    let (kind, detail) = told(error);
    let email = match error {
        CallbackError::NotAdmitted { email } => Some(email.clone()),
        _ => None,
    };
    let who = email.as_ref().map(Email::as_str);
    tracing::warn!(error = %Chain(error), email = who, request = context.id, address = context.address, "sign-in refused");
    // What is our own trouble, or the provider's, is nobody's attempt.
    if kind != Kind::Unavailable {
        let refused = RefusedSignIn { why: error.to_string(), email };
        let noted = control_plane::ask::<_, IgnoredAny>(front, "/internal/sign-in-refused", Some(context), &refused);
        // It stays refused if that cannot be noted; why is in the log by now.
        let _ = noted.await;
    }
    Problem::new(kind, detail)
}

const fn told(error: &CallbackError) -> (Kind, &'static str) {
    match error {
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
    }
}

fn unavailable(error: &Unavailable) -> Problem {
    tracing::error!(error = %Chain(error), "sessions cannot be written");
    Problem::unavailable()
}
