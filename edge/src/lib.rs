//! The gateway's front door as a Cloudflare Worker.
//!
//! In scope: handing what the Workers runtime offers to the core, and serving the core's router. Out of scope: any
//! decision; those are the core's.

use axum::Router;
use axum::body::Body;
use tower::ServiceExt as _;
use worker::{Context, Env, HttpRequest, Result, event};

/// Answers one request with the core's router.
///
/// The router's future is driven here, on the isolate's one thread, so it holds nothing of another request's.
#[event(fetch)]
async fn fetch(request: HttpRequest, _env: Env, _context: Context) -> Result<http::Response<Body>> {
    let answer = router().oneshot(request.map(Body::new)).await;
    answer.map_err(|never| match never {})
}

fn router() -> Router {
    gateway_core::http::liveness()
}
