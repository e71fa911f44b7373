//! The function that fronts ask, over its URL.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use futures_util::FutureExt as _;
use gateway_core::http::{Dialect, Kind, Problem, remote_control_router};
use http::Response;
use lambda_http::{Error, Request, service_fn};
use tower::ServiceExt as _;

use crate::start::Started;

/// Serves fronts until the runtime ends it.
pub(crate) async fn serve(started: Started) -> Result<(), Error> {
    let router = remote_control_router(started.control.clone(), started.fronts.clone());
    let started = Arc::new(started);
    let answer = move |request: Request| {
        let (started, router) = (Arc::clone(&started), router.clone());
        async move {
            started.keys.follow(&started.control).await;
            answer(router, request.map(Body::new)).await
        }
    };
    lambda_http::run(service_fn(answer)).await
}

/// Answers a request, also if its handling panics: the process goes on, and the next one is none the worse.
async fn answer(router: Router, request: http::Request<Body>) -> Result<Response<Body>, Infallible> {
    match AssertUnwindSafe(router.oneshot(request)).catch_unwind().await {
        Ok(answer) => answer,
        Err(_) => Ok(Problem::new(Kind::Internal, "This is a defect of the gateway.").respond(Dialect::Api, "")),
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;

    use super::*;

    #[tokio::test]
    async fn answers_after_a_panic_and_goes_on() {
        async fn broken() -> &'static str {
            unreachable!("this is what the test is about")
        }
        let router = Router::new().route("/broken", get(broken)).route("/whole", get(async || "whole"));
        for (path, status) in [("/broken", 500), ("/whole", 200), ("/broken", 500)] {
            let request = http::Request::builder().uri(path).body(Body::empty()).unwrap();
            assert_eq!(answer(router.clone(), request).await.unwrap().status(), status, "{path}");
        }
    }
}
