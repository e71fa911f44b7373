use axum::Router;
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

/// Serves `GET /healthz` and `/health`: 200 for as long as the process answers at all, whatever its stores say.
pub fn liveness<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let alive = || async { ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], r#"{"status":"ok"}"#) };
    Router::new().route("/healthz", get(alive)).route("/health", get(alive))
}

#[cfg(test)]
mod tests {
    use http::{Method, Request, StatusCode};
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
