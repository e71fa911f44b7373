//! Whether the process lives: all that a host can say before it has stores.

use axum::Router;
use axum::body::Body;
use axum::routing::{MethodFilter, on};
use http::{Response, StatusCode};
use serde_json::json;

use super::json;
use super::routes::{Endpoint, FrontEndpoint, ROUTES};

/// Serves the liveness routes of [`ROUTES`] alone: 200 for as long as the process answers at all, whatever its stores say.
///
/// For any state: a host may hold clients that its other routes will need.
pub fn liveness<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let mut router = Router::new();
    for route in ROUTES.iter().filter(|route| route.endpoint == Endpoint::Front(FrontEndpoint::Liveness)) {
        if let Ok(method) = MethodFilter::try_from(route.method.clone()) {
            router = router.route(route.path, on(method, alive));
        }
    }
    router
}

/// Answers that the process lives.
pub(super) async fn alive() -> Response<Body> {
    json::answer(StatusCode::OK, &json!({"status": "ok"}))
}

#[cfg(test)]
mod tests {
    use http::header::{CACHE_CONTROL, CONTENT_TYPE};
    use http::{Method, Request};
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    async fn answer(method: Method, path: &str) -> http::Response<axum::body::Body> {
        let request = Request::builder().method(method).uri(path).body(axum::body::Body::empty()).unwrap();
        liveness().oneshot(request).await.unwrap()
    }

    #[tokio::test]
    async fn says_that_it_lives_on_both_paths() {
        for path in ["/healthz", "/health"] {
            let response = answer(Method::GET, path).await;
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
            assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(body, r#"{"status":"ok"}"#);
        }
    }

    #[tokio::test]
    async fn refuses_to_be_written_to() {
        assert_eq!(answer(Method::POST, "/healthz").await.status(), StatusCode::METHOD_NOT_ALLOWED);
    }
}
