//! What anybody may ask: whether we are ready, and with which keys our tokens are checked.

use axum::body::Body;
use axum::extract::State;
use http::header::{CACHE_CONTROL, HeaderValue};
use http::{Response, StatusCode};
use serde::de::IgnoredAny;
use serde_json::json;

use super::{Front, control_plane, keys};
use crate::Chain;
use crate::http::{Problem, json};
use crate::ports::{Platform, Usage as _, within};

/// `GET /readyz`: the stores answer.
pub(super) async fn readiness<P: Platform>(State(front): State<Front<P>>) -> Result<Response<Body>, Problem> {
    let platform = front.platform();
    let hot = within(platform.clock(), front.deadline(), "the hot state", platform.hot().pending_usage(1)).await;
    hot.map_err(|error| {
        tracing::error!(error = %Chain(&error), "not ready");
        Problem::unavailable()
    })?;
    let _: IgnoredAny = control_plane::look(&front, "/internal/ready").await?;
    Ok(json::answer(StatusCode::OK, &json!({"status": "ready"})))
}

/// `GET /.well-known/jwks.json`: the public keys of our tokens (RFC 7517 §5).
pub(super) async fn jwks<P: Platform>(State(front): State<Front<P>>) -> Result<Response<Body>, Problem> {
    keys::follow(&front).await?;
    let mut response = json::answer(StatusCode::OK, &*front.verifier().keys());
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
    Ok(response)
}
