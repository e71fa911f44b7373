//! The way to the control plane.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http::{Method, Uri};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Front;
use crate::Chain;
use crate::control::{Actor, RestoreAnswer, RestoreRequest, Via};
use crate::http::control::MAX_BODY;
use crate::http::{Kind, Problem, RequestContext, body};
use crate::id::{TokenId, UserId};
use crate::ports::{ControlPlane as _, Platform};
use crate::version::Generation;

/// Longest query that is passed on, in bytes: a cursor, an address and some filters. A front in another place has all of it in
/// its assertion, which has to fit into [`crate::token::MAX_TOKEN`].
const MAX_QUERY: usize = 1024;

/// Longest `Content-Type` that is passed on, in bytes; for the same reason.
const MAX_TYPE: usize = 256;

/// Passes a request on, on behalf of the actor whom the gate has authenticated.
pub(super) async fn forward<P: Platform>(State(front): State<Front<P>>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let actor = parts.extensions.get::<Actor>().cloned();
    let actor = actor.ok_or_else(|| Problem::new(Kind::Unauthenticated, "Sign in first."))?;
    if parts.uri.query().is_some_and(|query| query.len() > MAX_QUERY) {
        return Err(Problem::new(Kind::Invalid, format!("The query may have {MAX_QUERY} bytes at most.")));
    }
    if parts.headers.get(CONTENT_TYPE).is_some_and(|kind| kind.len() > MAX_TYPE) {
        return Err(Problem::new(Kind::Invalid, format!("The content type may have {MAX_TYPE} bytes at most.")));
    }
    let body = body::read_for(&parts.method, front.platform().clock(), body, MAX_BODY, "").await?;

    let mut inner = http::Request::new(body);
    *inner.method_mut() = parts.method;
    *inner.uri_mut() = parts.uri;
    if let Some(content_type) = parts.headers.get(CONTENT_TYPE) {
        inner.headers_mut().insert(CONTENT_TYPE, content_type.clone());
    }
    let answer = call(&front, &actor, inner).await?;
    let mut response = answer.map(Body::from);
    response.headers_mut().remove(CONTENT_LENGTH);
    Ok(response)
}

/// Asks the control plane.
///
/// # Errors
///
/// A problem if it does not answer; every status is an answer.
pub(super) async fn call<P: Platform>(
    front: &Front<P>,
    actor: &Actor,
    request: http::Request<Bytes>,
) -> Result<http::Response<Bytes>, Problem> {
    front.platform().control().call(actor, request).await.map_err(|error| {
        tracing::error!(error = %Chain(&error), request = actor.request, "the control plane does not answer");
        Problem::unavailable()
    })
}

/// Asks the control plane something for the front itself.
///
/// # Errors
///
/// A problem if it does not answer, or not with success.
pub(super) async fn ask<P: Platform, T: DeserializeOwned>(
    front: &Front<P>,
    path: &'static str,
    context: Option<&RequestContext>,
    question: &impl Serialize,
) -> Result<T, Problem> {
    let json = serde_json::to_vec(question).map_err(|_| Problem::unavailable())?;
    let mut request = http::Request::new(Bytes::from(json));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = Uri::from_static(path);
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for_itself(front, context, request).await
}

/// Asks the control plane how something is, for the front itself.
///
/// # Errors
///
/// As [`ask`].
pub(super) async fn look<P: Platform, T: DeserializeOwned>(front: &Front<P>, path: &'static str) -> Result<T, Problem> {
    let mut request = http::Request::new(Bytes::new());
    *request.uri_mut() = Uri::from_static(path);
    for_itself(front, None, request).await
}

async fn for_itself<P: Platform, T: DeserializeOwned>(
    front: &Front<P>,
    context: Option<&RequestContext>,
    request: http::Request<Bytes>,
) -> Result<T, Problem> {
    let path = request.uri().path().to_owned();
    let context = context.cloned();
    let actor = Actor {
        via: Via::Front,
        request: context.as_ref().map(|context| context.id.clone()).unwrap_or_default(),
        address: context.as_ref().map(|context| context.address.clone()).unwrap_or_default(),
        user_agent: context.map(|context| context.user_agent).unwrap_or_default(),
    };
    let answer = call(front, &actor, request).await?;
    if !answer.status().is_success() {
        tracing::error!(status = answer.status().as_u16(), path, "the control plane refuses the front");
        return Err(Problem::unavailable());
    }
    serde_json::from_slice(answer.body()).map_err(|error| {
        tracing::error!(%error, path, "the control plane's answer makes no sense");
        Problem::unavailable()
    })
}

/// Has the hot state told about a user, and a token, that it does not know. Says whether the records know them.
///
/// # Errors
///
/// A problem if a store does not answer.
pub(super) async fn restore<P: Platform>(
    front: &Front<P>,
    generation: Generation,
    user: UserId,
    token: Option<TokenId>,
) -> Result<bool, Problem> {
    let question = RestoreRequest { generation, user, token };
    let RestoreAnswer { found } = ask(front, "/internal/restore", None, &question).await?;
    Ok(found)
}
