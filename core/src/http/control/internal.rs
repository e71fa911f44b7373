//! What the front asks for itself.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use http::{Response, StatusCode};
use serde_json::json;

use super::{failed_change, unavailable};
use crate::control::{
    Actor, Authority, Control, ProviderLogout, RefusedSignIn, RestoreAnswer, RestoreRequest, SignInRecord,
};
use crate::http::json::Sent;
use crate::http::{Problem, json};

/// `POST /internal/sign-in`: records a sign-in; see [`Control::sign_in`].
pub(super) async fn sign_in<A: Authority>(
    State(control): State<Control<A>>,
    Extension(actor): Extension<Actor>,
    Sent(record): Sent<SignInRecord>,
) -> Result<Response<Body>, Problem> {
    let outcome = control.sign_in(&actor, &record).await.map_err(|error| unavailable(&error, &actor))?;
    Ok(json::answer(StatusCode::OK, &outcome))
}

/// `POST /internal/sign-in-refused`: notes that a sign-in came to nothing; see [`Control::note_refused_sign_in`].
pub(super) async fn sign_in_refused<A: Authority>(
    State(control): State<Control<A>>,
    Extension(actor): Extension<Actor>,
    Sent(refused): Sent<RefusedSignIn>,
) -> Result<Response<Body>, Problem> {
    control.note_refused_sign_in(&actor, "sign-in", &refused).await;
    Ok(json::answer(StatusCode::OK, &json!({"noted": true})))
}

/// `POST /internal/provider-logout`: ends the sessions that the identity provider says are over; see
/// [`Control::provider_logout`].
pub(super) async fn provider_logout<A: Authority>(
    State(control): State<Control<A>>,
    Extension(actor): Extension<Actor>,
    Sent(logout): Sent<ProviderLogout>,
) -> Result<Response<Body>, Problem> {
    let ended = control.provider_logout(&actor, &logout).await.map_err(|error| failed_change(&error, &actor))?;
    Ok(json::answer(StatusCode::OK, &json!({"ended": ended})))
}

/// `POST /internal/restore`: tells the hot state what it does not know; see [`Control::restore`].
pub(super) async fn restore<A: Authority>(
    State(control): State<Control<A>>,
    Extension(actor): Extension<Actor>,
    Sent(request): Sent<RestoreRequest>,
) -> Result<Response<Body>, Problem> {
    let found = control.restore(&request).await.map_err(|error| unavailable(&error, &actor))?;
    Ok(json::answer(StatusCode::OK, &RestoreAnswer { found }))
}

/// `GET /internal/keys`: the keys that our tokens are checked against, as a JWK set (RFC 7517 §5).
pub(super) async fn keys<A: Authority>(
    State(control): State<Control<A>>,
    Extension(actor): Extension<Actor>,
) -> Result<Response<Body>, Problem> {
    let keys = control.keys().public().map_err(|error| {
        tracing::error!(%error, request = actor.request, "the keys cannot be told");
        Problem::unavailable()
    })?;
    Ok(json::answer(StatusCode::OK, &keys))
}

/// `GET /internal/ready`: says whether the records answer.
pub(super) async fn ready<A: Authority>(
    State(control): State<Control<A>>,
    Extension(actor): Extension<Actor>,
) -> Result<Response<Body>, Problem> {
    control.check_records().await.map_err(|error| unavailable(&error, &actor))?;
    Ok(json::answer(StatusCode::OK, &json!({"status": "ok"})))
}
